"""The admin shows orders within one's scope and changes none."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sites.models import User
from sites.tests.factories import People, people
from workorders.models import WorkOrder
from workorders.states import State
from workorders.tests.factories import make_order

pytestmark = pytest.mark.django_db

LIST = "/admin/workorders/workorder/"


@pytest.fixture
def cast() -> People:
    return people()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_orders_and_their_record_are_shown_within_ones_scope(cast: People) -> None:
    order = make_order(cast=cast, state=State.ON_HOLD, title="<script>alert(1)</script>")
    page = f"{LIST}{order.pk}/change/"

    ana, cy = signed_in(cast.ana), signed_in(cast.cy)
    listed, shown = ana.get(LIST), ana.get(page)

    assert order.number in listed.content.decode()
    assert "等待备件" in shown.content.decode()
    assert "<script>alert(1)" not in shown.content.decode()
    assert order.number not in cy.get(LIST).content.decode()
    assert cy.get(page).status_code == 302


def test_nothing_is_written_by_hand(cast: People) -> None:
    order = make_order(cast=cast)
    page = f"{LIST}{order.pk}/"
    adm = signed_in(cast.adm)

    assert adm.get(f"{LIST}add/").status_code == 403
    assert adm.post(f"{page}change/", {"state": "closed"}).status_code == 403
    assert adm.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert WorkOrder.objects.get(pk=order.pk).state == State.NEW


def test_the_list_does_not_ask_per_row(cast: People) -> None:
    adm = signed_in(cast.adm)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert adm.get(f"{LIST}?q=GD").status_code == 200
        return len(seen)

    make_order(cast=cast, state=State.ASSIGNED)
    few = queries()
    for _ in range(3):
        make_order(cast=cast, state=State.ASSIGNED)

    assert queries() == few

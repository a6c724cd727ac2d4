"""Nothing has been set up yet: every page that needs no row says so, none falls over it."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from sites.models import User
from tests.permission_routes import ROUTES

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def addresses() -> Iterator[str]:
    """Of everything that is read without naming a row."""
    for route, cases in sorted(ROUTES.items()):
        if any(case.method == "GET" for case in cases):
            try:
                yield reverse(route)
            except NoReverseMatch:
                continue


@pytest.mark.parametrize(("language", "is_superuser"), [("en", True), ("zh-hans", False)])
def test_pages_stand_without_a_single_row(*, language: str, is_superuser: bool) -> None:
    person = User.objects.create(
        username="first", name="First", language=language, is_superuser=is_superuser
    )
    client = Client()
    client.force_login(person)
    found = list(addresses())

    statuses = {address: client.get(address).status_code for address in found}

    assert len(found) > 60
    fallen = {address: status for address, status in statuses.items() if status >= 500}
    assert not fallen
    if is_superuser:
        refused = {address for address, status in statuses.items() if status == 403}
        assert not refused

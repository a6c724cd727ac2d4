"""Two people in two browsers, and through a gateway that dials in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices.drivers.simulator import SimDevice, SimGateway
from devices.models import ControlOperation, DtuDoor
from devices.services import control, dialin
from devices.services.polling import Poller
from devices.states import ControlState
from devices.tests.factories import make_bus, make_device, make_library_version
from devices.tests.meters import listening
from devices.tests.simulated import background, shipped_profile
from devices.tests.switching import Desk, make_desk, working
from devices.tests.test_dial_in_rows import make_dtu
from sites.models import User
from sites.rules import Role
from sites.tests.factories import make_grant, make_user
from tests.conftest import Eventually, eventually

__all__ = ["eventually"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with listening() as line:
        yield make_desk(line)


@pytest.fixture
def poller(desk: Desk) -> Iterator[Poller]:
    with working() as running:
        yield running


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_select_confirm_execute_each_in_an_own_session(desk: Desk, poller: Poller) -> None:
    operator, guardian = browser(desk.operator), browser(desk.guardian)
    select = f"{reverse('devices:control-select')}?device={desk.device.pk}&output=DO1"
    facts = {"wanted": "on", "reason": "检修前停电", "permit_number": "CZP-0042"}

    assert operator.post(select, facts | {"permit_number": ""}).status_code == 400
    answer = operator.post(select, facts)
    operation = ControlOperation.objects.get()
    page = reverse("devices:control-detail", args=[operation.pk])
    assert answer["Location"] == page

    def press(client: Client, move: str) -> str:
        address = reverse("devices:control-move", args=[operation.pk, move])
        client.post(address, {"seen": ControlOperation.objects.get().seen, "note": ""})
        return ControlOperation.objects.get().state

    assert "监护确认</button>" not in operator.get(page).content.decode()
    assert "监护确认</button>" in guardian.get(page).content.decode()
    assert press(operator, "confirm") == ControlState.SELECTED
    assert press(guardian, "refuse") == ControlState.SELECTED  # without a reason
    assert press(guardian, "confirm") == ControlState.CONFIRMED
    assert press(guardian, "execute") == ControlState.CONFIRMED
    assert press(operator, "execute") == ControlState.DONE
    assert desk.relay.writes == [(0, True)]
    shown = guardian.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "回读到目标状态" in shown
    assert "hx-trigger" not in shown


def test_the_device_page_offers_outputs_only_where_they_may_be_switched(desk: Desk) -> None:
    page = f"{reverse('reports:live')}?device={desk.device.pk}"
    crew = make_user("crew")
    make_grant(crew, Role.TECHNICIAN, desk.site)
    link = f"{reverse('devices:control-select')}?device={desk.device.pk}"

    offered = link in browser(desk.operator).get(page).content.decode()
    kept = link in browser(crew).get(page).content.decode()
    desk.site.is_control_allowed = False
    desk.site.save()
    closed = link in browser(desk.operator).get(page).content.decode()

    assert (offered, kept, closed) == (True, False, False)


@contextmanager
def door() -> Iterator[None]:
    """The command's work in a thread, on any free port."""
    stop = threading.Event()

    def run() -> None:
        try:
            dialin.serve(host="127.0.0.1", port=0, door=0, stop=stop)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def test_a_gateway_that_dials_in_is_switched_over_its_own_line(
    desk: Desk, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialin, "RECORD_S", 0.0)
    gateway = make_dtu(site=desk.site)
    device = make_device(
        bus=make_bus(gateway=gateway, timeout_ms=1000), template_version=make_library_version()
    )
    desk.device, desk.output = device, device.template_version.outputs.get(code="DO1")
    with door():
        eventually(DtuDoor.objects.exists, within_s=20)
        port = int(DtuDoor.objects.get().address.rpartition(":")[2])
        meter = SimDevice(
            unit_id=device.unit_id, profile=shipped_profile("simulated"), name="meter"
        )
        calling = SimGateway(
            name="dtu", port=port, devices=[meter], registration=gateway.dtu_id.encode()
        )
        with background(calling):
            eventually(lambda: selected(desk) is not None, within_s=20)
            operation = ControlOperation.objects.get()
            desk.confirm(operation)
            done = desk.execute(operation)

    assert (done.state, done.after) == (ControlState.DONE, True)


def selected(desk: Desk) -> ControlOperation | None:
    """Once the gateway is there."""
    try:
        return desk.select(now=timezone.now())
    except control.ControlRefused:
        return None

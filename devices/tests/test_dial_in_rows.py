"""Gateways that dial in as rows: what must be there, which process polls them, their calls."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction

from devices.drivers.dialin import SessionFacts
from devices.models import FIRST_DOOR, DtuDoor, DtuProfile, Gateway, GatewaySession
from devices.services.dialin import CallBook
from devices.services.dtu_profiles import load_dtu_profiles
from devices.services.plan import PlanLoader, plan_key
from devices.states import GatewayKind
from devices.tests.factories import make_bus, make_device, make_gateway

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def make_dtu(dtu_id: str = "DTU00012345", *, code: str = "ascii-id", **facts: object) -> Gateway:
    """A gateway that dials in, of a kind that ships."""
    load_dtu_profiles()
    profile = DtuProfile.objects.get(code=code)
    return make_gateway(kind=GatewayKind.DTU, host="", dtu_id=dtu_id, dtu_profile=profile, **facts)


def facts(dtu_id: str = "DTU00012345", **given: object) -> SessionFacts:
    defaults: dict[str, object] = {
        "peer": "10.0.0.7:40000",
        "since": NOW.timestamp() - 60,
        "last_heard": NOW.timestamp(),
        "bytes_in": 1000,
        "bytes_out": 200,
        "crc_errors": 1,
        "heartbeats": 3,
        "takeovers": 0,
        "dropped_bytes": 0,
        "is_flapping": False,
        "is_connected": True,
    }
    return SessionFacts(dtu_id=dtu_id, **defaults | given)  # type: ignore[arg-type]


def test_the_kinds_that_ship_are_loaded_once_and_stay_as_edited() -> None:
    made = load_dtu_profiles()
    DtuProfile.objects.filter(code="imei").update(idle_s=999)

    assert len(made) == DtuProfile.objects.count() >= 8
    assert load_dtu_profiles() == []
    assert DtuProfile.objects.get(code="imei").idle_s == 999


def test_the_library_command_brings_them() -> None:
    call_command("load_library", verbosity=0)

    assert DtuProfile.objects.filter(code="framed-88", pattern="88(.{12})880016").exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"registration": "prefix"}, "prefix_hex"),
        ({"registration": "hex", "pattern": "88("}, "pattern"),
        ({"registration": "hex", "pattern": "88.*"}, "pattern"),
        ({"heartbeat_hex": "FF F"}, "heartbeat_hex"),
    ],
)
def test_a_kind_that_cannot_work_is_refused(given: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        DtuProfile(code="x", name="x", **given).full_clean()

    assert field in refusal.value.message_dict


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "dtu", "host": "10.0.0.1"},
        {"kind": "modbus_tcp", "host": ""},
        {"kind": "modbus_tcp", "host": "10.0.0.1", "dtu_id": "DTU1"},
    ],
)
def test_a_gateway_is_called_or_dials_in(given: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match="gateway_can_be_reached"), transaction.atomic():
        make_gateway(**given)


def test_an_id_dials_in_for_one_gateway() -> None:
    make_dtu()

    with pytest.raises(IntegrityError, match="one_gateway_per_dtu"), transaction.atomic():
        make_dtu()


def test_who_holds_its_socket_polls_it() -> None:
    dialled = make_dtu()
    make_device(bus=make_bus(gateway=dialled))
    called = make_device(bus=make_bus(gateway=make_gateway()))

    worker, door = (PlanLoader(shard).load(now=NOW) for shard in (0, FIRST_DOOR))

    assert dialled.poll_shard == FIRST_DOOR
    assert Gateway.objects.all().poll_shards() == {0, FIRST_DOOR}
    assert (set(worker.devices), set(door.gateways)) == ({called.pk}, {dialled.pk})
    assert worker.dtus == {}
    assert list(door.dtus) == ["DTU00012345"]
    [spec] = door.buses
    assert (spec.host, spec.port, spec.dtu_id, spec.framing) == ("", 0, "DTU00012345", "rtu")


def test_all_buses_of_a_caller_share_its_socket() -> None:
    gateway = make_dtu()
    for number in (1, 2):
        make_device(bus=make_bus(gateway=gateway, number=number))

    plan = PlanLoader(FIRST_DOOR).load(now=NOW)

    assert len(plan.buses) == 1
    assert {job.bus_key for one in plan.devices.values() for job in one.jobs if job} == {
        plan.buses[0].key
    }


def test_an_edited_kind_changes_the_plan_of_its_door() -> None:
    gateway = make_dtu()
    before = plan_key(FIRST_DOOR), plan_key(0)

    assert gateway.dtu_profile is not None
    gateway.dtu_profile.idle_s = 300
    gateway.dtu_profile.save()

    assert plan_key(FIRST_DOOR) != before[0]
    assert plan_key(0) == before[1]
    assert PlanLoader(FIRST_DOOR).load(now=NOW).dtus["DTU00012345"].idle_s == 300.0


def test_a_gateway_that_is_called_speaks_rtu_when_it_says_so() -> None:
    make_device(bus=make_bus(gateway=make_gateway(kind="rtu_tcp")))

    [spec] = PlanLoader(0).load(now=NOW).buses

    assert (spec.framing, spec.dtu_id) == ("rtu", "")


def test_calls_are_written_down_and_what_grows_is_added_up() -> None:
    gateway = make_dtu()
    book = CallBook(0)
    book.open(address="127.0.0.1:7502", now=NOW)

    first = book.write({"DTU00012345": facts()}, {"unknown": 2}, now=NOW)
    is_due = book.is_due(NOW + MINUTE / 60), book.is_due(NOW + MINUTE)
    later = book.write(
        {"DTU00012345": facts(bytes_in=1500, heartbeats=5)}, {"unknown": 3}, now=NOW + MINUTE
    )

    row = GatewaySession.objects.get(gateway=gateway)
    assert (first, is_due, later) == (1, (False, True), 1)
    assert (row.bytes_in, row.bytes_out, row.heartbeats, row.crc_errors) == (1500, 200, 5, 1)
    assert row.is_connected
    assert row.peer == "10.0.0.7:40000"
    assert row.connected_at == NOW - MINUTE
    assert DtuDoor.objects.get().strangers == {"unknown": 3}


def test_traffic_begins_anew_with_the_month_of_the_site() -> None:
    gateway = make_dtu()
    late = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    book = CallBook(0)

    book.write({"DTU00012345": facts()}, {}, now=late)
    book.write({"DTU00012345": facts(bytes_in=1100, crc_errors=4)}, {}, now=late + 2 * MINUTE)

    row = GatewaySession.objects.get(gateway=gateway)
    assert f"{row.month:%Y-%m-%d}" == "2026-12-01"
    assert (row.bytes_in, row.bytes_out) == (100, 0)
    assert row.crc_errors == 4


def test_a_process_that_starts_again_adds_to_what_the_former_wrote() -> None:
    gateway = make_dtu()
    CallBook(0).write({"DTU00012345": facts()}, {}, now=NOW)

    after = CallBook(0)
    after.open(address="127.0.0.1:7502", now=NOW + MINUTE)
    was_connected = GatewaySession.objects.get(gateway=gateway).is_connected
    after.write({"DTU00012345": facts(bytes_in=50)}, {}, now=NOW + MINUTE)

    row = GatewaySession.objects.get(gateway=gateway)
    assert not was_connected
    assert (row.bytes_in, row.crc_errors) == (1050, 2)


def test_two_dtus_with_one_id_are_noted_and_not_forgotten() -> None:
    gateway = make_dtu()
    book = CallBook(0)
    noted = []

    for minute, is_flapping in enumerate((False, True, False)):
        call = facts(bytes_in=2000 + minute, is_flapping=is_flapping)
        book.write({"DTU00012345": call}, {}, now=NOW + minute * MINUTE)
        noted.append(GatewaySession.objects.get(gateway=gateway).doubled_at)

    assert noted == [None, NOW + MINUTE, NOW + MINUTE]


def test_nobody_is_connected_when_the_door_is_shut() -> None:
    gateway = make_dtu()
    book = CallBook(0)
    book.write({"DTU00012345": facts(), "gone": facts("gone")}, {}, now=NOW)

    book.close(now=NOW + MINUTE)

    assert not GatewaySession.objects.get(gateway=gateway).is_connected

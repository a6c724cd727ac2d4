"""Meters and ratios leave a history; a plan follows the tables; slots are the same after a restart."""

import io
from datetime import UTC, datetime, timedelta
from math import floor

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from devices.models import Device, Gateway, PointOverride, Ratio
from devices.services.equipment import replace_meter, set_ratio
from devices.services.plan import PlanLoader, PlannedGateway, plan_key, planned_version
from devices.services.schedule import Schedule, slot_after
from devices.tests.factories import make_bus, make_device, make_gateway, make_point
from devices.tests.meters import Meter, listening

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SHARD = 82


@pytest.fixture
def device(db: None) -> Device:
    return make_device(bus=make_bus(gateway=make_gateway(shard=SHARD)))


def test_a_meter_is_replaced_and_the_device_stays(device: Device) -> None:
    first = replace_meter(device=device, serial="A", at=NOW)
    second = replace_meter(device=device, serial="B", at=NOW + timedelta(days=1))

    first.refresh_from_db()
    assert first.removed_at == second.installed_at
    assert list(device.meters.values_list("serial", flat=True)) == ["B", "A"]
    with pytest.raises(Invalid):
        replace_meter(device=device, serial="C", at=NOW)


def test_a_ratio_ends_where_the_next_begins(device: Device) -> None:
    first = set_ratio(device=device, ct=40, pt=1, valid_from=NOW)
    second = set_ratio(device=device, ct=50, pt=1, valid_from=NOW + timedelta(days=1))

    first.refresh_from_db()
    assert first.valid_to == second.valid_from
    with pytest.raises(Invalid):
        set_ratio(device=device, ct=60, pt=1, valid_from=NOW)
    with pytest.raises(Invalid) as caught:
        set_ratio(device=device, ct=0, pt=-1, valid_from=NOW + timedelta(days=2))
    assert caught.value.fields.keys() == {"ct", "pt"}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: Gateway.objects.get().save(),
        lambda d: d.bus.save(),
        lambda d: d.save(),
        lambda d: d.delete(),
        lambda d: Ratio.objects.create(device=d, ct=2, valid_from=NOW),
        lambda d: PointOverride.objects.create(device=d, point=make_point("Ua")),
    ],
)
def test_every_change_shows_in_the_key_of_the_plan(device: Device, change: object) -> None:
    before = plan_key(SHARD)
    assert plan_key(SHARD) == before

    change(device)  # type: ignore[operator]

    assert plan_key(SHARD) != before


def test_the_verdict_on_a_link_does_not_change_the_plan(device: Device) -> None:
    before = plan_key(SHARD)

    Device.objects.update(is_online=True, last_seen_at=NOW)

    assert plan_key(SHARD) == before


def test_another_shard_does_not_change_the_plan(device: Device) -> None:
    before = plan_key(SHARD)

    make_device(bus=make_bus(gateway=make_gateway(shard=SHARD + 1)))

    assert plan_key(SHARD) == before


def test_only_what_is_in_service_is_planned(device: Device) -> None:
    make_device(bus=device.bus, is_enabled=False)
    make_device(bus=make_bus(gateway=make_gateway(shard=SHARD, is_enabled=False)))
    idle = make_gateway(shard=SHARD)

    plan = PlanLoader(SHARD).load(now=NOW)

    assert plan.devices.keys() == {device.pk}
    assert plan.gateways.keys() == {device.bus.gateway_id, idle.pk}  # type: ignore[union-attr]


def gateway(pk: int, period_s: float = 60.0) -> PlannedGateway:
    return PlannedGateway(pk=pk, site_id=1, period_s=period_s, silence_s=600)


@given(
    pk=st.integers(1, 10**9),
    period_s=st.integers(1, 86_400),
    moment=st.floats(1.6e9, 2.5e9),
)
def test_a_slot_lies_within_a_period_and_is_the_same_from_anywhere_before(
    pk: int, period_s: int, moment: float
) -> None:
    one = gateway(pk, float(period_s))

    slot = slot_after(moment, one)

    assert moment < slot <= moment + period_s + 1e-3
    steps = (slot - slot_after(moment - period_s / 2, one)) / period_s
    assert steps == pytest.approx(round(steps), abs=1e-3)


def test_slots_are_spread_over_the_period() -> None:
    slots = [slot_after(0.0, gateway(pk)) for pk in range(1, 601)]

    per_second = [0] * 60
    for slot in slots:
        per_second[floor(slot) % 60] += 1
    assert min(per_second) >= 8
    assert max(per_second) <= 12


def test_each_is_due_once_per_period_and_missed_slots_are_not_made_up() -> None:
    schedule = Schedule()
    schedule.replace([gateway(1), gateway(2, 30.0)], now=0.0)

    due = [one.pk for second in range(1, 121) for one in schedule.due(now=float(second))]
    late = [one.pk for one in schedule.due(now=1000.0)]

    assert (due.count(1), due.count(2)) == (2, 4)
    assert sorted(late) == [1, 2]


def test_a_new_plan_does_not_lose_a_slot() -> None:
    schedule = Schedule()
    one = gateway(1, 10.0)
    schedule.replace([one], now=0.0)
    slot = slot_after(0.0, one)
    assert schedule.due(now=slot - 0.1) == []

    schedule.replace([one], now=slot + 0.1)

    assert schedule.due(now=slot + 0.1) == [one]


def test_slow_registers_are_asked_for_now_and_then(db: None) -> None:
    device = make_device(bus=make_bus(gateway=make_gateway(shard=SHARD, period_s=60)))
    device.template_version.registers.filter(point__code="EPI").update(poll_class="slow")
    device.template_version.registers.filter(point__code="EPE").update(poll_class="daily")
    plan = PlanLoader(SHARD).load(now=NOW)
    schedule = Schedule()
    (one,) = plan.gateways.values()

    def read(moment: float) -> set[str]:
        (job,) = schedule.jobs([one], now=moment)
        ask = plan.asks[id(job.blocks)]
        bits = ask.decoder.decode([[[0] * block.count for block in job.blocks]])[1]
        codes = device.template_version.layout.counter_codes
        return {code for code, value in zip(codes, bits[0], strict=True) if value == value}

    assert read(0.0) == {"EPI", "EPE"}
    assert read(60.0) == set()
    assert read(900.0) == {"EPI"}
    assert read(960.0) == set()
    assert read(86_400.0) == {"EPI", "EPE"}


def test_one_device_can_be_read_by_hand(device: Device) -> None:
    out = io.StringIO()
    with listening() as line:
        device.bus.port = line.port  # type: ignore[union-attr]
        device.bus.save()  # type: ignore[union-attr]
        meter = Meter(planned_version(device.template_version).profile)
        meter.show({"Ua": 230.5})
        line.units[device.unit_id] = meter

        call_command("poll_once", str(device.pk), stdout=out)

    assert "230.5 V" in out.getvalue()


def test_a_device_that_cannot_be_read_by_hand_says_why(device: Device) -> None:
    device.bus.port = 1  # type: ignore[union-attr]
    device.bus.save()  # type: ignore[union-attr]

    with pytest.raises(CommandError, match="refused"):
        call_command("poll_once", str(device.pk), stdout=io.StringIO())
    with pytest.raises(CommandError, match="no device"):
        call_command("poll_once", "999999999", stdout=io.StringIO())

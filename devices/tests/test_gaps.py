"""Gaps against plain Python, before and after compaction; each reason by what its neighbours did."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import ingest
from devices.drivers.gaps import HOUR_S, Cause, Hours, gaps, runs
from devices.models import Bus, Device, Gateway, LinkEvent, Lockout
from devices.selectors import gaps_of_site
from devices.services import compacting, tallies
from devices.states import GapReason
from devices.tests.factories import (
    make_bus,
    make_device,
    make_fed_device,
    make_gateway,
    make_source,
    make_template_version,
)
from devices.tests.samples import make_batch
from sites.models import Site
from sites.tests.factories import make_room, make_site, make_user

START = datetime(2026, 11, 20, tzinfo=UTC)
HOURS = 12
PERIOD_S = 600
SLOTS = HOURS * 3600 // PERIOD_S
LONG_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


def slot(number: float) -> datetime:
    return START + timedelta(seconds=PERIOD_S * number)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(0, 6 * 24 - 1), st.integers(1, 9)), max_size=9),
    st.integers(0, 5),
    st.integers(0, 100),
)
def test_gaps_are_the_pauses_of_two_samples_or_more(
    missed: list[tuple[int, int]], first_hour: int, phase_s: int
) -> None:
    period_s, slots = 600, 6 * 24
    away = {n for first, count in missed for n in range(first, first + count)}
    there = [n for n in range(slots) if n not in away]
    at_s = np.array([phase_s + period_s * n for n in there], float)
    counts = np.bincount((at_s // HOUR_S).astype(int), minlength=24)[:24]
    hours = Hours(HOUR_S * np.arange(24), counts.astype(float), np.full(24, 6.0), 24 * HOUR_S)
    begin_s, end_s = first_hour * HOUR_S, 24 * HOUR_S

    found = [
        gap
        for run in runs(hours, start_s=begin_s, end_s=end_s)
        for gap in gaps(1, hours, run, at_s[(at_s >= run.begin_s) & (at_s < run.end_s)])
    ]

    # Every pause between two samples that are both within reach.
    wanted = [
        (phase_s + period_s * a, phase_s + period_s * b, b - a - 1)
        for a, b in zip(there, there[1:], strict=False)
        if b - a - 1 >= 2 and phase_s + period_s * b > begin_s
    ]
    whole = [
        (g.begin_s, g.end_s, g.missing)
        for g in found
        if not (g.is_cut or g.is_open) and g.begin_s in at_s
    ]
    assert [gap for gap in whole if gap[0] >= begin_s] == [g for g in wanted if g[0] >= begin_s]
    assert all(one.end_s <= two.begin_s for one, two in zip(found, found[1:], strict=False))


class Plant:
    """Samples of a day by device, with those left out that are told."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.version = make_template_version(value_codes=("Ua",), counter_codes=())

    def device(self, bus: Bus, **facts: Any) -> Device:
        device = make_device(bus=bus, template_version=self.version, **facts)
        device.meters.create(serial=str(device.pk), installed_at=LONG_BEFORE)
        return device

    def gateway(self, **facts: Any) -> Gateway:
        return make_gateway(**({"site": self.site, "period_s": PERIOD_S} | facts))

    def take_in(self, device: Device, without: Iterable[int] = ()) -> None:
        left_out = set(without)
        moments = [slot(n + 0.1).timestamp() for n in range(SLOTS) if n not in left_out]
        batch = make_batch(
            layout_id=self.version.layout_id,
            device_ids=[device.pk] * len(moments),
            site_ids=[device.site_id] * len(moments),
            at=moments,
            values=[[1.0]] * len(moments),
        )
        ingest.ingest(batch, now=slot(SLOTS), is_live=False)

    def found(self, hours: float = HOURS) -> dict[int, list[tuple[float, float, int, str]]]:
        """By device: numbers of the slots before and after, samples missing, reason."""
        tallies.recount(start=START, end=slot(SLOTS))
        end = START + timedelta(hours=hours)
        told: dict[int, list[tuple[float, float, int, str]]] = {}
        for gap in reversed(gaps_of_site(site=self.site, start=START, end=end).gaps):
            begin, until = (
                (at - slot(0.1)).total_seconds() / PERIOD_S for at in (gap.start, gap.end)
            )
            line = (round(begin, 1), round(until, 1), gap.missing, gap.reason.value)
            told.setdefault(gap.device.pk, []).append(line)
        return told

    def reason(self, device: Device) -> str:
        (gap,) = self.found()[device.pk]
        return gap[3]


@pytest.fixture
def plant(db: None) -> Plant:
    return Plant(make_site(timezone="Asia/Kolkata"))


OUT = range(20, 32)


def test_the_words_of_the_driver_have_labels() -> None:
    assert [cause.value for cause in Cause] == list(GapReason.values)


def test_a_device_that_is_silent_while_its_neighbour_answers(plant: Plant) -> None:
    bus = make_bus(gateway=plant.gateway())
    dead, alive = plant.device(bus), plant.device(bus)
    plant.take_in(alive, [40])
    plant.take_in(dead, [3, *OUT, 50, 51])

    # One sample alone is no gap.
    assert plant.found() == {dead.pk: [(19, 32, 12, "device"), (49, 52, 2, "device")]}


def test_gaps_at_both_ends_and_what_is_not_in_service(plant: Plant) -> None:
    bus = make_bus(gateway=plant.gateway())
    dead, never, alive = (plant.device(bus) for _number in range(3))
    plant.take_in(alive)
    plant.take_in(dead, range(60, SLOTS))
    never.meters.update(installed_at=slot(15))

    found = plant.found()

    assert found[dead.pk] == [(59, SLOTS - 0.1, 12, "device")]
    assert found[never.pk] == [(14.9, SLOTS - 0.1, SLOTS - 15, "device")]
    gaps_now = gaps_of_site(site=plant.site, start=slot(66), end=slot(SLOTS)).gaps
    assert all(gap.is_open for gap in gaps_now)


def test_history_in_blocks_has_the_same_gaps(plant: Plant) -> None:
    bus = make_bus(gateway=plant.gateway())
    dead, alive = plant.device(bus), plant.device(bus)
    plant.take_in(alive)
    plant.take_in(dead, [*OUT, 50, 51])
    wanted = plant.found()
    later = START + timedelta(days=3)

    while compacting.compact(now=later).hours:
        pass
    for wait in range(3):
        compacting.hand_over(now=later + timedelta(minutes=20 * wait), hot_days=1)

    assert plant.found() == wanted
    assert wanted[dead.pk]


def test_bus_gateway_and_platform_are_told_apart_by_who_answers(plant: Plant) -> None:
    gateway, other = plant.gateway(), plant.gateway()
    line, second = make_bus(gateway=gateway), make_bus(gateway=gateway)
    first, mate = plant.device(line), plant.device(line)
    beyond, elsewhere = plant.device(second), plant.device(make_bus(gateway=other))
    stranger = plant.device(make_bus(gateway=plant.gateway(site=make_site())))
    plant.take_in(first, [*range(10, 14), *range(30, 34), *range(50, 54)])
    plant.take_in(mate, [*range(10, 14), *range(30, 34), *range(50, 54)])
    plant.take_in(beyond, [*range(30, 34), *range(50, 54)])
    plant.take_in(elsewhere, range(50, 54))
    plant.take_in(stranger, range(50, 54))

    found = plant.found()

    reasons = {pk: [line[3] for line in lines] for pk, lines in found.items()}
    assert reasons == {
        first.pk: ["bus", "gateway", "platform"],
        mate.pk: ["bus", "gateway", "platform"],
        beyond.pk: ["gateway", "platform"],
        elsewhere.pk: ["platform"],
    }


@pytest.mark.parametrize(
    ("word", "reason"),
    [("", "unknown"), ("refused", "gateway"), ("timeout", "device"), ("no_worker", "platform")],
)
def test_alone_behind_its_gateway_the_link_tells(plant: Plant, word: str, reason: str) -> None:
    device = plant.device(make_bus(gateway=plant.gateway()))
    plant.take_in(device, OUT)
    if word:
        LinkEvent.objects.create(
            device=device, site=plant.site, at=slot(22), is_online=False, reason=word
        )

    assert plant.reason(device) == reason


def test_whoever_works_there_is_the_reason(plant: Plant) -> None:
    bus = make_bus(gateway=plant.gateway())
    room = make_room(site=plant.site)
    inside, outside = plant.device(bus, room=room), plant.device(bus)
    plant.take_in(inside, OUT)
    plant.take_in(outside, OUT)
    somebody = make_user()
    Lockout.objects.create(
        site=plant.site,
        room=room,
        worker="张师傅",
        reason="更换接触器",
        permit_number="GZP-7",
        starts_at=slot(18),
        created_at=slot(18),
        by=somebody,
        ended_at=slot(21),
        ended_by=somebody,
    )

    reasons = {pk: lines[0][3] for pk, lines in plant.found().items()}

    assert reasons == {inside.pk: "maintenance", outside.pk: "gateway"}


def test_devices_of_a_source_are_judged_by_each_other(plant: Plant) -> None:
    source, _key = make_source(site=plant.site, period_s=PERIOD_S)
    fed = [make_fed_device(source=source, template_version=plant.version) for _number in range(2)]
    for device in fed:
        device.meters.create(serial=str(device.pk), installed_at=LONG_BEFORE)
    plant.take_in(fed[0], [*range(10, 14), *range(30, 34)])
    plant.take_in(fed[1], range(30, 34))

    assert plant.found() == {
        fed[0].pk: [(9, 14, 4, "device"), (29, 34, 4, "source")],
        fed[1].pk: [(29, 34, 4, "source")],
    }


def test_the_number_of_queries_does_not_grow(
    plant: Plant, django_assert_max_num_queries: Any
) -> None:
    bus = make_bus(gateway=plant.gateway())
    for number in range(4):
        plant.take_in(plant.device(bus), range(10 * number, 10 * number + 5))
    plant.found()

    with django_assert_max_num_queries(8):
        gaps_of_site(site=plant.site, start=START, end=slot(SLOTS))

"""Completeness against plain Python: hours of days that clocks change, late samples, service, periods."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.time import day_bounds
from devices import ingest
from devices.models import CountedZone, Device, Gateway, LateHour, Retention, SiteTally, Tally
from devices.services import tallies
from devices.services.tallies import LAG, hour_bounds
from devices.states import Quality
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from devices.tests.samples import make_batch
from sites.tests.factories import make_site

ZONE = "Europe/Berlin"
PERIOD_S = 600


@pytest.fixture
def device(db: None) -> Device:
    return equipment(ZONE)


def equipment(zone: str, **facts: object) -> Device:
    """A device of three values, sampled every ten minutes, in service for long."""
    gateway = make_gateway(site=make_site(timezone=zone), period_s=PERIOD_S)
    device = make_device(
        bus=make_bus(gateway=gateway),
        template_version=make_template_version(value_codes=("Ua",), counter_codes=()),
        **facts,
    )
    device.meters.create(serial="1", installed_at=datetime(2020, 1, 1, tzinfo=UTC))
    return device


def take_in(
    device: Device, moments: list[datetime], *, now: datetime, quality: int = Quality.GOOD
) -> None:
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * len(moments),
        site_ids=[device.site_id] * len(moments),
        at=[at.timestamp() for at in moments],
        values=[[1.0]] * len(moments),
        quality=[quality] * len(moments),
    )
    ingest.ingest(batch, now=now, is_live=False)


def moments(start: datetime, end: datetime, *, every: int = PERIOD_S) -> list[datetime]:
    steps = int((end - start).total_seconds()) // every
    return [start + timedelta(seconds=every * step) for step in range(steps)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (ZONE, date(2026, 3, 29), 23),
        (ZONE, date(2026, 10, 25), 25),
        ("Asia/Shanghai", date(2026, 11, 20), 24),
        ("Asia/Kolkata", date(2026, 11, 20), 24),
    ],
)
def test_each_hour_of_the_sites_day_has_its_count(
    db: None, zone: str, day: date, hours: int
) -> None:
    device = equipment(zone)
    start, end = day_bounds(day, zone)
    # Every seventh sample did not come, and none between the third hour and the fifth.
    sent = [
        at
        for number, at in enumerate(moments(start, end))
        if number % 7 and not 3 <= (at - start) / timedelta(hours=1) < 5
    ]
    take_in(device, sent, now=end)

    tallies.recount(start=start, end=end)

    tally = Tally.objects.get(device=device, day=day)
    by_hour = Counter(int((at - start).total_seconds()) // 3600 for at in sent)
    assert tally.good == [by_hour[hour] for hour in range(hours)]
    assert tally.expected == [6.0] * hours
    assert (tally.good_total, tally.expected_total) == (len(sent), 6.0 * hours)
    assert not Tally.objects.exclude(pk=tally.pk).exists()


def test_counting_in_pieces_gives_what_counting_at_once_gives(device: Device) -> None:
    start, end = day_bounds(date(2026, 11, 20), ZONE)
    take_in(device, moments(start, end), now=end)
    CountedZone.objects.create(zone=ZONE, counted_until=start)

    now = start
    while now < end + LAG:
        now += timedelta(minutes=37)
        tallies.count(now=now)
        tallies.count(now=now)

    tally = Tally.objects.get(device=device, day=date(2026, 11, 20))
    assert tally.good == [6] * 24
    assert tally.expected == pytest.approx([6.0] * 24)
    assert SiteTally.objects.get(day=tally.day).expected == pytest.approx(144.0)


def test_late_samples_open_their_hour_again(device: Device) -> None:
    start, end = day_bounds(date(2026, 11, 20), ZONE)
    now = start + timedelta(hours=10)
    punctual = [at for at in moments(start, now) if not 2 <= (at - start) / timedelta(hours=1) < 3]
    for at in punctual:
        take_in(device, [at], now=at)
    CountedZone.objects.create(zone=ZONE, counted_until=start)
    tallies.count(now=now)
    tallies.count(now=now)
    assert Tally.objects.get().good[:4] == [6, 6, 0, 6]

    take_in(device, moments(start + timedelta(hours=2), start + timedelta(hours=3)), now=now)
    assert LateHour.objects.count() == 1
    tallies.count(now=now)

    tally = Tally.objects.get()
    assert tally.good[:4] == [6, 6, 6, 6]
    assert tally.expected[:4] == pytest.approx([6.0] * 4)
    assert not LateHour.objects.exists()
    assert SiteTally.objects.get().good == tally.good_total


def test_what_was_expected_stays_when_period_and_service_change(device: Device) -> None:
    start = day_bounds(date(2026, 11, 20), ZONE)[0]
    hour = timedelta(hours=1)
    CountedZone.objects.create(zone=ZONE, counted_until=start)
    tallies.count(now=start + hour + LAG)

    Gateway.objects.update(period_s=60)
    tallies.count(now=start + 1.5 * hour + LAG)
    Device.objects.update(is_enabled=False)
    tallies.count(now=start + 3 * hour + LAG)
    Device.objects.update(is_enabled=True)
    tallies.count(now=start + 3.25 * hour + LAG)

    assert Tally.objects.get().expected[:5] == pytest.approx([6.0, 30.0, 0.0, 15.0, 0.0])


def test_invalid_and_substituted_samples_do_not_count(device: Device) -> None:
    start = day_bounds(date(2026, 11, 20), ZONE)[0]
    end = start + timedelta(hours=1)
    for minutes, quality in enumerate(Quality.values):
        take_in(device, [start + timedelta(minutes=minutes)], now=end, quality=quality)

    tallies.recount(start=start, end=end)

    assert Tally.objects.get().good[0] == 2


def test_more_samples_than_expected_do_not_make_up_for_a_gap(device: Device) -> None:
    start = day_bounds(date(2026, 11, 20), ZONE)[0]
    middle, end = start + timedelta(hours=1), start + timedelta(hours=2)
    take_in(device, moments(start, middle, every=60), now=end)

    tallies.recount(start=start, end=end)

    tally = Tally.objects.get()
    assert tally.good[:2] == [60, 0]
    assert (tally.good_total, tally.expected_total) == (6, 12)


def test_service_begins_with_the_first_meter(db: None) -> None:
    start = day_bounds(date(2026, 11, 20), ZONE)[0]
    device = equipment(ZONE)
    device.meters.update(installed_at=start + timedelta(minutes=90))

    tallies.recount(start=start, end=start + timedelta(hours=3))

    assert Tally.objects.get().expected[:3] == pytest.approx([0.0, 3.0, 6.0])


def test_old_counts_are_forgotten(device: Device) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    for days in (5, Retention.days_of(Retention.Kind.TALLIES) + 2):
        at = now - timedelta(days=days)
        tallies.recount(start=at, end=at + timedelta(hours=1))

    tallies.forget_old(now=now)

    assert [tally.day for tally in Tally.objects.all()] == [date(2026, 11, 15)]
    assert SiteTally.objects.count() == 2


def test_the_hours_of_a_day_follow_each_other(db: None) -> None:
    bounds = hour_bounds(date(2026, 10, 25), ZONE)

    assert len(bounds) == 26
    assert {b - a for a, b in zip(bounds, bounds[1:], strict=False)} == {timedelta(hours=1)}
    assert bounds[0].astimezone(ZoneInfo(ZONE)).hour == 0

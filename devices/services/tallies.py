"""Counting good samples per device and hour, and how many there should have been.

Completeness = good ÷ expected, expected = time in service ÷ period (DOMAIN.md §1). A device is in
service from the installation of its first meter (without one, from its record's creation) while it,
its bus and its gateway, or its source, are in use. Counted again as often as one likes, the result is the same.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core.time import day_bounds, local_day
from devices.history import HOT_FROM, LATE_S
from devices.models import CountedZone, LateHour, Retention, SiteTally, Tally
from devices.states import Quality
from sites.models import Site

# What is on its way into the database is not missing yet.
LAG = timedelta(seconds=120)
# Counted at one time: a day of a district would take longer than a task may.
MOST_HOURS = 6
STEPS_PER_RUN = 8
LATE_HOURS_PER_RUN = 24
COUNT_MEMORY_MB = 64
# A server that was away for longer counts from here.
LONGEST = timedelta(days=30)
GOOD = (Quality.GOOD, Quality.PARTIAL)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of one local day of one zone: samples from `start`, service from `since`, to `until`.

    `bounds` are the beginnings of the day's hours and its end.
    """

    zone: str
    day: date
    bounds: list[datetime]
    start: datetime
    since: datetime
    until: datetime

    @property
    def hours(self) -> tuple[int, int]:
        """First and last hour that it touches, from 1."""
        first = sum(1 for bound in self.bounds if bound <= self.start)
        last = sum(1 for bound in self.bounds if bound < self.until)
        return first, max(first, last)


def count(*, now: datetime) -> int:
    """Count what came since the last time, and hours that got late samples; how many steps that was.

    Meant to run every few minutes. Work that is left over after a long pause is the next run's.
    """
    zones = list(Site.objects.order_by().values_list("timezone", flat=True).distinct())
    steps = 0
    for zone in zones:
        steps += _catch_up(zone, now)
    return steps + _late(zones, now)


def recount(
    *,
    start: datetime,
    end: datetime,
    period_s: int | None = None,
    device_ids: Collection[int] | None = None,
) -> None:
    """Count a period anew, as after loading history; service already counted is not counted twice.

    period_s: how often was sampled then, when it differs from the present period of the gateway.
    """
    zones = Site.objects.order_by().values_list("timezone", flat=True).distinct()
    for zone in zones:
        for step in steps_between(zone, start, end):
            _perform(step, period_s=period_s, device_ids=device_ids)
    LateHour.objects.filter(hour__gte=start, hour__lte=end - _HOUR).delete()


def forget_old(*, now: datetime) -> int:
    """Drop counts past their retention; returns how many rows of devices went."""
    today = now.date()
    old_sites = today - timedelta(days=Retention.days_of(Retention.Kind.SITE_TALLIES))
    SiteTally.objects.filter(day__lt=old_sites).delete()
    before = today - timedelta(days=Retention.days_of(Retention.Kind.TALLIES))
    return Tally.objects.filter(day__lt=before).delete()[0]


def hour_bounds(day: date, zone: str) -> list[datetime]:
    """Beginnings of the hours of a local day and its end: 24, 25 or 26 moments in UTC."""
    start, end = day_bounds(day, zone)
    return [start + _HOUR * hour for hour in range(round((end - start) / _HOUR))] + [end]


def steps_between(zone: str, start: datetime, end: datetime) -> Iterator[Step]:
    """The steps of a period, oldest first; each counts whole hours from their beginning."""
    at = start.astimezone(UTC)
    while at < end:
        day = local_day(at, zone)
        bounds = hour_bounds(day, zone)
        hour = max(bound for bound in bounds[:-1] if bound <= at)
        until = min(end, bounds[-1], hour + MOST_HOURS * _HOUR)
        yield Step(zone, day, bounds, start=hour, since=at, until=until)
        at = until


def _catch_up(zone: str, now: datetime) -> int:
    """Go on from where the zone was counted to; look back over what may have come meanwhile."""
    midnight = day_bounds(local_day(now - LAG, zone), zone)[0]
    mark, _made = CountedZone.objects.get_or_create(zone=zone, defaults={"counted_until": midnight})
    done = max(mark.counted_until, now - LONGEST)
    steps = 0
    for step in steps_between(zone, done - timedelta(seconds=LATE_S), now - LAG):
        if steps >= STEPS_PER_RUN:
            break
        _perform(step, not_before=done)
        CountedZone.objects.filter(zone=zone, counted_until__lt=step.until).update(
            counted_until=step.until
        )
        steps += 1
    return steps


def _late(zones: list[str], now: datetime) -> int:
    notes = list(LateHour.objects.filter(hour__lt=now).order_by("-hour")[:LATE_HOURS_PER_RUN])
    steps = 0
    for note in notes:
        end = min(note.hour + _HOUR, now - LAG)
        for zone in zones:
            for step in steps_between(zone, note.hour, end):
                # Whole hours, and nothing new is expected of them.
                whole = next(bound for bound in step.bounds if bound >= step.until)
                until = min(whole, now - LAG)
                _perform(Step(zone, step.day, step.bounds, step.start, until, until))
                steps += 1
        # Not when another batch has come into the hour since.
        LateHour.objects.filter(hour=note.hour, noted_at=note.noted_at).delete()
    return steps


_COUNT = """
WITH counted AS (
    SELECT device_id, ARRAY[{counts}]::smallint[] AS n
    FROM (
        SELECT device_id, at, 1 AS good FROM reading
        WHERE at >= %(start)s AND at < %(until)s AND quality = ANY(%(good)s) {some_readings}
            AND at >= {hot_from}
        UNION ALL
        SELECT device_id, hour + quarter * interval '15 minutes',
            (ARRAY[good_1, good_2, good_3, good_4])[quarter + 1]
        FROM reading_block CROSS JOIN generate_series(0, 3) quarter
        WHERE hour > %(start)s::timestamptz - interval '1 hour' AND hour < %(until)s
            AND hour < (SELECT handed_until FROM devices_handover) {some_readings}
    ) samples
    WHERE at >= %(start)s AND at < %(until)s AND good > 0
    GROUP BY device_id
), served AS (
    SELECT device.id,
        coalesce(%(period_s)s, gateway.period_s, source.period_s) AS period_s,
        coalesce(device.is_enabled AND coalesce(gateway.is_enabled, source.is_enabled), false)
            AS is_on,
        greatest(%(since)s, (
            SELECT coalesce(min(meter.installed_at), device.created_at)
            FROM devices_meter meter WHERE meter.device_id = device.id
        )) AS since
    FROM devices_device device
    JOIN sites_site site ON site.id = device.site_id AND site.timezone = %(zone)s
    LEFT JOIN devices_bus bus ON bus.id = device.bus_id
    LEFT JOIN devices_gateway gateway ON gateway.id = bus.gateway_id
    LEFT JOIN devices_datasource source ON source.id = device.source_id
    WHERE true {some_devices}
), known AS (
    SELECT served.id, served.is_on, served.period_s, counted.n,
        greatest(served.since, coalesce(tally.counted_until, served.since)) AS since,
        greatest(tally.counted_until, %(until)s) AS counted_until,
        coalesce(tally.good, array_fill(0::smallint, ARRAY[%(hours)s])) AS good,
        coalesce(tally.expected, array_fill(0::float8, ARRAY[%(hours)s])) AS expected
    FROM served
    LEFT JOIN counted ON counted.device_id = served.id
    LEFT JOIN devices_tally tally ON tally.device_id = served.id AND tally.day = %(day)s
    WHERE served.is_on AND served.since < %(until)s OR counted.n IS NOT NULL OR tally.id IS NOT NULL
), made AS (
    SELECT id, counted_until,
        good[:%(first)s - 1] || coalesce(n, array_fill(0::smallint, ARRAY[%(touched)s]))
            || good[%(last)s + 1:] AS good,
        expected[:%(first)s - 1] || ARRAY[{expected}] || expected[%(last)s + 1:] AS expected
    FROM known
)
INSERT INTO devices_tally
    (device_id, day, good, expected, good_total, expected_total, counted_until)
SELECT made.id, %(day)s, made.good, made.expected, total.good, total.expected, made.counted_until
FROM made, LATERAL (
    SELECT sum(least(g, e)) AS good, sum(e) AS expected FROM unnest(made.good, made.expected) AS x(g, e)
) total
ORDER BY made.id
ON CONFLICT (device_id, day) DO UPDATE SET
    good = excluded.good, expected = excluded.expected, good_total = excluded.good_total,
    expected_total = excluded.expected_total, counted_until = excluded.counted_until
"""

_SUM = """
INSERT INTO devices_sitetally (site_id, day, good, expected, counted_until)
SELECT device.site_id, tally.day, sum(tally.good_total), sum(tally.expected_total),
    max(tally.counted_until)
FROM devices_tally tally
JOIN devices_device device ON device.id = tally.device_id
JOIN sites_site site ON site.id = device.site_id AND site.timezone = %(zone)s
WHERE tally.day = %(day)s
GROUP BY device.site_id, tally.day
ORDER BY device.site_id
ON CONFLICT (site_id, day) DO UPDATE SET
    good = excluded.good, expected = excluded.expected, counted_until = excluded.counted_until
"""


def _perform(
    step: Step,
    *,
    not_before: datetime | None = None,
    period_s: int | None = None,
    device_ids: Collection[int] | None = None,
) -> None:
    """Write the hours of a step, then the sums of its day; `not_before` bounds new service."""
    first, last = step.hours
    bounds = [bound.isoformat() for bound in step.bounds]
    touched = range(first - 1, last)
    facts: dict[str, Any] = {
        "zone": step.zone,
        "day": step.day,
        "start": step.start,
        "since": max(step.since, not_before or step.since),
        "until": step.until,
        "good": list(GOOD),
        "hours": len(bounds) - 1,
        "first": first,
        "last": last,
        "touched": len(touched),
        "period_s": period_s,
        "devices": list(device_ids or ()),
    }
    some = device_ids is not None
    # The moments are ours, not a user's: isoformat() of aware datetimes.
    query = _COUNT.format(
        counts=", ".join(
            f"coalesce(sum(good) FILTER (WHERE at >= '{bounds[i]}' AND at < '{bounds[i + 1]}'), 0)"
            for i in touched
        ),
        expected=", ".join(
            f"expected[{i + 1}] + CASE WHEN is_on THEN greatest(0, extract(epoch FROM"
            f" least('{bounds[i + 1]}', %(until)s) - greatest('{bounds[i]}', since))) / period_s"
            " ELSE 0 END::float8"
            for i in touched
        ),
        hot_from=HOT_FROM,
        some_readings="AND device_id = ANY(%(devices)s)" if some else "",
        some_devices="AND device.id = ANY(%(devices)s)" if some else "",
    )
    with transaction.atomic(), connection.cursor() as cursor:
        # Who counts reads a row and writes it: one at a time.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('devices.tallies'))")
        # One at a time: counts of half a million devices need not go over the disk.
        cursor.execute(f"SET LOCAL work_mem = '{COUNT_MEMORY_MB}MB'")
        cursor.execute(query, facts)
        cursor.execute(_SUM, facts)

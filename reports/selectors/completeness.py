"""Data completeness of what a person sees: good samples ÷ expected ones, by site, device and hour.

Each site counts its own days. Nothing is known (None) before one whole sample was expected.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import (
    Aggregate,
    DateField,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    Window,
)
from django.db.models.functions import RowNumber

from core.time import local_day
from devices import live
from devices.models import DataSource, Device, Gateway, SiteTally, Tally
from sites.models import Site, User

TARGET_PERCENT = 98.5
DAYS = 30
SILENCE, MINUTE = timedelta(minutes=10), timedelta(minutes=1)
LATE_PERIODS = 2
LOWEST = 5
_ONE_SAMPLE = 1.0
_SHARE = F("good") / F("expected")


@dataclass(frozen=True, slots=True)
class Share:
    """Good samples of those expected; `until` is up to when they were counted."""

    good: float = 0.0
    expected: float = 0.0
    until: datetime | None = None

    @property
    def percent(self) -> float | None:
        """0 to 100; None before one whole sample was expected."""
        if self.expected < _ONE_SAMPLE:
            return None
        return min(100.0, 100.0 * self.good / self.expected)

    @property
    def is_low(self) -> bool:
        return self.percent is not None and self.percent < TARGET_PERCENT


@dataclass(frozen=True, slots=True)
class LowSite:
    """A site with its completeness of today and the moment of its newest sample.

    Judged by that sample, whatever was missed earlier in the day. `is_late`: the next one should
    have come; `is_silent`: for so long that it counts as offline.
    """

    site: Site
    share: Share
    last_at: datetime | None
    is_late: bool
    is_silent: bool


@dataclass(frozen=True, slots=True)
class DeviceShare:
    """A device with its completeness of today and of the last 30 days."""

    device: Device
    today: Share
    month: Share


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One day of a site: the whole day, and its hours from midnight (23 to 25 of them)."""

    day: date
    share: Share
    hours: list[Share]


def on_day(now: datetime, *, days_ago: int = 0, zones: Collection[str] | None = None) -> Q:
    """Rows with `site` and `day` whose day is each site's own today, or so many days before it.

    zones: the time zones of all the sites in question, where they are known: the database then
    looks for days instead of working out the day of each row.
    """
    if zones is not None:
        return _on_days(now, days_ago, zones)
    own = Func(
        F("site__timezone"),
        Value(now),
        template=f"(timezone(%(expressions)s)::date - {days_ago:d})",
        output_field=DateField(),
    )
    day = (now - timedelta(days=days_ago)).date()
    near = day - timedelta(days=1), day + timedelta(days=1)
    # The range is what an index can find.
    return Q(day__range=near, day=own)


def _on_days(now: datetime, days_ago: int, zones: Collection[str]) -> Q:
    by_day: dict[date, list[str]] = {}
    for zone in sorted(zones):
        by_day.setdefault(local_day(now, zone) - timedelta(days=days_ago), []).append(zone)
    if not by_day:
        return Q(pk__in=[])
    condition = Q()
    for day, found in by_day.items():
        condition |= Q(day=day, site__timezone__in=found)
    return condition


def together(shares: Iterable[Share]) -> Share:
    """Several shares as one."""
    found = list(shares)
    return Share(
        good=sum(share.good for share in found),
        expected=sum(share.expected for share in found),
        until=max((share.until for share in found if share.until), default=None),
    )


def by_site(*, user: User, now: datetime, site_ids: Collection[int]) -> dict[int, Share]:
    """Completeness of today of some sites; what has no count is left out."""
    rows = SiteTally.objects.visible_to(user).filter(on_day(now), site__in=site_ids)
    return {row.site_id: Share(row.good, row.expected, row.counted_until) for row in rows}


def by_town(
    *, user: User, now: datetime, zones: Collection[str]
) -> dict[int | None, tuple[Share, Share]]:
    """Completeness of today and of yesterday by town of the enterprise; None: those without one."""
    rows = SiteTally.objects.visible_to(user)
    found = two_days(rows, "site__enterprise__town", now=now, zones=zones)
    return {town: shares for (town,), shares in found.items()}


def two_days(
    rows: QuerySet[SiteTally], *columns: str, now: datetime, zones: Collection[str]
) -> dict[tuple[Any, ...], tuple[Share, Share]]:
    """Completeness of today and of yesterday by some columns; zones: all those of the sites."""
    days = [on_day(now, days_ago=days_ago, zones=zones) for days_ago in (0, 1)]
    sums = rows.filter(days[0] | days[1]).order_by().values_list(*columns)
    of_days = {**_sums("today", days[0]), **_sums("yesterday", days[1])}
    return {
        row[: len(columns)]: (_share(*row[-6:-3]), _share(*row[-3:]))
        for row in sums.annotate(**of_days)
    }


def lowest(*, user: User, now: datetime, zones: Collection[str]) -> list[int]:
    """Keys of the tallies of the visible sites with the lowest completeness of today, the lowest first.

    Keys alone, so that what is passed over is not carried through the sorting.
    """
    rows = counted_today(now, zones=zones).visible_to(user).order_by(_SHARE, "site__number")
    return list(rows.values_list("pk", flat=True)[:LOWEST])


def counted_today(now: datetime, *, zones: Collection[str]) -> Any:
    """Tallies of today of the sites of which anything is known."""
    return SiteTally.objects.filter(on_day(now, zones=zones), expected__gte=_ONE_SAMPLE)


def low_sites(keys: Sequence[int], *, now: datetime) -> list[LowSite]:
    """The sites of some tallies, in their order."""
    by_key = SiteTally.objects.select_related("site__enterprise").in_bulk(keys)
    found = [by_key[key] for key in keys if key in by_key]
    pks = [row.site_id for row in found]
    last, pace = last_data(pks), _pace(pks)
    return [_low(row, now, last.get(row.site_id), pace.get(row.site_id, MINUTE)) for row in found]


def lowest_by(
    *columns: str, now: datetime, zones: Collection[str]
) -> Iterator[tuple[tuple[Any, ...], float, str, int]]:
    """The LOWEST tallies of today of each group of sites: group, share, number of site, key."""
    place = Window(
        RowNumber(), partition_by=[F(name) for name in columns], order_by=[_SHARE, "site__number"]
    )
    rows = counted_today(now, zones=zones).order_by().annotate(place=place, share=_SHARE)
    for *key, share, number, pk in rows.filter(place__lte=LOWEST).values_list(
        *columns, "share", "site__number", "pk"
    ):
        yield tuple(key), share, number, pk


def _pace(site_ids: Collection[int]) -> dict[int, timedelta]:
    """How long the samples of each site may be apart: its slowest gateway's or source's period."""
    rows = []
    for table in (Gateway, DataSource):
        slowest = table.objects.filter(site__in=site_ids, is_enabled=True).order_by()
        rows.append(slowest.values_list("site").annotate(Max("period_s")))
    found: dict[int, timedelta] = {}
    for pk, period_s in rows[0].union(rows[1], all=True):
        found[pk] = max(timedelta(seconds=period_s), found.get(pk, timedelta()))
    return found


def _low(row: SiteTally, now: datetime, at: datetime | None, pace: timedelta) -> LowSite:
    age = now - at if at else None
    return LowSite(
        site=row.site,
        share=Share(row.good, row.expected, row.counted_until),
        last_at=at,
        is_late=age is None or age > max(MINUTE, LATE_PERIODS * pace),
        is_silent=age is None or age > max(SILENCE, LATE_PERIODS * pace),
    )


def with_share(sites: QuerySet[Site], *, now: datetime) -> QuerySet[Site]:
    """Adds `share`: good ÷ expected of today, None before one sample was expected."""
    today = SiteTally.objects.filter(on_day(now), site=OuterRef("pk"), expected__gte=_ONE_SAMPLE)
    return sites.annotate(
        share=Subquery(today.annotate(ratio=F("good") / F("expected")).values("ratio"))
    )


def below_target(sites: QuerySet[Site], *, now: datetime) -> QuerySet[Site]:
    """Those whose completeness of today is known and below the target."""
    low = SiteTally.objects.filter(
        on_day(now), expected__gte=_ONE_SAMPLE, good__lt=F("expected") * (TARGET_PERCENT / 100)
    )
    return sites.filter(pk__in=low.values("site"))


def last_data(site_ids: Collection[int]) -> dict[int, datetime]:
    """The moment of the newest stored sample of each site, as far as the latest values know."""
    places = dict(Device.objects.filter(site__in=site_ids).values_list("pk", "site_id"))
    found: dict[int, float] = {}
    for pk, sample in live.latest(device_ids=places.keys(), site_of=places).items():
        found[places[pk]] = max(sample.at, found.get(places[pk], 0.0))
    return {pk: datetime.fromtimestamp(at, tz=UTC) for pk, at in found.items()}


def days_of_site(*, site: Site, now: datetime, days: int = DAYS) -> Share:
    """A site's last days together, the present one included."""
    rows = SiteTally.objects.filter(site=site, day__range=_range(site, now, days))
    return _share(*rows.aggregate(**_sums("all")).values())


def by_device(*, site: Site, now: datetime, days: int = DAYS) -> list[DeviceShare]:
    """The devices of a site with their completeness, the lowest of the last days first."""
    first, today = _range(site, now, days)
    rows = Tally.objects.filter(device__site=site, day__range=(first, today)).order_by()
    sums = {
        row["device"]: row
        for row in rows.values("device").annotate(
            month_good=Sum("good_total"),
            month_expected=Sum("expected_total"),
            today_good=Sum("good_total", filter=Q(day=today)),
            today_expected=Sum("expected_total", filter=Q(day=today)),
        )
    }
    found = [
        DeviceShare(
            device=device,
            today=Share(row["today_good"] or 0.0, row["today_expected"] or 0.0),
            month=Share(row["month_good"], row["month_expected"]),
        )
        for device in Device.objects.filter(site=site, pk__in=sums).select_related("circuit")
        if (row := sums[device.pk])
    ]
    return sorted(found, key=lambda one: (one.month.percent or 0.0, one.device.code))


_HEAT = """
SELECT tally.day, hour.position, sum(least(hour.good, hour.expected)), sum(hour.expected)
FROM devices_tally tally
JOIN devices_device device ON device.id = tally.device_id
CROSS JOIN LATERAL unnest(tally.good, tally.expected) WITH ORDINALITY
    AS hour (good, expected, position)
WHERE device.site_id = %s AND tally.day BETWEEN %s AND %s
GROUP BY tally.day, hour.position ORDER BY tally.day DESC, hour.position
"""


def heat(*, site: Site, now: datetime, days: int = DAYS) -> list[HeatRow]:
    """Hours of the site's last days, newest day first; days without a count are left out."""
    first, today = _range(site, now, days)
    with connection.cursor() as cursor:
        cursor.execute(_HEAT, [site.pk, first, today])
        rows = cursor.fetchall()
    return list(_heat_rows(rows))


def _heat_rows(rows: list[tuple[date, int, float, float]]) -> Iterator[HeatRow]:
    by_day: dict[date, list[Share]] = {}
    for day, _position, good, expected in rows:
        by_day.setdefault(day, []).append(Share(float(good), float(expected)))
    for day, hours in by_day.items():
        whole = Share(sum(hour.good for hour in hours), sum(hour.expected for hour in hours))
        yield HeatRow(day=day, share=whole, hours=hours)


def _range(site: Site, now: datetime, days: int) -> tuple[date, date]:
    today = local_day(now, site.timezone)
    return today - timedelta(days=days - 1), today


def _sums(name: str, condition: Q | None = None) -> dict[str, Aggregate]:
    """What a share of some rows is made of, in the order of `_share`."""
    return {
        f"{name}_good": Sum("good", filter=condition),
        f"{name}_expected": Sum("expected", filter=condition),
        f"{name}_until": Max("counted_until", filter=condition),
    }


def _share(good: float | None, expected: float | None, until: datetime | None) -> Share:
    return Share(good or 0.0, expected or 0.0, until)

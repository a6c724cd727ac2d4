"""Figures of the work hall. Each is the length of a list that a page can show, or says its formula."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q, QuerySet

from alarms.models import Alarm
from alarms.states import SEVERITY_RANK, Handling, Severity
from core.time import day_bounds, local_day, month_bounds
from devices.models import Device
from reports.selectors import completeness, groups, loads, months, towns, trends
from reports.selectors.completeness import LowSite, Share
from reports.selectors.groups import DeviceFigures, Kept
from reports.selectors.loads import Load
from reports.selectors.months import OrderFigures, TaskFigures
from reports.selectors.towns import SiteCounts, TownRow
from reports.selectors.trends import Bar
from sites.models import User

NEWEST = 6


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """Open alarms (not archived), by severity from the worst; how many nobody has verified."""

    open: int
    unverified: int
    by_severity: dict[str, int]

    @property
    def counters(self) -> dict[str, int]:
        """As the frame's counters are called."""
        return {
            "alarms_open": self.open,
            "alarms_unverified": self.unverified,
            "alarms_critical": self.by_severity[Severity.CRITICAL],
        }


@dataclass(frozen=True, slots=True)
class Completeness:
    """Today so far, and the whole of yesterday, each on the sites' own days."""

    today: Share
    yesterday: Share

    @property
    def change(self) -> float | None:
        """Per cent points more than yesterday."""
        if self.today.percent is None or self.yesterday.percent is None:
            return None
        return self.today.percent - self.yesterday.percent


@dataclass(frozen=True, slots=True)
class Hall:
    """The work hall of one person at one moment; day and month are the person's own.

    counted_at: when sites, towns, devices, completeness were counted; on large platforms some time ago.
    """

    now: datetime
    zone: str
    today: datetime
    month_start: datetime
    month_end: datetime
    alarms: AlarmFigures
    orders: OrderFigures
    tasks: TaskFigures
    counted_at: datetime
    sites: SiteCounts
    towns: list[TownRow]
    devices: DeviceFigures
    completeness: Completeness
    lowest: list[LowSite]
    load: Load
    newest_alarms: list[Alarm]
    period: str
    bars: list[Bar]
    has_simulated: bool


def hall(*, user: User, now: datetime, month: date | None = None, period: str = "24h") -> Hall:
    """Everything the work hall shows, of what the person may see; a constant number of queries.

    month: any day of the month to show orders of (the present one); period: of the bars.
    """
    zone = user.timezone
    day = month or local_day(now, zone)
    start, end = month_bounds(day, zone)
    today = day_bounds(local_day(now, zone), zone)[0]
    alarms = Alarm.objects.visible_to(user)
    found = groups.kept(user=user, now=now) or _counted(user, now)
    rows = found.towns
    return Hall(
        now=now,
        zone=zone,
        today=today,
        month_start=start,
        month_end=end,
        alarms=_alarms(alarms),
        orders=months.orders(user=user, now=now, start=start, end=end, today=today),
        tasks=months.tasks(user=user, now=now, day=day),
        counted_at=found.at,
        sites=towns.total(row.sites for row in rows),
        towns=rows,
        devices=found.devices,
        completeness=Completeness(
            today=completeness.together(row.share for row in rows),
            yesterday=completeness.together(row.yesterday for row in rows),
        ),
        lowest=completeness.low_sites(found.lowest, now=now),
        load=loads.load(user=user, now=now),
        newest_alarms=newest(alarms),
        period=period,
        bars=trends.bars(
            alarms,
            now=now,
            zone=zone,
            edges=trends.edges(period, now=now, zone=zone, month=(start, end)),
        ),
        has_simulated=found.has_simulated,
    )


def _counted(user: User, now: datetime) -> Kept:
    """What is kept of groups of sites, counted at this moment."""
    rows = towns.by_town(user=user, now=now)
    zones = frozenset[str]().union(*(row.zones for row in rows))
    return Kept(
        at=now,
        towns=rows,
        devices=groups.devices_of(user),
        has_simulated=Device.objects.visible_to(user).filter(is_simulated=True).exists(),
        lowest=completeness.lowest(user=user, now=now, zones=zones),
    )


def newest(alarms: QuerySet[Alarm]) -> list[Alarm]:
    """The newest open ones, with their open orders."""
    rows = alarms.open().select_related(  # type: ignore[attr-defined]
        "rule", "site__enterprise", "site__team", "device"
    )
    rows = rows.prefetch_related("orders").order_by("-last_raised_at", "-pk")
    return list(rows[:NEWEST])


def _alarms(alarms: QuerySet[Alarm]) -> AlarmFigures:
    rows = (
        alarms.open()  # type: ignore[attr-defined]
        .order_by()
        .values("severity")
        .annotate(count=Count("pk"), new=Count("pk", filter=Q(handling=Handling.UNVERIFIED)))
        .values_list("severity", "count", "new")
    )
    found = [(str(severity), int(count), int(unverified)) for severity, count, unverified in rows]
    counts = {severity: count for severity, count, _unverified in found}
    return AlarmFigures(
        open=sum(counts.values()),
        unverified=sum(unverified for _severity, _count, unverified in found),
        by_severity={name: counts.get(name, 0) for name in SEVERITY_RANK},
    )

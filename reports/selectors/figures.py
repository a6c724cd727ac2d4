"""Figures of the work hall. Each is the length of a list that a page can show, or says its formula."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncHour

from alarms.models import Alarm
from alarms.states import SEVERITY_RANK, Handling, Severity
from core.time import local_day, month_bounds
from devices.models import Device
from reports.selectors import places
from sites.models import Site, User
from workorders import selectors as order_selectors
from workorders.models import WorkOrder
from workorders.selectors import Stage

HOURS = 24
NEWEST = 6


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """Open alarms (not archived), by severity from the worst; how many nobody has verified."""

    open: int
    unverified: int
    by_severity: dict[str, int]


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """Orders created this month by state; open orders of any month, and those past their due time."""

    stages: list[Stage]
    created: int
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """Sites by state, and by the conditions of places.with_conditions."""

    total: int
    by_state: dict[str, int]
    abnormal: int
    offline: int
    defect: int


@dataclass(frozen=True, slots=True)
class DeviceFigures:
    """Devices that should answer, and those that do; unknown before the first verdict."""

    total: int
    online: int
    offline: int
    unknown: int


@dataclass(frozen=True, slots=True)
class HourFigures:
    """Alarms last raised within one hour, by severity."""

    start: datetime
    by_severity: dict[str, int]


@dataclass(frozen=True, slots=True)
class Hall:
    """The work hall of one person at one moment; the month is the person's own."""

    now: datetime
    zone: str
    month_start: datetime
    month_end: datetime
    alarms: AlarmFigures
    orders: OrderFigures
    sites: SiteFigures
    devices: DeviceFigures
    power: places.Power
    newest_alarms: list[Alarm]
    hours: list[HourFigures]
    has_simulated: bool


def hall(*, user: User, now: datetime) -> Hall:
    """Everything the work hall shows, of what the person may see; a constant number of queries."""
    zone = user.timezone
    start, end = month_bounds(local_day(now, zone), zone)
    alarms = Alarm.objects.visible_to(user)
    return Hall(
        now=now,
        zone=zone,
        month_start=start,
        month_end=end,
        alarms=_alarms(alarms),
        orders=_orders(user, now, start, end),
        sites=_sites(user),
        devices=_devices(user),
        power=places.total(places.power_by_site(user=user, now=now).values()),
        newest_alarms=list(alarms.open().with_place().order_by("-last_raised_at", "-pk")[:NEWEST]),
        hours=_hours(alarms, now, zone),
        has_simulated=Device.objects.visible_to(user).filter(is_simulated=True).exists(),
    )


def _by(severity_counts: dict[str, int]) -> dict[str, int]:
    """All severities from the worst, zeros included."""
    return {name: severity_counts.get(name, 0) for name in SEVERITY_RANK}


def _alarms(alarms: QuerySet[Alarm]) -> AlarmFigures:
    rows = (
        alarms.open()  # type: ignore[attr-defined]
        .order_by()
        .values("severity")
        .annotate(count=Count("pk"), new=Count("pk", filter=Q(handling=Handling.UNVERIFIED)))
        .values_list("severity", "count", "new")
    )
    found = [(str(severity), int(count), int(unverified)) for severity, count, unverified in rows]
    return AlarmFigures(
        open=sum(count for _severity, count, _unverified in found),
        unverified=sum(unverified for _severity, _count, unverified in found),
        by_severity=_by({severity: count for severity, count, _unverified in found}),
    )


def _orders(user: User, now: datetime, start: datetime, end: datetime) -> OrderFigures:
    stages = order_selectors.stages(user=user, now=now, start=start, end=end)
    orders = WorkOrder.objects.visible_to(user).open().order_by()
    open_ones = orders.aggregate(open=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=now)))
    return OrderFigures(stages=stages, created=sum(stage.count for stage in stages), **open_ones)


def _sites(user: User) -> SiteFigures:
    sites = places.with_conditions(Site.objects.visible_to(user)).order_by()
    states = {f"state_{state}": Count("pk", filter=Q(state=state)) for state in Site.State.values}
    found = sites.aggregate(
        total=Count("pk"),
        abnormal=Count("pk", filter=places.condition_q("abnormal")),
        offline=Count("pk", filter=places.condition_q("offline")),
        defect=Count("pk", filter=places.condition_q("defect")),
        **states,
    )
    by_state = {state: found.pop(f"state_{state}") for state in Site.State.values}
    return SiteFigures(by_state=by_state, **found)


def _devices(user: User) -> DeviceFigures:
    found = (
        Device.objects.visible_to(user)
        .in_service()
        .order_by()
        .aggregate(
            total=Count("pk"),
            online=Count("pk", filter=Q(is_online=True)),
            offline=Count("pk", filter=Q(is_online=False)),
            unknown=Count("pk", filter=Q(is_online=None)),
        )
    )
    return DeviceFigures(**found)


def _hours(alarms: QuerySet[Alarm], now: datetime, zone: str) -> list[HourFigures]:
    """The last 24 hours, the present one included, oldest first."""
    info = ZoneInfo(zone)
    # Zones are whole or half hours off UTC: the hour begins where the reader's clock says.
    this_hour = now.astimezone(info).replace(minute=0, second=0, microsecond=0)
    latest = this_hour.astimezone(UTC)
    starts = [latest - timedelta(hours=back) for back in reversed(range(HOURS))]
    rows = (
        alarms.filter(last_raised_at__gte=starts[0], last_raised_at__lte=now)
        .order_by()
        .annotate(hour=TruncHour("last_raised_at", tzinfo=info))
        .values_list("hour", "severity")
        .annotate(Count("pk"))
    )
    found: dict[datetime, dict[str, int]] = {}
    for hour, severity, count in rows:
        found.setdefault(hour, {})[Severity(severity).value] = count
    return [HourFigures(start=hour, by_severity=_by(found.get(hour, {}))) for hour in starts]

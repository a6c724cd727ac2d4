"""Sites with what is going on there: the formulas behind tiles, lists and the site page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from alarms.models import Alarm
from alarms.states import Severity
from devices import live
from devices.models import Device, Gateway
from devices.states import Quality
from sites.models import Circuit, Site, User
from sites.rules import DataClass
from workorders.models import WorkOrder
from workorders.states import Kind

SEVERE = (Severity.CRITICAL, Severity.MAJOR)
# A value counts as present for so many polling periods.
FRESH_PERIODS = 2
POWER = "P"


def with_conditions(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Adds is_offline, is_abnormal and has_defect.

    Offline: it has gateways in use that are silent, and none that answers. Abnormal: offline, or
    with an open critical or major alarm. Defect: with an open order of kind 消缺.
    """
    here = OuterRef("pk")
    gateways = Gateway.objects.filter(site=here, is_enabled=True)
    severe = Alarm.objects.open().filter(site=here, severity__in=SEVERE)
    defects = WorkOrder.objects.open().filter(site=here, kind=Kind.DEFECT)
    is_offline = Exists(gateways.filter(is_online=False)) & ~Exists(gateways.filter(is_online=True))
    return sites.annotate(
        is_offline=ExpressionWrapper(is_offline, output_field=BooleanField()),
        is_abnormal=ExpressionWrapper(Exists(severe) | is_offline, output_field=BooleanField()),
        has_defect=Exists(defects),
    )


def with_counts(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Adds open_alarms, worst_rank (None without alarms), open_orders, devices and devices_online."""
    return sites.annotate(
        open_alarms=_count(Alarm.objects.open()),
        worst_rank=Subquery(
            Alarm.objects.open()
            .filter(site=OuterRef("pk"))
            .order_by()
            .values("site")
            .annotate(worst=Min("severity_rank"))
            .values("worst")
        ),
        open_orders=_count(WorkOrder.objects.open()),
        device_count=_count(Device.objects.in_service()),
        devices_online=_count(Device.objects.in_service().filter(is_online=True)),
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many of the rows belong to the site."""
    counted = rows.filter(site=OuterRef("pk")).order_by().values("site").annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n")), 0)


def incomers(user: User) -> QuerySet[Device]:
    """Devices at the roots of the trees of circuits whose load the person may see.

    Their sum is the load of the sites: what lies below a root is part of it.
    """
    return (
        Device.objects.visible_to(user, data_class=DataClass.LOAD)
        .in_service()
        .filter(circuit__isnull=False, circuit__parent__isnull=True)
        .exclude(circuit__kind__in=[Circuit.Kind.TIE, Circuit.Kind.CAPACITOR])
    )


@dataclass(frozen=True, slots=True)
class Power:
    """Active power now: the sum over the incomers with a fresh good value, and how many have one."""

    total_kw: float | None
    fresh: int
    meters: int

    @property
    def is_complete(self) -> bool:
        return self.fresh == self.meters


def power_by_site(
    *, user: User, now: datetime, site_ids: Collection[int] | None = None
) -> dict[int, Power]:
    """Power of each site that has incomers; of all visible sites when none are named."""
    devices = incomers(user)
    if site_ids is not None:
        devices = devices.filter(site__in=site_ids)
    rows = list(devices.values_list("pk", "site_id", "bus__gateway__period_s"))
    found = live.latest_points(device_ids=[pk for pk, _site, _period in rows])
    sums: dict[int, list[float]] = {}
    meters: dict[int, int] = {}
    for pk, site_id, period_s in rows:
        meters[site_id] = meters.get(site_id, 0) + 1
        oldest = now.timestamp() - FRESH_PERIODS * period_s
        sums.setdefault(site_id, []).extend(
            point.value
            for point in found.get(pk, [])
            if point.code == POWER
            and point.value is not None
            and point.quality == Quality.GOOD
            and point.at >= oldest
        )
    return {
        site_id: Power(
            total_kw=sum(values) if values else None, fresh=len(values), meters=meters[site_id]
        )
        for site_id, values in sums.items()
    }


def total(powers: Collection[Power]) -> Power:
    """The sum of sums."""
    known = [power.total_kw for power in powers if power.total_kw is not None]
    return Power(
        total_kw=sum(known) if known else None,
        fresh=sum(power.fresh for power in powers),
        meters=sum(power.meters for power in powers),
    )


def condition_q(condition: str) -> Q:
    """The rows of a tile, on sites with_conditions."""
    return {
        "abnormal": Q(is_abnormal=True),
        "offline": Q(is_offline=True),
        "defect": Q(has_defect=True),
    }[condition]


# More markers than this help nobody, and the list has them all.
MOST_PINS = 2000
NOT_RUNNING = (
    Site.State.CONSTRUCTION,
    Site.State.COMMISSIONING,
    Site.State.OUT_OF_SERVICE,
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One site on the map; `state` is that of its worst open alarm, offline, maint or normal."""

    site: Site
    state: str
    open_alarms: int
    devices: int
    devices_online: int


def pins(*, user: User) -> list[Pin]:
    """Sites with coordinates, for the map; maint is a site that is not in operation."""
    sites: QuerySet[Any] = with_counts(with_conditions(Site.objects.visible_to(user)))
    rows = sites.filter(latitude_deg__isnull=False).select_related("enterprise")[:MOST_PINS]
    return [
        Pin(
            site=row,
            state=_pin_state(row),
            open_alarms=row.open_alarms,
            devices=row.device_count,
            devices_online=row.devices_online,
        )
        for row in rows
    ]


def _pin_state(site: Any) -> str:
    if site.worst_rank is not None:
        return list(Severity)[site.worst_rank].value
    if site.is_offline:
        return "offline"
    return "maint" if site.state in NOT_RUNNING else "normal"

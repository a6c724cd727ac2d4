"""Sites with what is going on there: the formulas behind tiles, lists and the site page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

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
from devices.models import Acceptance, Device, Gateway
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
    """Adds is_offline, is_online, is_abnormal, has_defect and is_accepted.

    Offline: it has gateways in use that are silent, and none that answers. Online: one answers.
    Abnormal: offline, or with an open critical or major alarm. Defect: with an open order of kind
    消缺. Accepted: with a device whose acceptance stands (connection rate, DOMAIN.md §1).
    """
    found = _facts()
    offline = found["has_silent"] & ~found["is_online"]
    return sites.annotate(
        is_online=_flag(found["is_online"]),
        is_offline=_flag(offline),
        is_abnormal=_flag(found["is_severe"] | offline),
        has_defect=_flag(found["has_defect"]),
        is_accepted=_flag(found["is_accepted"]),
    )


def with_facts(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Adds what the conditions follow from, each once: FACTS. `Facts` draws the conclusions."""
    return sites.annotate(**{name: _flag(condition) for name, condition in _facts().items()})


FACTS = ("is_online", "has_silent", "is_severe", "has_defect", "is_accepted")


class Facts(NamedTuple):
    """A site's facts, in the order of FACTS."""

    is_online: bool
    has_silent: bool
    is_severe: bool
    has_defect: bool
    is_accepted: bool

    @property
    def is_offline(self) -> bool:
        return self.has_silent and not self.is_online

    @property
    def is_abnormal(self) -> bool:
        return self.is_severe or self.is_offline


def _facts() -> dict[str, Q]:
    """Asked so that the database may choose: for a page's rows one by one, for all from a set."""
    gateways = Gateway.objects.filter(site=OuterRef("pk"), is_enabled=True)
    rows = (
        gateways.filter(is_online=True),
        gateways.filter(is_online=False),
        Alarm.objects.open().filter(site=OuterRef("pk"), severity__in=SEVERE),
        WorkOrder.objects.open().filter(site=OuterRef("pk"), kind=Kind.DEFECT),
        Acceptance.objects.standing().filter(device__site=OuterRef("pk")),
    )
    return {name: Q(Exists(found.order_by())) for name, found in zip(FACTS, rows, strict=True)}


def _flag(condition: Q) -> ExpressionWrapper:
    return ExpressionWrapper(condition, output_field=BooleanField())


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
    """Devices at the roots of the trees of circuits whose load the person may see."""
    return roots(Device.objects.visible_to(user, data_class=DataClass.LOAD))


def roots(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Those that measure power at the roots of the trees of circuits.

    Their sum is the load of the sites: what lies below a root is part of it.
    """
    return (
        devices.in_service()  # type: ignore[attr-defined]
        .filter(circuit__isnull=False, circuit__parent__isnull=True)
        .filter(template_version__layout__value_codes__contains=["P"])
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


def power_by_site(*, user: User, now: datetime, site_ids: Collection[int]) -> dict[int, Power]:
    """Power of each of the sites that has incomers, from the newest values."""
    return power_of(incomers(user).filter(site__in=site_ids), now=now)


def power_of(devices: QuerySet[Device], *, now: datetime) -> dict[int, Power]:
    """The sum over the devices of each site."""
    rows = list(
        devices.values_list("pk", "site_id", Coalesce("bus__gateway__period_s", "source__period_s"))
    )
    site_of = {pk: site_id for pk, site_id, _period in rows}
    found = live.latest_points(device_ids=site_of.keys(), codes=[POWER], site_of=site_of)
    sums: dict[int, list[float]] = {}
    meters: dict[int, int] = {}
    for pk, site_id, period_s in rows:
        meters[site_id] = meters.get(site_id, 0) + 1
        oldest = now.timestamp() - FRESH_PERIODS * period_s
        sums.setdefault(site_id, []).extend(
            point.value
            for point in found.get(pk, [])
            if point.value is not None and point.quality == Quality.GOOD and point.at >= oldest
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


CONDITIONS = {
    "abnormal": Q(is_abnormal=True),
    "online": Q(is_online=True),
    "offline": Q(is_offline=True),
    "defect": Q(has_defect=True),
    "accepted": Q(is_accepted=True),
    "unaccepted": Q(is_accepted=False),
}


def condition_q(condition: str) -> Q:
    """The rows of a tile, on sites with_conditions."""
    return CONDITIONS[condition]

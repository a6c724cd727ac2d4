"""Gateways with what is known of their links: the list, and the page of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.quick import address
from core.time import local_day
from devices import live
from devices import selectors as equipment
from devices.models import Device, DtuDoor, Gateway, GatewaySession
from devices.selectors import Online
from devices.states import GatewayKind
from sites.models import User, access_for
from sites.rules import Ability

EVENTS_OF = timedelta(days=30)
# A card that ends this soon is worth a word.
SIM_ENDS_SOON = timedelta(days=30)
BYTES_PER_MB = 1_000_000


def with_devices(gateways: QuerySet[Gateway]) -> QuerySet[Gateway]:
    """Adds device_count and devices_online: devices in service behind each."""
    return gateways.annotate(
        device_count=_count(Device.objects.in_service()),
        devices_online=_count(Device.objects.in_service().filter(is_online=True)),
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.filter(bus__gateway=OuterRef("pk")).order_by().values("bus__gateway")
    return Coalesce(Subquery(counted.annotate(n=Count("pk")).values("n")), 0)


@dataclass(frozen=True, slots=True)
class GatewayLine:
    """One gateway of the list or of its own page, with its call when it dials in.

    Addresses and ids are for whoever maintains the site: with a DTU's id anybody can take its place.
    """

    gateway: Any
    session: GatewaySession | None
    today: date
    is_managed: bool

    @property
    def pk(self) -> int:
        return int(self.gateway.pk)

    @property
    def label(self) -> str:
        return str(self.gateway.label)

    @property
    def url(self) -> str:
        return address("reports:gateway-detail", self.gateway.pk)

    @property
    def css(self) -> str:
        return "" if self.gateway.is_enabled else "is-quiet"

    @property
    def is_dial_in(self) -> bool:
        return bool(self.gateway.kind == GatewayKind.DTU)

    @property
    def place(self) -> str:
        """Its address or id, '' for whoever only looks."""
        return str(self.gateway.place) if self.is_managed else ""

    @property
    def iccid(self) -> str:
        """The number of its card, '' for whoever only looks."""
        return str(self.gateway.iccid) if self.is_managed else ""

    @property
    def month_mb(self) -> float | None:
        """Traffic of the present month in MB (10⁶ bytes), None before the first call of it."""
        if self.session is None or self.session.month != self.today.replace(day=1):
            return None
        return self.session.month_bytes / BYTES_PER_MB

    @property
    def is_over_plan(self) -> bool:
        """Whether more went over the line than the card's plan holds."""
        plan = self.gateway.sim_plan_mb
        return bool(plan and (self.month_mb or 0.0) > plan)

    @property
    def sim_days(self) -> int | None:
        """Days until the card expires, negative when it has."""
        ends = self.gateway.sim_expires_on
        return (ends - self.today).days if ends else None

    @property
    def sim_ends_soon(self) -> bool:
        return self.sim_days is not None and self.sim_days <= SIM_ENDS_SOON.days


def line_of(gateway: Any, *, user: User, now: datetime) -> GatewayLine:
    """A gateway whose site, with team and enterprise, and session are selected."""
    return GatewayLine(
        gateway=gateway,
        session=getattr(gateway, "session", None),
        today=local_day(now, gateway.site.timezone),
        is_managed=access_for(user).can(Ability.MANAGE_SITE, gateway.site),
    )


def lines_of(gateways: Sequence[Any], *, user: User, now: datetime) -> list[GatewayLine]:
    """Rows of gateways with_devices as lines."""
    return [line_of(gateway, user=user, now=now) for gateway in gateways]


@dataclass(frozen=True, slots=True)
class GatewayTabs:
    """How many gateways of the person's there are, by what the tabs show."""

    total: int
    offline: int
    dial_in: int


OFFLINE = Q(is_enabled=True, is_online=False)
DIAL_IN = Q(kind=GatewayKind.DTU)


def gateway_tabs(*, user: User) -> GatewayTabs:
    """Counts of the tabs, in one query."""
    found = (
        Gateway.objects.visible_to(user)
        .order_by()
        .aggregate(
            total=Count("pk"),
            offline=Count("pk", filter=OFFLINE),
            dial_in=Count("pk", filter=DIAL_IN),
        )
    )
    return GatewayTabs(**found)


def doors(*, user: User) -> list[DtuDoor]:
    """Open doors, for who holds the platform: strangers who knock are nobody's site."""
    if not access_for(user).has_everywhere(Ability.MANAGE_SITE):
        return []
    return list(DtuDoor.objects.all())


def devices_of(gateway: Gateway) -> list[Device]:
    """The devices behind a gateway by bus and address."""
    rows = Device.objects.filter(bus__gateway=gateway).select_related(
        "bus", "circuit", "template_version__template"
    )
    return list(rows.order_by("bus__number", "unit_id", "pk"))


def heard_at(gateway: Gateway, devices: Sequence[Device]) -> datetime | None:
    """When it was last heard; the table may lag behind by minutes where there are many."""
    newest = live.latest(site_id=gateway.site_id)
    found = [newest[device.pk].at for device in devices if device.pk in newest]
    moments = [datetime.fromtimestamp(at, UTC) for at in found]
    return max([at for at in (gateway.last_seen_at, *moments) if at is not None], default=None)


def online_of(gateway: Gateway, *, now: datetime) -> Online:
    """When it was reached in the last 30 days."""
    zone = gateway.site.timezone
    return equipment.online(thing=gateway, start=now - EVENTS_OF, end=now, zone=zone, now=now)

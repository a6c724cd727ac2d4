"""Sites on the map: where they are and how they are, and what the popup of one says."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet, Sum

from alarms.models import Alarm
from alarms.states import Severity
from reports.selectors import completeness, places
from reports.selectors.completeness import Share
from reports.selectors.places import Power
from sites import selectors as site_selectors
from sites.models import Site, Transformer, User

# More markers than this help nobody, and the list has them all.
MOST_PINS = 20_000


@dataclass(frozen=True, slots=True)
class Pin:
    """One site on the map; `state` is that of its worst open alarm, offline, maint or normal."""

    id: int
    name: str
    latitude_deg: float
    longitude_deg: float
    state: str
    open_alarms: int


@dataclass(frozen=True, slots=True)
class Popup:
    """What the map says about one site."""

    site: Site
    voltage: str
    capacity_kva: int
    power: Power | None
    share: Share
    open_alarms: int


def pins(*, user: User, sites: QuerySet[Any]) -> list[Pin]:
    """Those of the visible sites, with_conditions, that have coordinates.

    maint is a site that is not in operation.
    """
    found: Iterable[Any] = sites.filter(latitude_deg__isnull=False).only(
        "name", "name_en", "latitude_deg", "longitude_deg", "state"
    )[:MOST_PINS]
    alarms = {
        row["site"]: row
        for row in Alarm.objects.visible_to(user)
        .open()
        .order_by()
        .values("site")
        .annotate(count=Count("pk"), worst=Min("severity_rank"))
    }
    return [
        Pin(
            id=site.pk,
            name=site.label,
            latitude_deg=site.latitude_deg,
            longitude_deg=site.longitude_deg,
            state=state_of(site, alarms.get(site.pk, {}).get("worst")),
            open_alarms=alarms.get(site.pk, {}).get("count", 0),
        )
        for site in found
    ]


def popup(*, user: User, pk: int, now: datetime) -> Popup:
    """Raises NotFound when the person cannot see the site."""
    site = site_selectors.site_for(user=user, pk=pk)
    capacity = Transformer.objects.filter(room__site=site).aggregate(kva=Sum("rated_kva"))["kva"]
    return Popup(
        site=site,
        voltage=voltage_of(site),
        capacity_kva=capacity or 0,
        power=places.power_by_site(user=user, now=now, site_ids=[pk]).get(pk),
        share=completeness.by_site(user=user, now=now, site_ids=[pk]).get(pk, Share()),
        open_alarms=Alarm.objects.filter(site=site).open().count(),
    )


def voltage_of(site: Site) -> str:
    """Supply and nominal voltage, as 10/0.4 kV; the enterprise must be loaded."""
    supply = site.enterprise.supply_voltage.removesuffix("kV")
    if supply.endswith("V"):
        return f"{site.nominal_voltage_v} V"
    return f"{supply}/{site.nominal_voltage_v / 1000:g} kV"


def state_of(site: Any, worst_rank: int | None) -> str:
    """The state of a site with_conditions: its worst open alarm, offline, maint or normal."""
    if worst_rank is not None:
        return list(Severity)[worst_rank].value
    if site.is_offline:
        return "offline"
    return "normal" if site.state == Site.State.OPERATION else "maint"

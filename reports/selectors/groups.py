"""Sites counted in groups of company, town and time zone, for halls that show thousands of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import Count, Q, QuerySet

from core.time import local_day
from devices.models import Device, SiteTally
from reports.models import SiteGroup
from reports.selectors import completeness, towns
from reports.selectors.completeness import LOWEST, Share
from reports.selectors.towns import SiteCounts, TownRow
from sites.models import Site, User, access_for
from sites.rules import DataClass, ScopeKind

# Company, town, zone: the columns of a site that make its group.
COLUMNS = ("team__organisation", "enterprise__town", "timezone")
OF_SITE = tuple(f"site__{column}" for column in COLUMNS)
# What was counted longer ago is counted anew by whoever asks.
FRESH = timedelta(minutes=2)
_FIELDS = {ScopeKind.ORGANISATION: "organisation", ScopeKind.TOWN: "town"}

Key = tuple[Any, ...]


class Figures(TypedDict):
    """What is kept of a group, as JSON. sites: by the names of SiteCounts; devices: of DeviceFigures.

    today, yesterday: good, expected, until; lowest: share, number of the site, key of its tally.
    """

    sites: dict[str, int]
    devices: dict[str, int]
    simulated: int
    today: list[Any]
    yesterday: list[Any]
    lowest: list[list[Any]]


@dataclass(frozen=True, slots=True)
class DeviceFigures:
    """Devices that should answer, and those that do; unknown before the first verdict."""

    total: int = 0
    online: int = 0
    offline: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Figures of all sites that a person sees, as they were a moment ago. lowest: keys of tallies."""

    at: datetime
    towns: list[TownRow]
    devices: DeviceFigures
    has_simulated: bool
    lowest: list[int]


def visible(user: User, *, data_class: DataClass | None = None) -> QuerySet[SiteGroup] | None:
    """The groups that make up what the person sees; None when he sees parts of groups, or nothing."""
    scopes = access_for(user).scopes(data_class=data_class)
    if scopes is None:
        return SiteGroup.objects.all()
    if not scopes or not scopes.keys() <= _FIELDS.keys():
        return None
    condition = Q()
    for kind, keys in scopes.items():
        condition |= Q(**{f"{_FIELDS[kind]}__in": sorted(keys)})
    return SiteGroup.objects.filter(condition)


def kept(*, user: User, now: datetime) -> Kept | None:
    """The figures of the groups that the person sees; None when they must be counted."""
    groups = visible(user)
    rows: list[Any] = (
        [] if groups is None else list(groups.values_list("at", "day", "zone", "town", "figures"))
    )
    by_town: dict[int | None, list[Figures]] = defaultdict(list)
    zones: dict[int | None, set[str]] = defaultdict(set)
    for at, day, zone, town_id, figures in rows:
        if figures is None or at < now - FRESH or day != local_day(now, zone):
            return None
        by_town[town_id].append(figures)
        zones[town_id].add(zone)
    if not rows:
        return None
    found = [figures for *_place, figures in rows]
    lowest = sorted(tuple(low) for one in found for low in one["lowest"])
    return Kept(
        at=min(at for at, *_rest in rows),
        towns=towns.in_order({pk: _town_row(some, zones[pk]) for pk, some in by_town.items()}),
        devices=DeviceFigures(**_sums(one["devices"] for one in found)),
        has_simulated=any(one["simulated"] for one in found),
        lowest=[key for _share, _number, key in lowest[:LOWEST]],
    )


def _town_row(figures: list[Figures], zones: Collection[str]) -> TownRow:
    return TownRow(
        town=None,
        sites=SiteCounts(**_sums(one["sites"] for one in figures)),
        share=completeness.together(_share(one["today"]) for one in figures),
        yesterday=completeness.together(_share(one["yesterday"]) for one in figures),
        zones=frozenset(zones),
    )


def _share(told: list[Any]) -> Share:
    good, expected, until = told
    return Share(good, expected, datetime.fromisoformat(until) if until else None)


def _sums(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for one in counts:
        for name, number in one.items():
            found[name] += number
    return found


def devices_of(user: User) -> DeviceFigures:
    """Devices in service that the person sees."""
    return DeviceFigures(
        **Device.objects.visible_to(user).in_service().order_by().aggregate(**_links())
    )


def _links() -> dict[str, Count]:
    return {
        "total": Count("pk"),
        "online": Count("pk", filter=Q(is_online=True)),
        "offline": Count("pk", filter=Q(is_online=False)),
        "unknown": Count("pk", filter=Q(is_online=None)),
    }


def count(*, now: datetime, zones: Collection[str]) -> dict[Key, Figures]:
    """The figures of every group of the platform; zones: the time zones of all sites."""
    sites = towns.alike(Site.objects.all(), *COLUMNS)
    shares = completeness.two_days(SiteTally.objects.all(), *OF_SITE, now=now, zones=zones)
    devices = Device.objects.in_service().order_by().values_list(*OF_SITE).annotate(**_links())
    links = {tuple(key): found for *key, a, b, c, d in devices for found in [(a, b, c, d)]}
    simulated = Device.objects.filter(is_simulated=True).order_by().values_list(*OF_SITE)
    simulators = {tuple(key): number for *key, number in simulated.annotate(Count("pk"))}
    lowest: dict[Key, list[list[Any]]] = defaultdict(list)
    for key, share, number, tally in completeness.lowest_by(*OF_SITE, now=now, zones=zones):
        lowest[key].append([share, number, tally])
    return {
        key: Figures(
            sites=_named(counts),
            devices=_named(DeviceFigures(*links.get(key, ()))),
            simulated=simulators.get(key, 0),
            today=_told(shares[key][0] if key in shares else Share()),
            yesterday=_told(shares[key][1] if key in shares else Share()),
            lowest=lowest[key],
        )
        for key, counts in sites.items()
    }


def _named(counts: SiteCounts | DeviceFigures) -> dict[str, int]:
    """Without zeros: most groups have none of most things."""
    found = {name: getattr(counts, name) for name in counts.__dataclass_fields__}
    return {name: number for name, number in found.items() if number}


def _told(share: Share) -> list[Any]:
    return [share.good, share.expected, share.until.isoformat() if share.until else None]

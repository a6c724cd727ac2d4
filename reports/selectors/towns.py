"""Sites counted by town: the table of the hall, whose sum is the hall's own count."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from reports.selectors import completeness, places
from reports.selectors.completeness import Share
from sites.models import Site, Town, User

_BY_STATE = {
    Site.State.OPERATION: "running",
    Site.State.CONSTRUCTION: "construction",
    Site.State.COMMISSIONING: "commissioning",
    Site.State.OUT_OF_SERVICE: "out_of_service",
}


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """Sites by state and condition; `online` and the last two count sites in operation only.

    accepted: sites with a device whose acceptance stands. All sites on file are planned ones, so
    the connection rate is accepted ÷ total (DOMAIN.md §1).
    """

    total: int = 0
    running: int = 0
    construction: int = 0
    commissioning: int = 0
    out_of_service: int = 0
    abnormal: int = 0
    defect: int = 0
    online: int = 0
    offline: int = 0
    accepted: int = 0
    abnormal_running: int = 0
    defect_only: int = 0

    @property
    def by_state(self) -> dict[str, int]:
        """Sites by state."""
        return {
            Site.State.CONSTRUCTION.value: self.construction,
            Site.State.COMMISSIONING.value: self.commissioning,
            Site.State.OPERATION.value: self.running,
            Site.State.OUT_OF_SERVICE.value: self.out_of_service,
        }

    @property
    def connected_percent(self) -> float | None:
        """The connection rate."""
        return 100 * self.accepted / self.total if self.total else None

    @property
    def parts(self) -> list[tuple[int, str]]:
        """Every site once, for the bar: running well, abnormal, with a defect, not in operation."""
        good = self.running - self.abnormal_running - self.defect_only
        return [
            (good, "k5"),
            (self.abnormal_running, "kmajor"),
            (self.defect_only, "kminor"),
            (self.total - self.running, "kmaint"),
        ]


@dataclass(frozen=True, slots=True)
class TownRow:
    """One town, or the sites whose enterprise is in none. zones: the time zones of its sites.

    share, yesterday: data completeness of the sites' own days.
    """

    town: Town | None
    sites: SiteCounts
    share: Share
    yesterday: Share
    zones: frozenset[str]

    @property
    def key(self) -> str:
        """Its value in the filter of the list of sites."""
        return str(self.town.pk) if self.town else "none"


def by_town(*, user: User, now: datetime) -> list[TownRow]:
    """Visible sites by the town of their enterprise, in the towns' order, the rest at the end."""
    counts: dict[int | None, list[SiteCounts]] = defaultdict(list)
    zones: dict[int | None, set[str]] = defaultdict(set)
    found = alike(Site.objects.visible_to(user), "enterprise__town", "timezone")
    for (town_id, zone), some in found.items():
        zones[town_id].add(zone)
        counts[town_id].append(some)
    shares = completeness.by_town(user=user, now=now, zones=set().union(*zones.values()))
    nothing = Share(), Share()
    return in_order(
        {
            pk: TownRow(
                None, total(counts[pk]), *shares.get(pk, nothing), zones=frozenset(zones[pk])
            )
            for pk in counts
        }
    )


def in_order(rows: Mapping[int | None, TownRow]) -> list[TownRow]:
    """The rows of some towns, given by key without them: in the towns' order, the rest at the end."""
    towns: list[Town | None] = [town for town in Town.objects.all() if town.pk in rows]
    if None in rows:
        towns.append(None)
    return [replace(rows[town.pk if town else None], town=town) for town in towns]


def alike(sites: QuerySet[Site], *columns: str) -> dict[tuple[Any, ...], SiteCounts]:
    """Sites counted by some of their columns."""
    facts: Any = places.with_facts(sites).order_by()
    counts: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    # Sites that are alike are counted by the database, so that it looks at each fact once.
    rows = facts.values_list("state", *places.FACTS, *columns).annotate(Count("pk"))
    for state, *more in rows:
        found, key, number = more[: len(places.FACTS)], more[len(places.FACTS) : -1], more[-1]
        for name in _counted(state, places.Facts(*found)):
            counts[tuple(key)][name] += number
    return {key: SiteCounts(**some) for key, some in counts.items()}


def _counted(state: str, facts: places.Facts) -> Iterator[str]:
    """The counts that a site belongs to."""
    yield "total"
    yield _BY_STATE[Site.State(state)]
    if facts.is_abnormal:
        yield "abnormal"
    if facts.has_defect:
        yield "defect"
    if facts.is_offline:
        yield "offline"
    if facts.is_accepted:
        yield "accepted"
    if state == Site.State.OPERATION:
        yield from _counted_running(facts)


def _counted_running(facts: places.Facts) -> Iterator[str]:
    if facts.is_online:
        yield "online"
    if facts.is_abnormal:
        yield "abnormal_running"
    elif facts.has_defect:
        yield "defect_only"


def total(rows: Iterable[SiteCounts]) -> SiteCounts:
    """The sum of counts."""
    found = list(rows)
    names = [field.name for field in fields(SiteCounts)]
    return SiteCounts(**{name: sum(getattr(row, name) for row in found) for name in names})

"""Sites counted by town: the table of the hall, whose sum is the hall's own count."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db.models import Count

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
    sites: Any = places.with_facts(Site.objects.visible_to(user)).order_by()
    # Sites that are alike are counted by the database, so that it looks at each fact once.
    alike = sites.values_list("enterprise__town", "timezone", "state", *places.FACTS)
    counts: dict[int | None, Counter[str]] = defaultdict(Counter)
    zones: dict[int | None, set[str]] = defaultdict(set)
    for town_id, zone, state, *facts, number in alike.annotate(Count("pk")):
        zones[town_id].add(zone)
        for name in _counted(state, places.Facts(*facts)):
            counts[town_id][name] += number
    shares = completeness.by_town(user=user, now=now, zones=set().union(*zones.values()))
    towns: list[Town | None] = [town for town in Town.objects.all() if town.pk in counts]
    if None in counts:
        towns.append(None)
    return [
        TownRow(
            town,
            SiteCounts(**counts[pk]),
            *shares.get(pk, (Share(), Share())),
            zones=frozenset(zones[pk]),
        )
        for town, pk in ((town, town.pk if town else None) for town in towns)
    ]


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

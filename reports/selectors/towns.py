"""Sites counted by town: the table of the hall, whose sum is the hall's own count."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q

from reports.selectors import completeness, places
from reports.selectors.completeness import Share
from sites.models import Site, Town, User

_RUNNING = Q(state=Site.State.OPERATION)
_COUNTS: dict[str, Q] = {
    "running": _RUNNING,
    "construction": Q(state=Site.State.CONSTRUCTION),
    "commissioning": Q(state=Site.State.COMMISSIONING),
    "out_of_service": Q(state=Site.State.OUT_OF_SERVICE),
    "abnormal": Q(is_abnormal=True),
    "defect": Q(has_defect=True),
    "online": Q(is_online=True) & _RUNNING,
    "offline": Q(is_offline=True),
    "abnormal_running": Q(is_abnormal=True) & _RUNNING,
    "defect_only": Q(has_defect=True, is_abnormal=False) & _RUNNING,
}


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """Sites by state and condition; `online` and the last two count sites in operation only."""

    total: int = 0
    running: int = 0
    construction: int = 0
    commissioning: int = 0
    out_of_service: int = 0
    abnormal: int = 0
    defect: int = 0
    online: int = 0
    offline: int = 0
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
    """One town, or the sites whose enterprise is in none."""

    town: Town | None
    sites: SiteCounts
    share: Share

    @property
    def key(self) -> str:
        """Its value in the filter of the list of sites."""
        return str(self.town.pk) if self.town else "none"


def by_town(*, user: User, now: datetime) -> list[TownRow]:
    """Visible sites by the town of their enterprise, in the towns' order, the rest at the end."""
    sites: Any = places.with_conditions(Site.objects.visible_to(user)).order_by()
    rows = list(
        sites.values(town_id=F("enterprise__town")).annotate(
            total=Count("pk"), **{name: Count("pk", filter=q) for name, q in _COUNTS.items()}
        )
    )
    shares = completeness.by_town(user=user, now=now)
    counts = {row.pop("town_id"): SiteCounts(**row) for row in rows}
    towns: list[Town | None] = [town for town in Town.objects.all() if town.pk in counts]
    if None in counts:
        towns.append(None)
    keys = [(town, town.pk if town else None) for town in towns]
    return [TownRow(town, counts[pk], shares.get(pk, Share())) for town, pk in keys]


def total(rows: Iterable[SiteCounts]) -> SiteCounts:
    """The sum of counts."""
    found = list(rows)
    names = [field.name for field in fields(SiteCounts)]
    return SiteCounts(**{name: sum(getattr(row, name) for row in found) for name in names})

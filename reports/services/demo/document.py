"""The file of the demo, and what was made from it."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from devices.models import Device
from sites.models import Organisation, Site, Team, User

LIBRARY = Path(__file__).resolve().parent.parent.parent / "library" / "demo.yaml"
PASSWORD = "dianwu-demo"  # noqa: S105 - printed by script/server, refused on a real database

# While the past is made: these sites have a sample a minute, the others one in fifteen.
MINUTE_SITES = ("S-0001", "S-0004")
MINUTE_S, QUARTER_S = 60, 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much is made: all of it for a demonstration, a little for a test.

    busy: how much more happens at each device than usually.
    """

    sites: int = 60
    days: float = 30.0
    busy: float = 1.0


@dataclass(slots=True)
class Demo:
    """What was made, by the keys of the file."""

    document: dict[str, Any]
    now: datetime
    size: Size
    organisations: dict[str, Organisation] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    team_of_town: dict[str, str] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    crews: dict[str, list[Team]] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # States at which the tasks of a plan stand just now, by plan.
    stays: dict[int, list[str]] = field(default_factory=dict)
    share: int = 0

    @property
    def seed(self) -> int:
        """Where all chance begins."""
        return int(self.document["seed"]) + 100 * self.share

    @property
    def begins_at(self) -> datetime:
        """Where its past begins."""
        return self.now - timedelta(days=self.size.days)

    @property
    def is_first(self) -> bool:
        """Whether what there is once in the district is this share's to do."""
        return self.share == 0

    def dealt(self, hands: int) -> list["Demo"]:
        """Shares of the sites with their devices, for so many hands."""
        return [self._dealt(self.sites[share::hands], share) for share in range(hands)]

    def _dealt(self, sites: list[Site], share: int) -> "Demo":
        pks = {site.pk for site in sites}
        devices = [device for device in self.devices if device.site_id in pks]
        return replace(self, sites=sites, devices=devices, share=share)

    def next(self, kind: str) -> int:
        """A running number from 0."""
        self.counts[kind] += 1
        return self.counts[kind] - 1


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The file, parsed; nobody changes it."""
    return yaml.safe_load(LIBRARY.read_text(encoding="utf-8"))


def names(pair: list[str]) -> dict[str, str]:
    """The two columns of a name."""
    return {"name": pair[0], "name_en": pair[1]}

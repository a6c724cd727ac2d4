"""The flagged stretches of a site that somebody asks for: over which period, of which device, of what kind."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from core.errors import Invalid
from devices import selectors
from devices.selectors import Doubt
from devices.states import FlagKind
from reports.selectors.gap_list import LONGEST
from sites.models import Site, User


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityQuery:
    """A half-open period, no longer than LONGEST; of one device or all, one kind or any.

    is_open: only stretches that no repair covers.
    """

    start: datetime
    end: datetime
    device_id: int | None = None
    kind: str = ""
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many stretches there are of a kind, and the samples in them."""

    kind: FlagKind
    stretches: int
    samples: int


@dataclass(frozen=True, slots=True)
class QualityList:
    """Stretches, the newest first, and counts by kind of all but the kind asked for."""

    doubts: list[Doubt]
    kinds: list[KindCount]

    @property
    def samples(self) -> int:
        return sum(doubt.stretch.count for doubt in self.doubts)

    @property
    def any_kind(self) -> int:
        return sum(one.stretches for one in self.kinds)


def quality_list(*, user: User, site: Site, query: QualityQuery) -> QualityList:
    """The flagged stretches of a site of points that the person may see. Raises Invalid for a long period."""
    if not timedelta() < query.end - query.start <= LONGEST:
        raise Invalid(fields={"to": [_("结束时间须晚于开始时间，时段不超过 31 天。")]})
    found = selectors.doubts_of_site(
        user=user, site=site, start=query.start, end=query.end, device_id=query.device_id
    )
    asked = [doubt for doubt in found if not (query.is_open and doubt.repair)]
    shown = [doubt for doubt in asked if query.kind in ("", doubt.kind)]
    kinds = []
    for kind in FlagKind:
        mine = [doubt.stretch.count for doubt in asked if doubt.kind == kind]
        if mine:
            kinds.append(KindCount(kind, len(mine), sum(mine)))
    return QualityList(shown, kinds)

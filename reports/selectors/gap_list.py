"""The gaps of a site that somebody asks for: over which period, of which device, how long, why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from core.errors import Invalid
from devices import selectors
from devices.selectors import Gap
from devices.states import GapReason
from sites.models import Site

USUAL = timedelta(days=7)
# A month with the hour by which clocks may be set back.
LONGEST = timedelta(days=31, hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapQuery:
    """A half-open period, no longer than LONGEST; of one device or all, one reason or any."""

    start: datetime
    end: datetime
    device_id: int | None = None
    reason: str = ""
    min_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many gaps a reason has, and the samples in them."""

    reason: GapReason
    gaps: int
    missing: int


@dataclass(frozen=True, slots=True)
class GapList:
    """Gaps, the newest first, and counts by reason of all but the reason asked for."""

    gaps: list[Gap]
    reasons: list[ReasonCount]
    until: datetime | None

    @property
    def missing(self) -> int:
        return sum(gap.missing for gap in self.gaps)

    @property
    def any_reason(self) -> int:
        return sum(one.gaps for one in self.reasons)


def gap_list(*, site: Site, query: GapQuery) -> GapList:
    """The gaps of a site that the person sees. Raises Invalid for a period that is too long."""
    if not timedelta() < query.end - query.start <= LONGEST:
        raise Invalid(fields={"to": [_("结束时间须晚于开始时间，时段不超过 31 天。")]})
    found = selectors.gaps_of_site(site=site, start=query.start, end=query.end)
    asked = [
        gap
        for gap in found.gaps
        if query.device_id in (None, gap.device.pk) and gap.length.total_seconds() >= query.min_s
    ]
    shown = [gap for gap in asked if query.reason in ("", gap.reason)]
    return GapList(shown, list(_by_reason(asked)), found.until)


def _by_reason(gaps: list[Gap]) -> Iterable[ReasonCount]:
    for reason in GapReason:
        mine = [gap.missing for gap in gaps if gap.reason == reason]
        if mine:
            yield ReasonCount(reason, len(mine), sum(mine))

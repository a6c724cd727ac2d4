"""Lines of the list of sites: what a row shows, for a whole page with a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum

from alarms.states import SEVERITY_RANK
from core.quick import address
from reports.selectors import completeness, places
from reports.selectors.completeness import Share
from reports.selectors.maps import state_of, voltage_of
from reports.selectors.places import Power
from sites.models import Transformer, User

_SEVERITIES = {rank: name for name, rank in SEVERITY_RANK.items()}


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One row: the site with its conditions and counts, its load and how complete its data is."""

    site: Any
    voltage: str
    capacity_kva: int
    power: Power | None
    share: Share
    last_at: datetime | None
    state: str
    worst: str

    @property
    def pk(self) -> int:
        return int(self.site.pk)

    @property
    def label(self) -> str:
        return str(self.site.label)

    @property
    def url(self) -> str:
        return address("reports:site-detail", self.site.pk)

    @property
    def css(self) -> str:
        return ""

    @property
    def power_kw(self) -> float | None:
        return self.power.total_kw if self.power else None

    @property
    def loading_percent(self) -> float | None:
        """Active power of the transformers' rating."""
        if self.power_kw is None or not self.capacity_kva:
            return None
        return 100 * self.power_kw / self.capacity_kva


def lines_of(sites: Sequence[Any], *, user: User, now: datetime) -> list[SiteLine]:
    """Rows of sites with_conditions and with_counts, as lines."""
    pks = [site.pk for site in sites]
    capacities = dict(
        Transformer.objects.filter(room__site__in=pks)
        .order_by()
        .values_list("room__site")
        .annotate(Sum("rated_kva"))
    )
    powers = places.power_by_site(user=user, now=now, site_ids=pks)
    shares = completeness.by_site(user=user, now=now, site_ids=pks)
    last = completeness.last_data(pks)
    return [
        SiteLine(
            site=site,
            voltage=voltage_of(site),
            capacity_kva=capacities.get(site.pk, 0),
            power=powers.get(site.pk),
            share=shares.get(site.pk, Share()),
            last_at=last.get(site.pk),
            state=state_of(site, site.worst_rank),
            worst=_SEVERITIES.get(site.worst_rank, ""),
        )
        for site in sites
    ]

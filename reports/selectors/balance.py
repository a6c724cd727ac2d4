"""Main–sub balance: what a main meter counted beside the sum of the meters below it.

Energy is that of `history.energies`, so exchanges and roll-overs are right. A circuit below without a
meter, or a meter without readings, is told and never taken for zero: nobody judges a difference then.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import isnan

from django.utils.translation import gettext as _

from core.errors import Invalid
from core.filters import YEARS
from core.time import day_bounds, local_day, month_bounds
from devices import history, selectors
from devices.models import Device
from reports.selectors.energy import IMPORT
from sites.models import Circuit, Site, Transformer, User
from sites.rules import DataClass

# A tie belongs to both sides, a capacitor bank uses next to nothing: neither is a part of a sum.
_NO_PART = (Circuit.Kind.TIE, Circuit.Kind.CAPACITOR)


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a month of the site, as far as it has passed."""

    name: str
    day: date
    start: datetime
    end: datetime


@dataclass(slots=True)
class Amount:
    """Energy of the meters of a circuit, or of several. None without two readings.

    `gap_s`: seconds in which any meter was not read; `unknown`: steps of which part is unknown.
    """

    kwh: float | None = None
    gap_s: float = 0.0
    unknown: int = 0

    @property
    def is_whole(self) -> bool:
        return self.kwh is not None and not self.gap_s and not self.unknown


@dataclass(slots=True)
class Part:
    """A circuit below, with its meters; without one nobody knows what it used."""

    circuit: Circuit
    meters: list[Device]
    amount: Amount


@dataclass(slots=True)
class Balance:
    """A main meter, or several, and the circuits below. `limit_percent` is the site's."""

    kind: str
    pk: int
    name: str
    main: Amount
    parts: list[Part]
    limit_percent: float
    depth: int = 0
    mains: list[Device] = field(default_factory=list)

    @property
    def parts_kwh(self) -> float | None:
        """The sum of what is known of the parts."""
        known = [part.amount.kwh for part in self.parts if part.amount.kwh is not None]
        return sum(known) if known else None

    @property
    def difference_kwh(self) -> float | None:
        """What the main meter counted beyond the parts; negative when they counted more."""
        if self.main.kwh is None or self.parts_kwh is None:
            return None
        return self.main.kwh - self.parts_kwh

    @property
    def percent(self) -> float | None:
        """The difference in per cent of the main meter's energy."""
        if self.difference_kwh is None or not self.main.kwh:
            return None
        return 100 * self.difference_kwh / self.main.kwh

    @property
    def unmetered(self) -> list[Circuit]:
        return [part.circuit for part in self.parts if not part.meters]

    @property
    def lacking(self) -> list[Circuit]:
        """Circuits with a meter of which something is missing in the period."""
        return [p.circuit for p in self.parts if p.meters and not p.amount.is_whole]

    @property
    def is_whole(self) -> bool:
        """Whether everything is known, so that the difference can be judged."""
        return self.main.is_whole and not self.unmetered and not self.lacking

    @property
    def is_over(self) -> bool:
        """Whether the difference is more than the limit, in either direction."""
        if not self.is_whole or self.difference_kwh is None:
            return False
        if self.percent is None:
            return abs(self.difference_kwh) > 0
        return abs(self.percent) > self.limit_percent


def period_of(*, site: Site, day: str, month: str, now: datetime) -> Period:
    """A day (2026-11-25) or a month (2026-11) of the site; yesterday when neither is given.

    Raises Invalid for nonsense, both, or a period that has not begun.
    """
    if day and month:
        raise Invalid(fields={"month": [_("日与月只能选一个。")]})
    zone = site.timezone
    name = "month" if month else "day"
    text = f"{month}-01" if month else day
    try:
        chosen = date.fromisoformat(text) if text else _yesterday(now, zone)
        if chosen.year not in YEARS or (text and len(text) != len("2026-11-25")):
            raise ValueError(text)
    except ValueError:
        raise Invalid(fields={name: [_("请输入有效的日期。")]}) from None
    start, end = month_bounds(chosen, zone) if month else day_bounds(chosen, zone)
    if start >= now:
        raise Invalid(fields={name: [_("所选时段尚未开始。")]})
    return Period(name, chosen, start, min(end, now))


def _yesterday(now: datetime, zone: str) -> date:
    today = day_bounds(local_day(now, zone), zone)[0]
    return local_day(datetime.fromtimestamp(today.timestamp() - 1, UTC), zone)


def balances(*, user: User, site: Site, period: Period) -> list[Balance]:
    """Balances of the site, its transformers and its circuits, from the top down.

    Only of meters whose energy the person may see; what has nothing below it is left out.
    """
    circuits = list(
        Circuit.objects.filter(room__site=site)
        .exclude(kind__in=_NO_PART)
        .select_related("transformer", "room")
        .order_by("room_id", "code", "name", "pk")
    )
    amount_of, meters = _amounts(user, site, period)
    below: dict[int | None, list[Circuit]] = {}
    for circuit in circuits:
        below.setdefault(circuit.parent_id, []).append(circuit)

    def balance(kind: str, place: Site | Transformer | Circuit, tops: list[Circuit]) -> Balance:
        mains = [meter for top in tops for meter in meters.get(top.pk, [])]
        children = [child for top in tops for child in below.get(top.pk, [])]
        parts = [
            Part(child, meters.get(child.pk, []), amount_of(meters.get(child.pk, [])))
            for child in children
        ]
        # A top without a meter leaves the whole unknown, as a part does.
        main = amount_of(mains) if all(meters.get(top.pk) for top in tops) else Amount()
        limit = site.balance_limit_percent
        return Balance(kind, place.pk, place.label, main, parts, limit, mains=mains)

    tops = below.get(None, [])
    found = [balance("site", site, tops)]
    for transformer in dict.fromkeys(top.transformer for top in tops if top.transformer):
        own = [top for top in tops if top.transformer == transformer]
        found.append(balance("transformer", transformer, own))
    for depth, circuit in _down(below):
        row = balance("circuit", circuit, [circuit])
        row.depth = depth
        found.append(row)
    return [row for row in found if row.parts]


def _down(below: dict[int | None, list[Circuit]]) -> Iterable[tuple[int, Circuit]]:
    """Circuits with their depth, each followed by those below it."""
    waiting = [(0, circuit) for circuit in reversed(below.get(None, []))]
    while waiting:
        depth, circuit = waiting.pop()
        yield depth, circuit
        waiting.extend((depth + 1, child) for child in reversed(below.get(circuit.pk, [])))


def _amounts(
    user: User, site: Site, period: Period
) -> tuple[Callable[[Sequence[Device]], Amount], dict[int, list[Device]]]:
    """What some meters counted together, and the meters of each circuit."""
    devices = list(
        Device.objects.visible_to(user, data_class=DataClass.ENERGY)
        .in_service()
        .filter(site=site, circuit__isnull=False)
        .filter(template_version__layout__counter_codes__contains=[IMPORT])
        .order_by("pk")
    )
    meters: dict[int, list[Device]] = {}
    for device in devices:
        meters.setdefault(device.circuit_id or 0, []).append(device)
    ids = [device.pk for device in devices]
    found = history.energies(
        device_ids=ids,
        code=IMPORT,
        edges=[period.start, period.end],
        counters=selectors.counters(device_ids=ids, code=IMPORT),
    )

    def amount(of: Sequence[Device]) -> Amount:
        rows = [found[device.pk] for device in of]
        kwh = [float(row.amount[0]) for row in rows]
        if not kwh or any(isnan(one) for one in kwh):
            return Amount(None, max((float(row.gap_s[0]) for row in rows), default=0.0))
        return Amount(
            sum(kwh),
            max(float(row.gap_s[0]) for row in rows),
            sum(int(row.unknown[0]) for row in rows),
        )

    return amount, meters

"""What the evaluator must know before it can go on with a device: rules, place, where it stands."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import connection
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from alarms.models import Alarm, Pending, Rule, RuleOverride, Watched
from alarms.rules.evaluator import Admission, Evaluator, SpotOfDevice
from alarms.rules.specs import NO_CIRCUIT, Facts, Override, RuleSpec, limits_of, overridden
from alarms.services.spots import Recovery
from alarms.states import Condition
from devices import history
from devices.history import positions
from devices.models import DataSource, Device, Gateway, PointCode, PointOverride, Register
from devices.services.schedule import DAILY_S, SLOW_S
from devices.states import Quality
from sites.models import Circuit, Site, Transformer
from sites.models.changes import newest_change
from sites.models.places import phase_nominal_v

# How often changes of places and devices, not rules, are looked for, and the part of the time for it.
PLACES_CHECK_S = 2.0
PLACES_CHECK_SHARE = 0.02
# The sample at the mark tells what digital inputs were; where a delay runs or points are sampled
# seldom, older ones tell when a point was last known.
LOOK_BACK_S = 1.0
LONG_LOOK_BACK_S = 3 * SLOW_S
# How far back samples are evaluated that nobody evaluated; older ones are history.
CATCH_UP_S = 6 * 3600.0
# Without a mark: as much as a worker may have stored before it was killed.
FIRST_LOOK_S = 900.0

# The reason of a recovery that nobody measured.
NOT_APPLICABLE = "not_applicable"

_EVALUATED = (Rule.Kind.LIMIT, Rule.Kind.DIGITAL, Rule.Kind.PHASE_LOSS)
_STEPS_S = {"slow": SLOW_S, "daily": DAILY_S}
_USABLE = (Quality.GOOD, Quality.PARTIAL)

_RULES_KEY = """
    SELECT concat_ws(' ', (SELECT concat(count(*), ' ', max(id), ' ', max(updated_at))
        FROM alarms_rule), (SELECT concat(count(*), ' ', max(id), ' ', max(updated_at))
        FROM alarms_ruleoverride))
"""
# What decides how a rule applies to a device.
_PLACES = (Device, Gateway, DataSource, PointOverride, Circuit, Transformer, Site)
_SINCE = """
    SELECT r.device_id, date_part('epoch', r.at), r.values, r.quality, r.at > to_timestamp(m.mark)
    FROM unnest(%s::bigint[], %s::float8[], %s::float8[], %s::float8[], %s::float8[])
        m(id, mark, seen, oldest, begins)
    JOIN reading r ON r.device_id = m.id AND r.at <= to_timestamp(m.begins) AND (
        (r.at > to_timestamp(m.seen) AND r.at <= to_timestamp(m.mark))
        OR r.at > to_timestamp(greatest(m.mark, m.oldest)))
    WHERE r.layout_id = %s AND r.at > to_timestamp(%s)
    ORDER BY r.at
"""


@dataclass(slots=True)
class Rulebook:
    """Rules and overrides as the tables were when they were read."""

    key: str
    specs: tuple[RuleSpec, ...]
    units: dict[str, str]
    overrides: "Overrides"
    places_key: str
    places_checked_at: float

    def specs_of(self, device_id: int, site_id: int) -> tuple[RuleSpec, ...]:
        """Every rule as it is on one device; the same tuple for all where nothing differs."""
        if not self.overrides.touch(device_id, site_id):
            return self.specs
        return tuple(
            overridden(
                spec,
                self.overrides.of_sites.get((spec.id, site_id)),
                self.overrides.of_devices.get((spec.id, device_id)),
            )
            for spec in self.specs
        )

    def is_current(self) -> bool:
        """Whether the tables still say what they said; places are asked now and then only."""
        if _scalar(_RULES_KEY) != self.key:
            return False
        if time.monotonic() - self.places_checked_at < PLACES_CHECK_S:
            return True
        self.places_checked_at = time.monotonic()
        return newest_change(*_PLACES) == self.places_key


@dataclass(frozen=True, slots=True)
class Overrides:
    """By (rule id, site id) and by (rule id, device id); and whom any of them is about."""

    of_sites: dict[tuple[int, int], Override] = field(default_factory=dict)
    of_devices: dict[tuple[int, int], Override] = field(default_factory=dict)
    site_ids: set[int] = field(default_factory=set)
    device_ids: set[int] = field(default_factory=set)

    def touch(self, device_id: int, site_id: int) -> bool:
        """Whether any rule may differ on this device."""
        return site_id in self.site_ids or device_id in self.device_ids


@dataclass(frozen=True, slots=True)
class Admitted:
    """Devices taken up: their marks (None: never evaluated), alarms that no rule watches any more,
    and the stored samples that were not evaluated yet."""

    marks: dict[int, float | None]
    orphans: list[Recovery]
    missed: "Missed | None"


@dataclass(frozen=True, slots=True)
class Missed:
    """Stored samples of one layout in the order of time."""

    device_ids: NDArray[np.int64]
    at: NDArray[np.float64]
    values: NDArray[np.float32]
    usable: NDArray[np.bool_]


def read_rulebook() -> Rulebook:
    """The rules that samples decide, and all overrides."""
    return Rulebook(
        key=_scalar(_RULES_KEY),
        places_key=newest_change(*_PLACES),
        places_checked_at=time.monotonic(),
        specs=tuple(
            spec_of(rule=rule) for rule in Rule.objects.filter(kind__in=_EVALUATED).order_by("pk")
        ),
        units=dict(PointCode.objects.values_list("code", "unit")),
        overrides=read_overrides(),
    )


def read_overrides() -> Overrides:
    """What sites and devices say differently, all of it: these are few."""
    found = Overrides()
    for row in RuleOverride.objects.all():
        override = Override(
            threshold=row.threshold,
            reset=row.reset,
            delay_s=row.delay_s,
            reset_delay_s=row.reset_delay_s,
            severity=row.severity,
            is_enabled=row.is_enabled,
        )
        if row.site_id is not None:
            found.of_sites[row.rule_id, row.site_id] = override
            found.site_ids.add(row.site_id)
        elif row.device_id is not None:
            found.of_devices[row.rule_id, row.device_id] = override
            found.device_ids.add(row.device_id)
    return found


def spec_of(*, rule: Rule) -> RuleSpec:
    """A row of the table of rules, for the evaluator."""
    return RuleSpec(
        id=rule.pk,
        kind=rule.kind,
        codes=tuple(rule.point_codes),
        severity=rule.severity,
        level=rule.level,
        measure=rule.measure,
        basis=rule.basis,
        threshold=rule.threshold,
        reset=rule.reset,
        guard=rule.guard,
        reference=rule.reference,
        to_value=rule.to_value,
        delay_s=rule.delay_s,
        reset_delay_s=rule.reset_delay_s,
        circuit_kinds=tuple(rule.circuit_kinds),
        is_enabled=rule.is_enabled,
    )


def admit(
    *,
    evaluator: Evaluator,
    book: Rulebook,
    layout_id: int,
    begins_s: Mapping[int, float],
) -> Admitted:
    """Let the evaluator take up devices of a layout; those that do not exist are left out.

    begins_s: the time of each device's first sample at hand, in epoch seconds; what was stored long
    before it is not evaluated any more.
    """
    places = facts_of(device_ids=list(begins_s))
    codes = positions([layout_id])
    if not places or layout_id not in codes:
        return Admitted({}, [], None)
    marks = dict(Watched.objects.filter(device__in=places).values_list("device_id", "until_s"))
    active, pending = _active(places), _pending(places)
    rows = [
        Admission(
            facts=facts,
            specs=book.specs_of(pk, site_id),
            until_s=marks.get(pk, begins_s[pk] - FIRST_LOOK_S),
            active=active[pk],
            pending=pending[pk],
        )
        for pk, (site_id, facts) in places.items()
    ]
    evaluator.admit(layout_id, codes[layout_id].value_codes, rows)
    return Admitted(
        marks={pk: marks.get(pk) for pk in places},
        orphans=_orphans(rows, codes[layout_id].value_codes, begins_s),
        missed=_missed(evaluator, layout_id, rows, begins_s),
    )


def facts_of(*, device_ids: Collection[int]) -> dict[int, tuple[int, Facts]]:
    """Site and facts of the devices that exist, by id."""
    rows = list(
        Device.objects.filter(pk__in=device_ids).values_list(
            "pk",
            "site_id",
            "template_version_id",
            Coalesce("bus__gateway__period_s", "source__period_s"),
            "site__nominal_voltage_v",
            "circuit__nominal_voltage_v",
            "circuit__kind",
            "circuit__rated_current_a",
            "circuit__transformer__rated_kva",
        )
    )
    missing: dict[int, set[str]] = defaultdict(set)
    disconnected = PointOverride.objects.filter(device__in=device_ids, is_enabled=False)
    for pk, code in disconnected.values_list("device_id", "point__code"):
        missing[pk].add(code)
    steps: dict[int, dict[str, float]] = defaultdict(dict)
    seldom = Register.objects.filter(version__in={row[2] for row in rows}, poll_class__in=_STEPS_S)
    for version, code, poll_class in seldom.values_list("version_id", "point__code", "poll_class"):
        steps[version][code] = _STEPS_S[poll_class]
    return {
        pk: (
            site_id,
            Facts(
                device_id=pk,
                step_s=float(period_s or 60),
                nominal_v=phase_nominal_v(of_circuit or of_site),
                rated_current_a=rated_a,
                rated_kva=rated_kva,
                circuit_kind=kind or NO_CIRCUIT,
                steps_s=steps[version],
                missing=frozenset(missing[pk]),
            ),
        )
        for pk, site_id, version, period_s, of_site, of_circuit, kind, rated_a, rated_kva in rows
    }


def _active(device_ids: Iterable[int]) -> dict[int, dict[SpotOfDevice, float | None]]:
    """Peaks of the active alarms of devices that samples decide."""
    found: dict[int, dict[SpotOfDevice, float | None]] = defaultdict(dict)
    rows = Alarm.objects.open().filter(
        scope_kind=Alarm.Scope.DEVICE,
        scope_id__in=list(device_ids),
        condition=Condition.ACTIVE,
        rule__kind__in=_EVALUATED,
    )
    for pk, rule_id, code, peak in rows.values_list("scope_id", "rule_id", "point_code", "peak"):
        found[pk][rule_id, code] = peak
    return found


def _pending(device_ids: Iterable[int]) -> dict[int, dict[SpotOfDevice, float]]:
    found: dict[int, dict[SpotOfDevice, float]] = defaultdict(dict)
    rows = Pending.objects.filter(device__in=list(device_ids))
    for pk, rule_id, code, since in rows.values_list("device_id", "rule_id", "point_code", "since"):
        found[pk][rule_id, code] = since.timestamp()
    return found


def _orphans(
    rows: Sequence[Admission], codes: Sequence[str], begins_s: Mapping[int, float]
) -> list[Recovery]:
    """Active alarms whose rule does not apply to their device any more: nothing would end them."""
    return [
        Recovery(
            scope_kind=Alarm.Scope.DEVICE,
            scope_id=row.facts.device_id,
            rule_id=rule_id,
            point_code=code,
            at=datetime.fromtimestamp(begins_s[row.facts.device_id], UTC),
            reason=NOT_APPLICABLE,
        )
        for row in rows
        for rule_id, code in row.active
        if not _is_watched(row, rule_id, code, codes)
    ]


def _is_watched(row: Admission, rule_id: int, code: str, codes: Sequence[str]) -> bool:
    spec = next((spec for spec in row.specs if spec.id == rule_id), None)
    if spec is None or limits_of(spec, row.facts) is None:
        return False
    points = {code} if code else set(spec.codes)
    return not points.isdisjoint(codes) and points.isdisjoint(row.facts.missing)


def _missed(
    evaluator: Evaluator, layout_id: int, rows: Sequence[Admission], begins_s: Mapping[int, float]
) -> Missed | None:
    """Let the evaluator know what was evaluated before; the stored samples that were not."""
    marks = [row.until_s for row in rows]
    seen = [row.until_s - _look_back_s(row) for row in rows]
    pks = [row.facts.device_id for row in rows]
    begins = [begins_s[pk] for pk in pks]
    oldest = [at - CATCH_UP_S for at in begins]
    with connection.cursor() as cursor:
        earliest = min(*oldest, *seen)
        cursor.execute(_SINCE, [pks, marks, seen, oldest, begins, layout_id, earliest])
        stored = cursor.fetchall()
    _observe_handed(evaluator, layout_id, rows, seen)
    fresh = []
    for device_id, at, values, quality, is_fresh in stored:
        if is_fresh:
            fresh.append((device_id, at, values, quality))
        elif quality in _USABLE:
            evaluator.observe(layout_id, device_id, at, np.array(values, np.float32))
    if not fresh:
        return None
    return Missed(
        device_ids=np.array([row[0] for row in fresh], np.int64),
        at=np.array([row[1] for row in fresh], np.float64),
        values=np.array([row[2] for row in fresh], np.float32),
        usable=np.isin([row[3] for row in fresh], _USABLE),
    )


def _observe_handed(
    evaluator: Evaluator, layout_id: int, rows: Sequence[Admission], seen: Sequence[float]
) -> None:
    """The samples at marks so old that they left the hot table: of devices that were away for days."""
    handed = history.handed_until()
    for row, seen_s in zip(rows, seen, strict=True):
        if handed is None or seen_s >= handed.timestamp():
            continue
        pk = row.facts.device_id
        found = history.kept(
            device_ids=[pk],
            codes=positions([layout_id])[layout_id].value_codes,
            start=_just_after(seen_s),
            end=min(_just_after(row.until_s), handed),
            layout_id=layout_id,
        )
        if (old := found.get(pk)) is not None:
            for number in np.flatnonzero(np.isin(old.quality, _USABLE)):
                at, values = old.at_us[number] / 1e6, old.columns[number].astype(np.float32)
                evaluator.observe(layout_id, pk, float(at), values)


def _just_after(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC) + timedelta(microseconds=1)


def _look_back_s(row: Admission) -> float:
    return LONG_LOOK_BACK_S if row.pending or row.facts.steps_s else LOOK_BACK_S


def _scalar(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])

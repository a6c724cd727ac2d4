"""Alarms about the platform itself, on the site that it runs at, and about doubled DTUs.

What is looked at says how things are, so that a look may be repeated at any time by anybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from alarms.models import Alarm, Rule
from alarms.rules.links import Verdict
from alarms.rules.selfcheck import Sight, judge, with_days
from alarms.rules.specs import RuleSpec, overridden
from alarms.services.admission import NOT_APPLICABLE, read_overrides, spec_of
from alarms.services.raising import raise_batch, recover_batch, update_peaks
from alarms.services.spots import Fault, Peak, Recovery
from alarms.states import Condition
from devices.models import GatewaySession, StoragePlan
from devices.selectors import shards, spool
from devices.selectors.storage import HORIZON_DAYS, storage

DISK, DISK_URGENT = "DISK_LOW", "DISK_LOW2"
LOST, SPOOL, IDLE = "SAMPLES_LOST", "SPOOL_FILLING", "SHARD_IDLE"
DOUBLE = "GW_DOUBLE"

_OF_SITE = frozenset({DISK, DISK_URGENT, LOST, SPOOL, IDLE})
# Rules by key, as they are at one site.
Specs = dict[str, RuleSpec]


class Book:
    """The rules of this kind as the tables are now."""

    def __init__(self, plan: StoragePlan) -> None:
        self._specs = {
            rule.key: spec_of(rule=rule) for rule in Rule.objects.filter(kind=Rule.Kind.PLATFORM)
        }
        for key, days in ((DISK, plan.warn_days), (DISK_URGENT, plan.urgent_days)):
            if key in self._specs:
                self._specs[key] = with_days(self._specs[key], days)
        self._of_sites = read_overrides().of_sites

    def at(self, site_id: int) -> Specs:
        """Those that are switched on at a site."""
        found = {
            key: overridden(spec, self._of_sites.get((spec.id, site_id)))
            for key, spec in self._specs.items()
        }
        return {key: spec for key, spec in found.items() if spec.is_enabled}


def sweep(*, now: datetime, began_at: datetime | None = None) -> None:
    """Look at the platform and at the gateways that dial in; raise and recover.

    began_at: when whoever looks was started: until then perhaps nothing ran. Without a site for the
    platform nothing is raised about it.
    """
    watch_platform(now=now, began_at=began_at)
    watch_doubles(now=now)


@transaction.atomic
def watch_platform(*, now: datetime, began_at: datetime | None = None) -> None:
    """The disk, samples that wait or were given up, shards that nobody polls."""
    plan = _take_turn()
    site_id = plan.site_id
    specs = {} if site_id is None else Book(plan).at(site_id)
    specs = {key: spec for key, spec in specs.items() if key in _OF_SITE}
    sights = _sights(specs, now, began_at)
    found = {
        (site_id, specs[key].id): (specs[key], sight, judge(specs[key], sight))
        for key, sight in sights.items()
        if site_id is not None
    }
    faults = [
        _fault(Alarm.Scope.SITE, spot[0], spec, now, sight)
        for spot, (spec, sight, verdict) in found.items()
        if verdict == Verdict.RAISE
    ]
    raise_batch(faults=faults, now=now)
    update_peaks(peaks=list(_peaks(faults)), now=now)
    verdicts = {spot: verdict for spot, (_spec, _sight, verdict) in found.items()}
    _recover(Alarm.Scope.SITE, verdicts, now)


@transaction.atomic
def watch_doubles(*, now: datetime) -> None:
    """Gateways whose place changes hands so often that two DTUs may dial in under one id."""
    book = Book(_take_turn())
    seen = GatewaySession.objects.filter(doubled_at__isnull=False, gateway__is_enabled=True)
    faults: list[Fault] = []
    verdicts: dict[tuple[int, int], Verdict] = {}
    for pk, site_id, at in seen.values_list("pk", "gateway__site_id", "doubled_at"):
        spec = book.at(site_id).get(DOUBLE)
        if spec is None or at is None:
            continue
        is_calm = now - at > timedelta(seconds=spec.reset_delay_s)
        verdicts[pk, spec.id] = Verdict.UP if is_calm else Verdict.RAISE
        if not is_calm:
            faults.append(_fault(Alarm.Scope.GATEWAY, pk, spec, now))
    raise_batch(faults=faults, now=now)
    _recover(Alarm.Scope.GATEWAY, verdicts, now)


def _take_turn() -> StoragePlan:
    """One at a time, or an older look would undo a newer one."""
    return StoragePlan.objects.select_for_update(no_key=True).first() or StoragePlan()


def _sights(specs: Specs, now: datetime, began_at: datetime | None) -> dict[str, Sight]:
    """How things are, as far as a rule asks."""
    sights: dict[str, Sight] = {}
    if specs.keys() & {DISK, DISK_URGENT}:
        days = Sight(_days_left(now), "d", is_low=True)
        sights |= {key: days for key in (DISK, DISK_URGENT) if key in specs}
    if LOST in specs:
        sights[LOST] = _lost(now - timedelta(seconds=specs[LOST].reset_delay_s))
    if SPOOL in specs:
        sights[SPOOL] = _waiting(now)
    if IDLE in specs:
        sights[IDLE] = _idle(now, began_at)
    return sights


def _days_left(now: datetime) -> float | None:
    found = storage(now=now)
    if found.free_bytes is None:
        return None
    # Nobody looks further ahead.
    return float(HORIZON_DAYS if found.days_left is None else found.days_left)


def _lost(since: datetime) -> Sight:
    """How many samples were given up."""
    rows = {shard: float(sum(pair)) for shard, pair in spool.lost_rows(since=since).items()}
    return Sight(sum(rows.values()), shards=rows)


def _waiting(now: datetime) -> Sight:
    """How long the oldest sample on a disk waits."""
    told = spool.heard(now=now)
    if told is None:
        return Sight(None, "min")
    moment = now.timestamp()
    ages_min = {
        shard: round((moment - (facts.oldest_at or moment)) / 60, 1)
        for shard, facts in told.items()
    }
    return Sight(max(ages_min.values(), default=0.0), "min", shards=ages_min)


def _idle(now: datetime, began_at: datetime | None) -> Sight:
    """The longest time that a shard has not been polled."""
    ages_s = {
        shard: float(round((now - max(at, began_at or at)).total_seconds()))
        for shard, at in shards.last_cycles().items()
    }
    return Sight(max(ages_s.values(), default=0.0), "s", shards=ages_s)


def _fault(
    scope: Alarm.Scope, pk: int, spec: RuleSpec, now: datetime, sight: Sight | None = None
) -> Fault:
    sight = sight or Sight(None)
    return Fault(
        scope_kind=scope,
        scope_id=pk,
        rule_id=spec.id,
        severity=spec.severity,
        at=now,
        value=sight.value,
        limit=None if sight.value is None else spec.threshold,
        unit=sight.unit,
        is_low=sight.is_low,
        points=sight.beyond(spec.threshold),
    )


def _peaks(faults: Sequence[Fault]) -> Iterator[Peak]:
    for fault in faults:
        if fault.value is not None:
            yield Peak(
                scope_kind=fault.scope_kind,
                scope_id=fault.scope_id,
                rule_id=fault.rule_id,
                at=fault.at,
                value=fault.value,
                is_low=fault.is_low,
            )


def _recover(
    scope: Alarm.Scope, verdicts: Mapping[tuple[int, int], Verdict], now: datetime
) -> None:
    """End what is over by its own truth, and what no rule watches any more."""
    active = Alarm.objects.open().filter(
        condition=Condition.ACTIVE, rule__kind=Rule.Kind.PLATFORM, scope_kind=scope
    )
    over = [
        Recovery(
            scope_kind=scope,
            scope_id=pk,
            rule_id=rule_id,
            at=now,
            reason="" if (pk, rule_id) in verdicts else NOT_APPLICABLE,
        )
        for pk, rule_id in active.values_list("scope_id", "rule_id")
        if verdicts.get((pk, rule_id), Verdict.UP) == Verdict.UP
    ]
    recover_batch(recoveries=over, now=now)

"""What followed from samples, written together with how far they were followed: all or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from django.db import connection, transaction

from alarms.models import Alarm, Pending
from alarms.rules.evaluator import Event, Outcome, Spot
from alarms.services.raising import raise_batch, recover_batch, update_peaks
from alarms.services.spots import Fault, Peak, Recovery

# In the order of the key: two who write the same devices wait for each other, never in a circle.
_LOCK = """
    SELECT 1 FROM alarms_watched WHERE device_id = ANY(%s) ORDER BY device_id FOR NO KEY UPDATE
"""
_ADVANCE = """
    UPDATE alarms_watched w SET until_s = n.until_s
    FROM unnest(%s::bigint[], %s::float8[], %s::float8[]) n(device_id, mark, until_s)
    WHERE w.device_id = n.device_id AND w.until_s = n.mark
    RETURNING w.device_id
"""
_BEGIN = """
    INSERT INTO alarms_watched (device_id, until_s)
    SELECT n.device_id, n.until_s FROM unnest(%s::bigint[], %s::float8[]) n(device_id, until_s)
    JOIN devices_device d ON d.id = n.device_id
    ORDER BY n.device_id
    ON CONFLICT DO NOTHING
    RETURNING device_id
"""
_END_DELAYS = """
    DELETE FROM alarms_pending p
    USING unnest(%s::bigint[], %s::bigint[], %s::text[]) n(device_id, rule_id, point_code)
    WHERE p.device_id = n.device_id AND p.rule_id = n.rule_id AND p.point_code = n.point_code
"""
_RUN_DELAYS = """
    INSERT INTO alarms_pending (device_id, rule_id, point_code, towards, since)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
    ON CONFLICT (rule_id, device_id, point_code)
    DO UPDATE SET towards = EXCLUDED.towards, since = EXCLUDED.since
"""


@transaction.atomic
def write(
    *,
    outcome: Outcome,
    marks: Mapping[int, tuple[float | None, float]],
    orphans: Sequence[Recovery],
    units: Mapping[str, str],
    now: datetime,
) -> set[int]:
    """Move the marks of devices (from, to) and write what followed for those that moved.

    A device whose mark is not where it was left was followed by somebody else meanwhile: nothing of
    it is written. Ids of the devices that moved. The number of statements does not depend on how
    many devices there are.
    """
    mine = _advance(marks)
    waves = _waves(event for event in outcome.events if event.device_id in mine)
    lone = [recovery for recovery in orphans if recovery.scope_id in mine]
    if lone:
        recover_batch(recoveries=lone, now=now)
    for wave in waves:
        raise_batch(faults=[fault_of(event=e, units=units) for e in wave if e.is_raised], now=now)
        ended = [event for event in wave if not event.is_raised]
        update_peaks(peaks=[_last_peak(event) for event in ended if event.peak], now=now)
        recover_batch(recoveries=[_recovery(event) for event in ended], now=now)
    update_peaks(
        peaks=[
            _peak(spot, at, value, is_low=outcome.is_low[spot[1]])
            for spot, (at, value) in outcome.peaks.items()
            if spot[0] in mine
        ],
        now=now,
    )
    _write_delays({spot: found for spot, found in outcome.pending.items() if spot[0] in mine})
    return mine


def fault_of(*, event: Event, units: Mapping[str, str]) -> Fault:
    """The alarm that a raised check asks for."""
    is_digital = event.limit is None
    return Fault(
        scope_kind=Alarm.Scope.DEVICE,
        scope_id=event.device_id,
        rule_id=event.spec.id,
        point_code=event.point_code,
        worst_code=event.worst_code,
        severity=event.spec.severity,
        at=_moment(event.at),
        value=event.value,
        limit=event.limit,
        unit="" if is_digital else units.get(event.worst_code, ""),
        is_low=event.spec.is_low,
        points=event.points,
    )


def _advance(marks: Mapping[int, tuple[float | None, float]]) -> set[int]:
    known = {pk: (mark, until) for pk, (mark, until) in marks.items() if mark is not None}
    fresh = {pk: until for pk, (mark, until) in marks.items() if mark is None}
    mine: set[int] = set()
    with connection.cursor() as cursor:
        if known:
            cursor.execute(_LOCK, [list(known)])
            before, after = zip(*known.values(), strict=True)
            cursor.execute(_ADVANCE, [list(known), list(before), list(after)])
            mine |= {pk for (pk,) in cursor.fetchall()}
        if fresh:
            cursor.execute(_BEGIN, [list(fresh), list(fresh.values())])
            mine |= {pk for (pk,) in cursor.fetchall()}
    return mine


def _waves(events: Iterable[Event]) -> list[list[Event]]:
    """Events in lists that hold each spot at most once, in the order in which they happened."""
    waves: list[list[Event]] = []
    seen: dict[Spot, int] = {}
    for event in events:
        place = seen.get(event.spot, -1) + 1
        seen[event.spot] = place
        if place == len(waves):
            waves.append([])
        waves[place].append(event)
    return waves


def _recovery(event: Event) -> Recovery:
    return Recovery(
        scope_kind=Alarm.Scope.DEVICE,
        scope_id=event.device_id,
        rule_id=event.spec.id,
        point_code=event.point_code,
        at=_moment(event.at),
        value=event.value,
    )


def _last_peak(event: Event) -> Peak:
    at, value = event.peak or (event.at, event.value)
    return _peak(event.spot, at, value, is_low=event.spec.is_low)


def _peak(spot: Spot, at: float, value: float, *, is_low: bool) -> Peak:
    device_id, rule_id, code = spot
    return Peak(
        scope_kind=Alarm.Scope.DEVICE,
        scope_id=device_id,
        rule_id=rule_id,
        point_code=code,
        at=_moment(at),
        value=value,
        is_low=is_low,
    )


def _write_delays(delays: Mapping[Spot, tuple[bool, float] | None]) -> None:
    over = [spot for spot, found in delays.items() if found is None]
    running = [(spot, found) for spot, found in delays.items() if found is not None]
    with connection.cursor() as cursor:
        if over:
            cursor.execute(_END_DELAYS, _spots(over))
        if running:
            towards = [
                Pending.Towards.RAISE if is_raising else Pending.Towards.RECOVER
                for _spot, (is_raising, _since) in running
            ]
            since = [_moment(since) for _spot, (_is_raising, since) in running]
            cursor.execute(
                _RUN_DELAYS, [*_spots([spot for spot, _found in running]), towards, since]
            )


def _spots(spots: Sequence[Spot]) -> list[list[object]]:
    return [
        [device_id for device_id, _rule, _code in spots],
        [rule_id for _device, rule_id, _code in spots],
        [code for _device, _rule, code in spots],
    ]


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

"""Raise and recover alarms, any number of them with a few statements."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from alarms.models import Alarm
from alarms.services import ignoring, journal
from alarms.services.journal import Act, Row
from alarms.services.spots import Fault, Key, Peak, Recovery, Spot
from alarms.states import CONDITION, HANDLING, SEVERITY_RANK, Condition, Entry, Move
from core.time import local_day
from devices.models import Device, Gateway
from sites import services as site_services
from sites.models import Site

logger = logging.getLogger(__name__)

PREFIX = "GJ"

_SAME_SPOT = """
    a.scope_kind = n.scope_kind AND a.scope_id = n.scope_id AND a.point_code = n.point_code
    AND a.rule_id = n.rule_id AND a.handling <> 'archived'
"""
_SPOTS = "unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[]"
_NAMES = "scope_kind, scope_id, point_code, rule_id"

_RECUR = f"""
    UPDATE alarms_alarm a
    SET condition = 'active', last_raised_at = n.at, recovered_at = NULL,
        recurrences = a.recurrences + 1, updated_at = %s
    FROM {_SPOTS}, %s::timestamptz[]) AS n({_NAMES}, at)
    WHERE {_SAME_SPOT} AND a.condition = 'recovered'
    RETURNING a.id, a.site_id, a.severity, {", ".join(f"n.{n}" for n in _NAMES.split(", "))}
"""  # noqa: S608 - no text from outside
_RECOVER = f"""
    UPDATE alarms_alarm a
    SET condition = 'recovered', recovered_at = n.at, updated_at = %s
    FROM {_SPOTS}, %s::timestamptz[]) AS n({_NAMES}, at)
    WHERE {_SAME_SPOT} AND a.condition = 'active'
    RETURNING a.id, a.site_id, a.severity, {", ".join(f"n.{n}" for n in _NAMES.split(", "))}
"""  # noqa: S608
_PEAK = f"""
    UPDATE alarms_alarm a SET peak = n.value, peak_at = n.at, updated_at = %s
    FROM {_SPOTS}, %s::timestamptz[], %s::float8[], %s::bool[])
        AS n({_NAMES}, at, value, is_low)
    WHERE {_SAME_SPOT} AND a.condition = 'active'
        AND (a.peak IS NULL OR CASE WHEN n.is_low THEN n.value < a.peak ELSE n.value > a.peak END)
"""  # noqa: S608


@transaction.atomic
def raise_batch(*, faults: Sequence[Fault], now: datetime) -> list[int]:
    """Raise each fault once: a new alarm, or again the open one that had recovered.

    An open active alarm stays as it is; an ignored one is active again but stays ignored, unless
    its time is over. Ids of the alarms that became active, in no order. The number of statements
    does not depend on the number of faults.
    """
    by_key = {fault.key: fault for fault in reversed(faults)}
    known = _conditions(by_key.values())
    again = [by_key[key] for key, condition in known.items() if condition == Condition.RECOVERED]
    recurred = _recur(again, now)
    # What was archived between the two statements needs a row of its own.
    settled = recurred.keys() | {k for k, condition in known.items() if condition != "recovered"}
    fresh = [by_key[key] for key in sorted(by_key.keys() - settled)]
    raised = _insert(fresh, now)
    journal.announce(rows=[*raised, *recurred.values()], event="raised")
    ignoring.end_over(alarm_ids=[row[0] for row in recurred.values()], now=now)
    if by_key:
        logger.info("alarm.raised new=%d again=%d", len(raised), len(recurred))
    return [row[0] for row in (*raised, *recurred.values())]


@transaction.atomic
def recover_batch(*, recoveries: Sequence[Recovery], now: datetime) -> list[int]:
    """End the active alarms of these spots; those that are not active stay as they are.

    Ids of the alarms that recovered, in no order. Two statements, however many there are.
    """
    by_key = {recovery.key: recovery for recovery in reversed(recoveries)}
    rows = _by_spot(_RECOVER, list(by_key.values()), now)
    act = Act(by=None, door="system", now=now)
    journal.write(
        rows=[
            journal.entry_of(
                alarm_id=row[0],
                entry=Entry.CONDITION,
                act=act,
                edge=CONDITION.edge(Condition.ACTIVE, Move.RECOVER),
                at=by_key[key].at,
                facts=_facts_of(by_key[key]),
            )
            for key, row in rows.items()
        ]
    )
    journal.announce(rows=list(rows.values()), event="recovered")
    if rows:
        logger.info("alarm.recovered count=%d", len(rows))
    return [row[0] for row in rows.values()]


def update_peaks(*, peaks: Sequence[Peak], now: datetime) -> None:
    """Write new extremes of active alarms; one that is no longer the extreme changes nothing."""
    if not peaks:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _PEAK,
            [
                now,
                *_columns(peaks),
                [peak.at for peak in peaks],
                [peak.value for peak in peaks],
                [peak.is_low for peak in peaks],
            ],
        )


def _columns(spots: Sequence[Spot]) -> list[list[Any]]:
    return [
        [spot.scope_kind for spot in spots],
        [spot.scope_id for spot in spots],
        [spot.point_code for spot in spots],
        [spot.rule_id for spot in spots],
    ]


def _by_spot(
    statement: str, spots: Sequence[Fault] | Sequence[Recovery], now: datetime
) -> dict[Key, Row]:
    """Run one of the statements; (alarm id, site id, severity) of the rows it changed."""
    if not spots:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(statement, [now, *_columns(spots), [spot.at for spot in spots]])
        return {
            (kind, scope, code, rule): (pk, site, severity)
            for pk, site, severity, kind, scope, code, rule in cursor.fetchall()
        }


def _facts_of(recovery: Recovery) -> dict[str, Any]:
    if recovery.reason:
        return {"reason": recovery.reason}
    return {} if recovery.value is None else {"value": recovery.value}


def _conditions(faults: Iterable[Fault]) -> dict[Key, str]:
    """Conditions of the open alarms at the spots of the faults."""
    wanted = {fault.key for fault in faults}
    rows = (
        Alarm.objects.open()
        .filter(
            scope_kind__in={key[0] for key in wanted},
            scope_id__in={key[1] for key in wanted},
            rule_id__in={key[3] for key in wanted},
        )
        .values_list("scope_kind", "scope_id", "point_code", "rule_id", "condition")
    )
    return {key: condition for *spot, condition in rows if (key := tuple(spot)) in wanted}


def _recur(faults: Sequence[Fault], now: datetime) -> dict[Key, Row]:
    rows = _by_spot(_RECUR, faults, now)
    if not rows:
        return {}
    by_key = {fault.key: fault for fault in faults}
    act = Act(by=None, door="system", now=now)
    journal.write(
        rows=[
            journal.entry_of(
                alarm_id=row[0],
                entry=Entry.CONDITION,
                act=act,
                edge=CONDITION.edge(Condition.RECOVERED, Move.RECUR),
                at=by_key[key].at,
                facts=by_key[key].facts,
            )
            for key, row in rows.items()
        ]
    )
    measured = [fault for fault in faults if fault.value is not None]
    update_peaks(
        peaks=[
            Peak(
                scope_kind=fault.scope_kind,
                scope_id=fault.scope_id,
                rule_id=fault.rule_id,
                point_code=fault.point_code,
                at=fault.at,
                value=fault.value or 0.0,
                is_low=fault.is_low,
            )
            for fault in measured
        ],
        now=now,
    )
    return rows


def _insert(faults: Sequence[Fault], now: datetime) -> list[Row]:
    """New alarms; what somebody else raised in this moment is his."""
    if not faults:
        return []
    places = _places(faults)
    alarms = [
        alarm
        for fault in faults
        if (place := places.get((fault.scope_kind, fault.scope_id)))
        and (alarm := _alarm(fault, place, now))
    ]
    _number(alarms)
    Alarm.objects.bulk_create(alarms, ignore_conflicts=True)
    numbers = {alarm.number: alarm for alarm in alarms}
    stored = Alarm.objects.filter(number__in=numbers).values_list("number", "pk")
    facts = {fault.key: fault for fault in faults}
    rows: list[Row] = []
    entries = []
    act = Act(by=None, door="system", now=now)
    for number, pk in stored:
        alarm = numbers[number]
        key = alarm.scope_kind, alarm.scope_id, alarm.point_code, alarm.rule_id
        rows.append((pk, alarm.site_id, alarm.severity))
        entries.append(
            journal.first_entry(alarm_id=pk, act=act, at=alarm.raised_at, facts=facts[key].facts)
        )
    journal.write(rows=entries)
    return rows


def _places(faults: Iterable[Fault]) -> Mapping[tuple[str, int], dict[str, Any]]:
    """Where the devices, gateways and sites of the faults are, as columns of an alarm."""
    ids: dict[str, set[int]] = defaultdict(set)
    for fault in faults:
        ids[fault.scope_kind].add(fault.scope_id)
    places: dict[tuple[str, int], dict[str, Any]] = {}
    devices = Device.objects.select_related("site", "circuit").filter(
        pk__in=ids[Alarm.Scope.DEVICE]
    )
    for device in devices:
        circuit = device.circuit
        places[Alarm.Scope.DEVICE, device.pk] = {
            "site": device.site,
            "device": device,
            "circuit": circuit,
            "room_id": device.room_id or (circuit.room_id if circuit else None),
            "transformer_id": circuit.transformer_id if circuit else None,
            "is_simulated": device.is_simulated,
        }
    if ids[Alarm.Scope.GATEWAY]:
        gateways = Gateway.objects.select_related("site")
        for gateway in gateways.filter(pk__in=ids[Alarm.Scope.GATEWAY]):
            places[Alarm.Scope.GATEWAY, gateway.pk] = {
                "site": gateway.site,
                "gateway": gateway,
                "is_simulated": gateway.is_simulated,
            }
    if ids[Alarm.Scope.SITE]:
        for site in Site.objects.filter(pk__in=ids[Alarm.Scope.SITE]):
            places[Alarm.Scope.SITE, site.pk] = {"site": site}
    return places


def _alarm(fault: Fault, place: dict[str, Any], now: datetime) -> Alarm:
    return Alarm(
        rule_id=fault.rule_id,
        severity=fault.severity,
        severity_rank=SEVERITY_RANK[fault.severity],
        scope_kind=fault.scope_kind,
        scope_id=fault.scope_id,
        point_code=fault.point_code,
        worst_code=fault.worst_code,
        value=fault.value,
        limit=fault.limit,
        unit=fault.unit,
        peak=fault.value,
        peak_at=None if fault.value is None else fault.at,
        raised_at=fault.at,
        last_raised_at=fault.at,
        condition=CONDITION.initial,
        handling=HANDLING.initial,
        created_at=now,
        updated_at=now,
        **place,
    )


def _number(alarms: Sequence[Alarm]) -> None:
    """Give out numbers: one statement per day of the sites that has alarms, usually one."""
    by_day: dict[date, list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        by_day[local_day(alarm.raised_at, alarm.site.timezone)].append(alarm)
    for day, of_day in sorted(by_day.items()):
        taken = site_services.take_numbers(prefix=PREFIX, day=day, count=len(of_day))
        for alarm, number in zip(of_day, taken, strict=True):
            alarm.number = number

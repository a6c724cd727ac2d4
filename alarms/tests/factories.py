"""Alarms for tests. They are raised and moved by the services, so that none is impossible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from alarms import services
from alarms.models import Alarm, Rule
from alarms.services import Fault, Recovery
from alarms.states import Handling, Move, Severity, Verdict
from devices.models import Device
from devices.tests.factories import make_device
from sites.models import Site, User

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
_numbers = count(1)


def make_rule(key: str = "", **facts: Any) -> Rule:
    """A rule, made when its key is not there: residual current above 300 mA, back below 240 mA."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "name": f"规则 {number}",
        "name_en": f"Rule {number}",
        "kind": Rule.Kind.LIMIT,
        "level": Rule.Level.HIGH,
        "point_codes": ["IR"],
        "severity": Severity.MAJOR,
        "threshold": 300.0,
        "reset": 240.0,
        "delay_s": 5.0,
        "reset_delay_s": 5.0,
        "cause": "绝缘损坏",
        "cause_en": "Damaged insulation",
        "advice": "逐级排查回路",
        "advice_en": "Check circuit by circuit",
    }
    return Rule.objects.get_or_create(key=key or f"TEST_{number}", defaults=defaults | facts)[0]


def make_digital_rule(key: str = "", **facts: Any) -> Rule:
    """A rule on a digital input that goes to 1."""
    defaults: dict[str, Any] = {
        "kind": Rule.Kind.DIGITAL,
        "level": "",
        "point_codes": ["DI1"],
        "threshold": None,
        "reset": None,
        "to_value": 1,
        "delay_s": 0.0,
        "reset_delay_s": 0.0,
    }
    return make_rule(key, **defaults | facts)


def fault_of(*, rule: Rule, device: Device, at: datetime = NOW, **facts: Any) -> Fault:
    """What the evaluator would report of a device."""
    code = rule.point_codes[0] if rule.point_codes else ""
    defaults: dict[str, Any] = {
        "scope_kind": Alarm.Scope.DEVICE,
        "scope_id": device.pk,
        "rule_id": rule.pk,
        "point_code": code,
        "worst_code": code,
        "severity": rule.severity,
        "at": at,
        "value": 420.0,
        "limit": rule.threshold,
        "unit": "mA",
    }
    return Fault(**defaults | facts)


def make_alarm(
    *,
    handling: str = Handling.UNVERIFIED,
    is_active: bool = True,
    site: Site | None = None,
    device: Device | None = None,
    rule: Rule | None = None,
    at: datetime = NOW,
    by: User | None = None,
    now: datetime | None = None,
    **facts: Any,
) -> Alarm:
    """An alarm of a device (of `site`), raised at `at`, recovered a minute later unless active.

    `handling`: brought there by the services, moved by `by` (None: the system) at `now`, two
    minutes after `at` unless given. An archived alarm has recovered.
    """
    device = device or make_device(site=site)
    rule = rule or make_rule()
    now = now or at + timedelta(minutes=2)
    (pk,) = services.raise_batch(
        faults=[fault_of(rule=rule, device=device, at=at, **facts)], now=at
    )
    alarm = Alarm.objects.get(pk=pk)
    if handling == Handling.ARCHIVED or not is_active:
        recover(alarm, at=at + timedelta(minutes=1))
    bring(alarm, handling, by=by, now=now)
    return Alarm.objects.with_place().get(pk=pk)


def recover(alarm: Alarm, *, at: datetime) -> None:
    """Let its cause go away."""
    services.recover_batch(
        recoveries=[
            Recovery(
                scope_kind=alarm.scope_kind,
                scope_id=alarm.scope_id,
                rule_id=alarm.rule_id,
                point_code=alarm.point_code,
                at=at,
            )
        ],
        now=at,
    )


def bring(alarm: Alarm, handling: str, *, by: User | None = None, now: datetime = NOW) -> None:
    """Bring an unverified alarm to a handling by the moves that people make."""
    act: dict[str, Any] = {"alarm_id": alarm.pk, "by": by, "door": "web", "now": now}
    if handling in {Handling.VERIFIED, Handling.IN_ORDER, Handling.ARCHIVED}:
        services.verify(verdict=Verdict.REAL, cause="电缆受潮", note="", **act)
    if handling == Handling.IN_ORDER:
        services.move_for_order(
            move=Move.CREATE_ORDER, order_number=f"GD-TEST-{next(_numbers)}", **act
        )
    if handling == Handling.IGNORED:
        services.ignore(until=now + timedelta(hours=4), note="检修中", **act)
    if handling == Handling.ARCHIVED:
        services.archive(**act)

"""Devices with data that cannot be believed: one alarm per device, however many stretches are flagged."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from alarms.models import Alarm, Rule
from alarms.rules.specs import RuleSpec, overridden
from alarms.services.admission import NOT_APPLICABLE, read_overrides, spec_of
from alarms.services.raising import raise_batch, recover_batch
from alarms.services.spots import Fault, Recovery
from alarms.states import Condition
from devices import history, selectors
from devices.models import Device

RULE = "DATA_BAD"
_HOUR = timedelta(hours=1)


@transaction.atomic
def sweep(*, now: datetime) -> None:
    """Compare what the last judging flagged with the alarms about it; raise and recover.

    By flags and the hours that were judged alone, so that it may be repeated at any time. What is
    flagged counts in its hour and the next; a device without samples since then stays as it is.
    """
    hour = selectors.last_judged()
    # One at a time, or an older look would undo a newer one.
    rule = Rule.objects.select_for_update(no_key=True).filter(key=RULE).first()
    if hour is None or rule is None:
        return
    active = set(_active(rule))
    bad = selectors.with_flags(start=hour - _HOUR, end=hour + _HOUR)
    watched = _watched(bad | active, rule)
    raise_batch(
        faults=[
            Fault(
                scope_kind=Alarm.Scope.DEVICE,
                scope_id=pk,
                rule_id=rule.pk,
                severity=watched[pk].severity,
                at=now,
            )
            for pk in sorted(bad & watched.keys())
        ],
        now=now,
    )
    good = active - bad
    over = dict.fromkeys(active - watched.keys(), NOT_APPLICABLE)
    over |= dict.fromkeys(_heard(good & watched.keys(), hour), "")
    recover_batch(
        recoveries=[
            Recovery(
                scope_kind=Alarm.Scope.DEVICE,
                scope_id=pk,
                rule_id=rule.pk,
                at=now,
                reason=reason,
            )
            for pk, reason in sorted(over.items())
        ],
        now=now,
    )


def _active(rule: Rule) -> Collection[int]:
    rows = Alarm.objects.open().filter(condition=Condition.ACTIVE, rule=rule)
    return rows.values_list("scope_id", flat=True)


def _watched(device_ids: Collection[int], rule: Rule) -> dict[int, RuleSpec]:
    """The rule at those that are in service, where it is switched on."""
    if not device_ids:
        return {}
    overrides, spec = read_overrides(), spec_of(rule=rule)
    devices = Device.objects.heard().filter(pk__in=device_ids)
    found = {
        pk: overridden(
            spec,
            overrides.of_sites.get((spec.id, site_id)),
            overrides.of_devices.get((spec.id, pk)),
        )
        for pk, site_id in devices.values_list("pk", "site_id")
    }
    return {pk: spec for pk, spec in found.items() if spec.is_enabled}


def _heard(device_ids: Collection[int], hour: datetime) -> set[int]:
    """Those of which samples of the hour were judged."""
    return set(history.with_blocks(hour, among=device_ids)) if device_ids else set()

"""Lost communication of devices, gateways and whole sites: one alarm for what is one fault."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from alarms.models import Alarm, AlarmQuerySet, Rule
from alarms.rules.links import DeviceLink, GatewayLink, LinkVerdicts, Verdict, judge
from alarms.rules.specs import RuleSpec, overridden
from alarms.services.admission import NOT_APPLICABLE, Overrides, read_overrides, spec_of
from alarms.services.raising import raise_batch, recover_batch
from alarms.services.spots import Fault, Recovery
from alarms.states import Condition
from devices.models import Device, Gateway
from sites.models import Site

logger = logging.getLogger(__name__)

DEVICE_RULE, GATEWAY_RULE, SITE_RULE = "DEV_OFF", "GW_OFF", "SITE_OFF"
SITES_AT_ONCE = 200

_SCOPES = {
    Alarm.Scope.DEVICE: DEVICE_RULE,
    Alarm.Scope.GATEWAY: GATEWAY_RULE,
    Alarm.Scope.SITE: SITE_RULE,
}
# Scope and id of a gateway, a device or a site.
Thing = tuple[str, int]


@dataclass(slots=True)
class _Equipment:
    """What is in service at a site."""

    gateways: list[GatewayLink] = field(default_factory=list)
    devices: list[DeviceLink] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The three rules by key, and what sites and devices say differently."""

    specs: dict[str, RuleSpec]
    overrides: Overrides

    def of(self, thing: Thing, site_id: int) -> RuleSpec | None:
        """The rule on a thing, None when it is not there or switched off."""
        scope, pk = thing
        spec = self.specs.get(_SCOPES[Alarm.Scope(scope)])
        if spec is None:
            return None
        of_site = self.overrides.of_sites.get((spec.id, site_id))
        of_device = self.overrides.of_devices.get((spec.id, pk))
        spec = overridden(spec, of_site, of_device if scope == Alarm.Scope.DEVICE else None)
        return spec if spec.is_enabled else None


def evaluate(*, site_ids: Collection[int], now: datetime) -> None:
    """Compare what is silent at these sites with the alarms about it; raise and recover.

    By the state of gateways and devices alone, so that it may be repeated at any time.
    """
    wanted = sorted(set(site_ids))
    for start in range(0, len(wanted), SITES_AT_ONCE):
        _evaluate(wanted[start : start + SITES_AT_ONCE], now)


def sweep(*, now: datetime) -> None:
    """Evaluate every site where something is silent or an alarm says so: lost messages end here."""
    silent = Q(is_online=False)
    site_ids = {
        *Device.objects.in_service().filter(silent).values_list("site_id", flat=True),
        *Gateway.objects.filter(silent, is_enabled=True).values_list("site_id", flat=True),
        *_active().values_list("site_id", flat=True),
    }
    evaluate(site_ids=site_ids, now=now)


@transaction.atomic
def _evaluate(site_ids: list[int], now: datetime) -> None:
    # One at a time per site, or an older look would undo a newer one.
    sites = Site.objects.select_for_update(no_key=True).filter(pk__in=site_ids)
    list(sites.order_by("pk").values_list("pk", flat=True))
    specs = {
        rule.key: spec_of(rule=rule)
        for rule in Rule.objects.filter(kind=Rule.Kind.LINK, key__in=_SCOPES.values())
    }
    rules = _Rules(specs, read_overrides())
    active = defaultdict(set)
    rows = _active().filter(site__in=site_ids)
    for site_id, scope, pk, rule_id in rows.values_list(
        "site_id", "scope_kind", "scope_id", "rule_id"
    ):
        active[site_id].add(((scope, pk), rule_id))
    faults: list[Fault] = []
    recoveries: list[Recovery] = []
    for site_id, equipment in _equipment(site_ids).items():
        verdicts = dict(_things(site_id, judge(equipment.gateways, equipment.devices)))
        faults += _faults(site_id, verdicts, rules, now)
        recoveries += _recoveries(site_id, verdicts, rules, active[site_id], now)
    raise_batch(faults=faults, now=now)
    recover_batch(recoveries=recoveries, now=now)


def _active() -> AlarmQuerySet:
    return Alarm.objects.open().filter(
        condition=Condition.ACTIVE, rule__kind=Rule.Kind.LINK, rule__key__in=_SCOPES.values()
    )


def _equipment(site_ids: list[int]) -> dict[int, _Equipment]:
    found = {site_id: _Equipment() for site_id in site_ids}
    gateways = Gateway.objects.filter(site__in=site_ids, is_enabled=True)
    for pk, site_id, is_online in gateways.values_list("pk", "site_id", "is_online"):
        found[site_id].gateways.append(GatewayLink(pk, is_online))
    devices = Device.objects.heard().filter(site__in=site_ids)
    for pk, site_id, gateway_id, is_online in devices.values_list(
        "pk", "site_id", "bus__gateway_id", "is_online"
    ):
        found[site_id].devices.append(DeviceLink(pk, gateway_id, is_online))
    return found


def _things(site_id: int, verdicts: LinkVerdicts) -> Iterator[tuple[Thing, Verdict]]:
    yield (Alarm.Scope.SITE, site_id), verdicts.site
    for pk, verdict in verdicts.gateways.items():
        yield (Alarm.Scope.GATEWAY, pk), verdict
    for pk, verdict in verdicts.devices.items():
        yield (Alarm.Scope.DEVICE, pk), verdict


def _faults(
    site_id: int, verdicts: dict[Thing, Verdict], rules: _Rules, now: datetime
) -> Iterator[Fault]:
    for thing, verdict in verdicts.items():
        spec = rules.of(thing, site_id) if verdict == Verdict.RAISE else None
        if spec is not None:
            yield Fault(
                scope_kind=thing[0],
                scope_id=thing[1],
                rule_id=spec.id,
                severity=spec.severity,
                at=now,
            )


def _recoveries(
    site_id: int,
    verdicts: dict[Thing, Verdict],
    rules: _Rules,
    active: set[tuple[Thing, int]],
    now: datetime,
) -> Iterator[Recovery]:
    for thing, rule_id in active:
        verdict = verdicts.get(thing)
        is_watched = verdict is not None and rules.of(thing, site_id) is not None
        if verdict == Verdict.UP or not is_watched:
            yield Recovery(
                scope_kind=thing[0],
                scope_id=thing[1],
                rule_id=rule_id,
                at=now,
                reason="" if is_watched else NOT_APPLICABLE,
            )

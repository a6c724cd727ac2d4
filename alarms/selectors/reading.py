"""Alarms: the gate, lists, statistics, neighbours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Count, F, IntegerField, Min, Q, Value, When
from django.db.models.functions import TruncHour

from alarms.models import Alarm, AlarmPhoto, AlarmQuerySet
from alarms.selectors.lines import moves_of
from alarms.states import Handling, Severity
from core.errors import NotFound
from sites import selectors as site_selectors
from sites.models import User, access_for
from sites.rules import Ability

Person = User | AnonymousUser

_SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of alarms. `by_hour`: how many were raised first in each hour, oldest hour first."""

    by_severity: dict[str, int]
    by_handling: dict[str, int]
    active: int
    by_hour: list[tuple[datetime, int]]

    @property
    def open(self) -> int:
        return sum(self.by_severity.values())


def alarm_for(*, user: Person, pk: int, ability: Ability = Ability.VIEW) -> Alarm:
    """The alarm with its place.

    Raises NotFound when the person cannot see its site, Forbidden when he sees it without the
    ability.
    """
    alarm = Alarm.objects.visible_to(user).with_place().filter(pk=pk).first()
    if alarm is None:
        raise NotFound
    if ability != Ability.VIEW:
        site_selectors.require(user=user, ability=ability, site=alarm.site)
    return alarm


def photo_for(*, user: Person, pk: int) -> AlarmPhoto:
    """The picture of a visible alarm. Raises NotFound."""
    photo = AlarmPhoto.objects.visible_to(user).filter(pk=pk).first()
    if photo is None:
        raise NotFound
    return photo


def moves_for(*, user: Person, alarm: Alarm) -> list[str]:
    """The moves to offer: in the table from here, held on this site, archiving once recovered."""
    return list(moves_of(alarm, access_for(user)))


def open_alarms(*, user: Person) -> AlarmQuerySet:
    """Open alarms in the person's sight, the worst and newest first, with their places."""
    return Alarm.objects.visible_to(user).open().with_place()


def statistics(
    *, alarms: AlarmQuerySet, now: datetime, zone: str = "UTC", hours: int = 24
) -> Statistics:
    """Counts over the alarms of a query set: of the open ones, and of those raised lately.

    Hours are those of `zone`; the last one is the hour of `now`.
    """
    still_open = alarms.open().order_by()
    grouped = still_open.values("severity", "handling").annotate(
        alarms=Count("pk"), active=Count("pk", filter=Q(condition="active"))
    )
    by_severity = dict.fromkeys(_SEVERITIES, 0)
    by_handling = {handling: 0 for handling in Handling.values if handling != Handling.ARCHIVED}
    active = 0
    for row in grouped:
        by_severity[row["severity"]] += row["alarms"]
        by_handling[row["handling"]] += row["alarms"]
        active += row["active"]
    return Statistics(
        by_severity=by_severity,
        by_handling=by_handling,
        active=active,
        by_hour=_by_hour(alarms, now, zone, hours),
    )


def _by_hour(
    alarms: AlarmQuerySet, now: datetime, zone: str, hours: int
) -> list[tuple[datetime, int]]:
    info = ZoneInfo(zone)
    last = now.astimezone(info).replace(minute=0, second=0, microsecond=0)
    # Hours of the clock are counted in UTC, so that none is lost when clocks change.
    starts = [(last.timestamp() - 3600 * back) for back in reversed(range(hours))]
    moments = [datetime.fromtimestamp(start, info) for start in starts]
    counted = dict(
        alarms.filter(raised_at__gte=moments[0], raised_at__lte=now)
        .order_by()
        .annotate(hour=TruncHour("raised_at", tzinfo=info))
        .values_list("hour")
        .annotate(alarms=Count("pk"))
    )
    found = {moment.timestamp(): count for moment, count in counted.items()}
    return [(moment, found.get(moment.timestamp(), 0)) for moment in moments]


def same_path(
    *, alarm: Alarm, limit: int = 20, among: AlarmQuerySet | None = None
) -> AlarmQuerySet:
    """Other alarms of the site, the open ones unless told among which, the nearest first.

    The same device, then the same circuit or its neighbours in the tree, then the same transformer,
    the same room, the site. `nearness` says which: 0 to 4. Within one, the worst first.
    """
    nearness: list[When] = []
    if alarm.device_id:
        nearness.append(When(device=alarm.device_id, then=Value(0)))
    if alarm.circuit_id:
        of_tree = (
            Q(circuit=alarm.circuit_id)
            | Q(circuit__parent=alarm.circuit_id)
            | Q(circuit__children=alarm.circuit_id)
        )
        nearness.append(When(of_tree, then=Value(1)))
    if alarm.transformer_id:
        nearness.append(When(transformer=alarm.transformer_id, then=Value(2)))
    if alarm.room_id:
        nearness.append(When(room=alarm.room_id, then=Value(3)))
    rows = Alarm.objects.open() if among is None else among
    others = rows.filter(site=alarm.site_id).exclude(pk=alarm.pk)
    near = Min(Case(*nearness, default=Value(4), output_field=IntegerField()))
    near_first = others.annotate(nearness=near).with_place()
    return near_first.order_by("nearness", "severity_rank", "-last_raised_at")[:limit]


def same_alarm(*, alarm: Alarm, now: datetime, days: int = 30) -> AlarmQuerySet:
    """Alarms of the same rule at the same spot that were raised lately, the newest first.

    This one is among them when it was.
    """
    since = now - timedelta(days=days)
    return Alarm.objects.filter(
        scope_kind=alarm.scope_kind,
        scope_id=alarm.scope_id,
        point_code=alarm.point_code,
        rule=alarm.rule_id,
        last_raised_at__gte=since,
    ).order_by("-last_raised_at")


def worst_by_site(*, site_ids: Collection[int]) -> dict[int, str]:
    """The worst severity open at each site; sites without an open alarm are left out."""
    return _worst(Alarm.objects.open().filter(site__in=site_ids), "site_id")


def worst_by_device(*, device_ids: Collection[int]) -> dict[int, str]:
    """The worst severity open on each device; devices without an open alarm are left out."""
    return _worst(Alarm.objects.open().filter(device__in=device_ids), "device_id")


def _worst(alarms: AlarmQuerySet, column: str) -> dict[int, str]:
    rows = alarms.order_by().values(key=F(column)).annotate(worst=Min("severity_rank"))
    return {row["key"]: _SEVERITIES[row["worst"]] for row in rows}

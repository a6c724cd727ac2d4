"""Whether gateways and devices answer: one event on the way down, one on the way up.

`last_seen_at` and the silence allowed decide; what fails once is not offline yet.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Coalesce, Greatest

from devices import live
from devices.models import Bus, DataSource, Device, Gateway, LinkEvent
from devices.services.lease import ORPHAN_PATIENCE_S, orphans
from devices.signals import link_changed
from devices.states import LinkError

logger = logging.getLogger(__name__)

Linked = type[Gateway] | type[Device]

NO_WORKER = LinkError.NO_WORKER.value
SILENT = LinkError.SILENT.value


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gateway or device came back (`is_online`) or went silent, and why.

    seen_at: when it was last heard, if that is newer than what the table says.
    """

    pk: int
    is_online: bool
    at: datetime
    reason: str = ""
    seen_at: datetime | None = None


def decide(gateways: Iterable[Verdict], devices: Iterable[Verdict]) -> int:
    """Write the verdicts that are news, one event each, and announce their sites after the commit.

    How many were news: of two who find the same silence one writes it.
    """
    of_gateways, of_devices = list(gateways), list(devices)
    if not of_gateways and not of_devices:
        return 0
    with transaction.atomic():
        events = [*_decide(Gateway, of_gateways), *_decide(Device, of_devices)]
        LinkEvent.objects.bulk_create(events)
        _announce({event.site_id for event in events})
    for event in events:
        logger.info(
            "link.%s gateway=%s device=%s reason=%s",
            "up" if event.is_online else "down",
            event.gateway_id or "-",
            event.device_id or "-",
            event.reason or "-",
        )
    return len(events)


def heard(newest: Mapping[int, float], *, silence_s: float, now: datetime) -> int:
    """Write down when devices of a source spoke last, by id in epoch seconds; how many came back.

    A sample of long ago tells nothing about now.
    """
    moment = now.timestamp()
    seen = {pk: min(at, moment) for pk, at in newest.items()}
    offline = write_seen(Device, seen)
    back = [up(pk, seen[pk]) for pk in offline if moment - seen[pk] <= silence_s]
    return decide([], back)


def sweep(*, now: datetime) -> int:
    """Find the silence that no worker can find: of sources, and of shards that nobody polls.

    How many went down.

    Rows that left service lose their verdict: nobody asks them any more.
    Raises redis.RedisError: without Redis nobody knows who polls.
    """
    _retire(now)
    return decide([], _unfed(now)) + _sweep_unpolled(now)


def _unfed(now: datetime) -> list[Verdict]:
    """Devices of sources that have sent nothing for longer than their source allows."""
    spoke_at = Coalesce("last_seen_at", "created_at")
    silence_s = Greatest(3 * F("source__period_s"), F("source__offline_after_s"))
    silence = ExpressionWrapper(silence_s * Value(timedelta(seconds=1)), DurationField())
    silent = (
        Device.objects.in_service()
        .filter(source__is_enabled=True)
        .filter(Q(is_online=True) | Q(is_online=None))
        .annotate(silence=silence)
        .annotate(due_at=ExpressionWrapper(spoke_at + F("silence"), DateTimeField()))
        .filter(due_at__lt=now)
    )
    return [
        Verdict(pk, is_online=False, at=now, reason=SILENT)
        for pk in silent.values_list("pk", flat=True)
    ]


def _sweep_unpolled(now: datetime) -> int:
    enabled = Gateway.objects.filter(is_enabled=True)
    alone = orphans(enabled.poll_shards(), now=now)
    shards = [shard for shard, alone_s in alone.items() if alone_s >= ORPHAN_PATIENCE_S]
    unpolled = {gateway.pk: gateway for shard in shards for gateway in enabled.polled_by(shard)}
    rows = Device.objects.in_service().filter(bus__gateway__in=unpolled)
    places = list(rows.values_list("pk", "bus__gateway_id", "last_seen_at", "created_at"))
    fresh = live.latest(device_ids=[pk for pk, *_rest in places])
    heard: dict[int, list[datetime]] = defaultdict(list)
    silent = []
    for pk, gateway_id, last_seen_at, created_at in places:
        at = last_seen_at or created_at
        if pk in fresh:
            at = max(at, datetime.fromtimestamp(fresh[pk].at, UTC))
        heard[gateway_id].append(at)
        if _is_past(at, unpolled[gateway_id], now):
            silent.append(Verdict(pk, is_online=False, at=now, reason=NO_WORKER, seen_at=at))
    gone = [
        Verdict(pk, is_online=False, at=now, reason=NO_WORKER)
        for pk, moments in heard.items()
        if _is_past(max(moments), unpolled[pk], now)
    ]
    return decide(gone, silent)


def _is_past(moment: datetime, gateway: Gateway, now: datetime) -> bool:
    return now - moment > timedelta(seconds=gateway.silence_s)


def up(pk: int, at: float) -> Verdict:
    moment = datetime.fromtimestamp(at, UTC)
    return Verdict(pk, is_online=True, at=moment, seen_at=moment)


def _decide(model: Linked, verdicts: list[Verdict]) -> list[LinkEvent]:
    """Compare and swap in one statement; the events of what was news."""
    if not verdicts:
        return []
    table = model._meta.db_table  # noqa: SLF001 - the name Django gives it
    ordered = sorted(verdicts, key=lambda verdict: verdict.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET is_online = v.is_online, link_changed_at = v.at,"  # noqa: S608
            " link_error = v.reason, last_seen_at = greatest(t.last_seen_at, v.seen_at)"
            " FROM unnest(%s::bigint[], %s::bool[], %s::timestamptz[], %s::text[],"
            " %s::timestamptz[]) v(id, is_online, at, reason, seen_at)"
            " WHERE t.id = v.id AND t.is_online IS DISTINCT FROM v.is_online"
            " RETURNING t.id, t.site_id, v.is_online, v.at, v.reason",
            [
                [verdict.pk for verdict in ordered],
                [verdict.is_online for verdict in ordered],
                [verdict.at for verdict in ordered],
                [verdict.reason[:40] for verdict in ordered],
                [verdict.seen_at for verdict in ordered],
            ],
        )
        rows = cursor.fetchall()
    name = "gateway_id" if model is Gateway else "device_id"
    return [
        LinkEvent(**{name: pk}, site_id=site_id, is_online=is_online, at=at, reason=reason)
        for pk, site_id, is_online, at, reason in rows
    ]


def write_seen(model: Linked, seen: Mapping[int, float]) -> list[int]:
    """Write when they were last heard, in epoch seconds, in one statement; who is not online in the table although it answers."""
    if not seen:
        return []
    table = model._meta.db_table  # noqa: SLF001 - the name Django gives it
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET last_seen_at = greatest(t.last_seen_at, v.at)"  # noqa: S608
            " FROM (SELECT id, to_timestamp(at) FROM unnest(%s::bigint[], %s::float8[]) u(id, at)"
            " ORDER BY id) v(id, at) WHERE t.id = v.id RETURNING t.id, t.is_online",
            [list(seen), list(seen.values())],
        )
        return [pk for pk, is_online in cursor.fetchall() if is_online is not True]


def _retire(now: datetime) -> None:
    """Forget the verdict on what is not asked any more; the event ends its time on line."""
    # What is switched off is little: asked for first, no device has to be joined with its gateway.
    idle: tuple[tuple[Linked, Q], ...] = (
        (Gateway, Q(is_enabled=False)),
        (
            Device,
            Q(is_enabled=False)
            | Q(bus=None, source=None)
            | Q(bus__in=Bus.objects.filter(gateway__is_enabled=False))
            | Q(source__in=DataSource.objects.filter(is_enabled=False)),
        ),
    )
    for model, condition in idle:
        judged = model.objects.filter(condition, is_online__isnull=False)
        with transaction.atomic():
            found = dict(judged.select_for_update(of=("self",)).values_list("pk", "site_id"))
            if found:
                model.objects.filter(pk__in=found).update(
                    is_online=None, link_changed_at=now, link_error=""
                )
                LinkEvent.objects.bulk_create(_left(model, found, now))
                _announce(set(found.values()))


def _left(model: Linked, found: Mapping[int, int], now: datetime) -> list[LinkEvent]:
    name = "gateway_id" if model is Gateway else "device_id"
    facts = {"is_online": False, "at": now, "reason": LinkError.RETIRED.value}
    return [LinkEvent(**{name: pk}, site_id=site_id, **facts) for pk, site_id in found.items()]


def _announce(site_ids: set[int]) -> None:
    if site_ids:
        transaction.on_commit(
            lambda: link_changed.send_robust(sender=None, site_ids=sorted(site_ids))
        )

"""The door for gateways that dial in: who holds their sockets polls them, and writes down their calls."""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from core.time import local_day
from devices.drivers.dialin import SessionFacts
from devices.ingest import AWAY
from devices.models import FIRST_DOOR, DtuDoor, Gateway, GatewaySession
from devices.services import polling

logger = logging.getLogger(__name__)

# How often calls are written down; traffic and errors in between are added up.
RECORD_S = 10.0
# What is counted for ever, by its name in SessionFacts.
_GROWING = ("bytes_in", "bytes_out", "crc_errors", "heartbeats", "takeovers")

_WRITE = """
INSERT INTO devices_gatewaysession AS kept (
    gateway_id, is_connected, peer, connected_at, heard_at, month, bytes_in, bytes_out,
    crc_errors, heartbeats, takeovers, doubled_at, updated_at
)
SELECT gateway_id, is_connected, peer, connected_at, heard_at, month, bytes_in, bytes_out,
    crc_errors, heartbeats, takeovers, doubled_at, %s
FROM unnest(%s::bigint[], %s::bool[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::date[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[])
    AS told (gateway_id, is_connected, peer, connected_at, heard_at, month, doubled_at, bytes_in,
        bytes_out, crc_errors, heartbeats, takeovers)
WHERE EXISTS (SELECT FROM devices_gateway g WHERE g.id = told.gateway_id)
ON CONFLICT (gateway_id) DO UPDATE SET
    is_connected = excluded.is_connected, peer = excluded.peer,
    connected_at = excluded.connected_at, heard_at = excluded.heard_at, month = excluded.month,
    bytes_in = excluded.bytes_in
        + CASE WHEN kept.month = excluded.month THEN kept.bytes_in ELSE 0 END,
    bytes_out = excluded.bytes_out
        + CASE WHEN kept.month = excluded.month THEN kept.bytes_out ELSE 0 END,
    crc_errors = kept.crc_errors + excluded.crc_errors,
    heartbeats = kept.heartbeats + excluded.heartbeats,
    takeovers = kept.takeovers + excluded.takeovers,
    doubled_at = coalesce(excluded.doubled_at, kept.doubled_at),
    updated_at = excluded.updated_at
"""


def serve(*, host: str, port: int, door: int, stop: threading.Event) -> None:
    """Listen, poll and write down until told to stop. Raises OSError when the address is taken.

    The door opens once it is known who may come in; it is tried again while another process polls
    this door's gateways.
    """
    shard = FIRST_DOOR + door
    poller = polling.poller_of(shard)
    book = CallBook(door)
    is_open = False
    try:
        while not stop.is_set():
            began = time.monotonic()
            now = timezone.now()
            close_old_connections()
            polling.poll_shard(shard=shard, now=now)
            if poller.plan is not None:
                if not is_open:
                    opened = poller.pool.open_door(host, port)
                    is_open = True
                    book.open(address=f"{host}:{opened}", now=now)
                # DTUs must not wait for a database that is away.
                if book.is_due(now) and not poller.keeper.store.is_away:
                    book.write(poller.pool.sessions(), poller.pool.strangers(), now=now)
            stop.wait(max(0.0, settings.POLL_TICK_S - (time.monotonic() - began)))
    finally:
        book.close(now=timezone.now())
        polling.stop_polling()


class CallBook:
    """What is known of the calls at one door, written every few seconds; one writer per door."""

    def __init__(self, door: int) -> None:
        self._door = door
        self._written_at: datetime | None = None
        self._told: dict[str, SessionFacts] = {}

    def open(self, *, address: str, now: datetime) -> None:
        """Nobody is connected yet, whatever a former process left behind."""
        logger.info("door.open number=%d address=%s", self._door, address)
        facts = {"address": address, "opened_at": now, "strangers": {}, "updated_at": now}
        try:
            self._hang_up(now)
            DtuDoor.objects.update_or_create(number=self._door, defaults=facts)
        except AWAY as reason:
            # The door is open all the same.
            logger.warning("door.unwritten reason=%s", reason)

    def is_due(self, now: datetime) -> bool:
        """Whether the last writing is long enough ago."""
        return self._written_at is None or (now - self._written_at).total_seconds() >= RECORD_S

    def write(
        self, sessions: Mapping[str, SessionFacts], strangers: Mapping[str, int], *, now: datetime
    ) -> int:
        """Write down what changed; how many calls that were."""
        changed = {key: facts for key, facts in sessions.items() if facts != self._told.get(key)}
        try:
            self._store(changed, now)
            DtuDoor.objects.filter(pk=self._door).update(strangers=dict(strangers), updated_at=now)
        except AWAY as reason:
            # What was not written is added to the next time.
            logger.warning("door.unwritten reason=%s", reason)
            return 0
        self._written_at = now
        self._told |= changed
        return len(changed)

    def close(self, *, now: datetime) -> None:
        """Everybody is gone."""
        try:
            self._hang_up(now)
        except AWAY as reason:
            logger.warning("door.unwritten reason=%s", reason)

    def _hang_up(self, now: datetime) -> None:
        rows = GatewaySession.objects.filter(
            is_connected=True, gateway__in=Gateway.objects.polled_by(FIRST_DOOR + self._door)
        )
        rows.update(is_connected=False, updated_at=now)

    def _store(self, changed: Mapping[str, SessionFacts], now: datetime) -> None:
        if not changed:
            return
        known = Gateway.objects.filter(dtu_id__in=changed).values_list(
            "dtu_id", "pk", "site__timezone"
        )
        rows = [
            self._row(changed[dtu_id], pk, local_day(now, zone).replace(day=1), now)
            for dtu_id, pk, zone in known
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        if columns:
            with connection.cursor() as cursor:
                cursor.execute(_WRITE, [now, *columns])

    def _row(self, facts: SessionFacts, pk: int, month: date, now: datetime) -> tuple[Any, ...]:
        before = self._told.get(facts.dtu_id)
        grown = (
            max(0, getattr(facts, name) - (getattr(before, name) if before else 0))
            for name in _GROWING
        )
        bytes_in, bytes_out, *rest = grown
        return (
            pk,
            facts.is_connected,
            facts.peer[:64],
            _moment(facts.since),
            _moment(facts.last_heard),
            month,
            now if facts.is_flapping else None,
            bytes_in,
            bytes_out,
            *rest,
        )


def _moment(at: float | None) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at else None

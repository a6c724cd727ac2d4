"""The parts that collecting stands on: queues, the clock, PostgreSQL, Redis."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from devices import live
from reports.selectors.collection.shards import shard_name

QUEUES = ("default", "notify", "reports")
PATIENCE_S = 2.0
# The header with which every task is sent, epoch seconds.
SENT_AT = "sent_at"
BEAT_KEY = "collection:beat"


@dataclass(frozen=True, slots=True)
class Queue:
    """Messages that wait; the age of the oldest in seconds, None when there is none to tell."""

    name: str
    length: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class Parts:
    """beat_s: since the clock's last tick, None when none is known. A version is '' when unknown."""

    queues: list[Queue] = field(default_factory=list)
    beat_s: float | None = None
    is_redis_up: bool = False
    redis_version: str = ""
    redis_bytes: int = 0
    redis_up_s: int = 0
    postgres_version: str = ""
    postgres_lines: int = 0
    postgres_most_lines: int = 0
    postgres_up_s: float = 0.0


def note_beat(*, now: datetime) -> None:
    """The clock ticks. Raises redis.RedisError."""
    live.store_state.client.set(BEAT_KEY, now.timestamp())


def last_beat(*, now: datetime) -> float | None:
    """Seconds since the clock's last tick. Raises redis.RedisError."""
    told = live.store_state.client.get(BEAT_KEY)
    return now.timestamp() - float(told) if isinstance(told, bytes) else None


def queues(*, now: datetime) -> list[Queue]:
    """Every queue of ours that somebody should empty. Raises redis.RedisError."""
    names = [*QUEUES, *(shard_name(shard) for shard in range(settings.POLL_SHARDS))]
    with redis.Redis.from_url(
        settings.BROKER_REDIS_URL, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S
    ) as broker:
        pipeline = broker.pipeline(transaction=False)
        for name in names:
            # The newest is pushed at the left.
            pipeline.llen(name).lindex(name, -1)
        said = pipeline.execute()
    pairs = zip(names, said[::2], said[1::2], strict=True)
    return [Queue(name, int(length), _age(oldest, now)) for name, length, oldest in pairs]


def _age(message: bytes | None, now: datetime) -> float | None:
    if message is None:
        return None
    try:
        return max(0.0, now.timestamp() - float(json.loads(message)["headers"][SENT_AT]))
    except (ValueError, KeyError, TypeError):
        return None


def parts(*, now: datetime) -> Parts:
    """Look at all of them; what does not answer is told as such. Raises the database's errors."""
    facts = _postgres(now)
    try:
        told: dict[str, Any] = live.store_state.client.info()
        facts |= {
            "queues": queues(now=now),
            "beat_s": last_beat(now=now),
            "is_redis_up": True,
            "redis_version": str(told.get("redis_version", "")),
            "redis_bytes": int(told.get("used_memory", 0)),
            "redis_up_s": int(told.get("uptime_in_seconds", 0)),
        }
    except redis.RedisError as reason:
        live.store_state.is_down(reason)
    return Parts(**facts)


def _postgres(now: datetime) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('max_connections')::int,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
            " pg_postmaster_start_time()"
        )
        version, most, lines, since = cursor.fetchone()
    return {
        "postgres_version": version,
        "postgres_most_lines": most,
        "postgres_lines": lines,
        "postgres_up_s": (now - since).total_seconds(),
    }

"""What waits on the disks of the poll workers, told by them through Redis, seen from anywhere."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

import redis
from django.db.models import Sum

from devices import live
from devices.models import SampleLoss

KEY = "poll:spool"
# What a worker told so long ago is not so any more: it tells in every cycle while something waits.
FRESH_S = 60.0


@dataclass(frozen=True, slots=True)
class SpoolFacts:
    """Rows and bytes that wait, and the time of the oldest sample in epoch seconds."""

    rows: int
    bytes: int
    oldest_at: float | None


def tell(shard: int, facts: SpoolFacts, *, now: datetime) -> None:
    """Say what waits; without Redis nobody hears it."""
    if not live.store_state.patience.may_ask():
        return
    text = json.dumps(asdict(facts) | {"told_at": now.timestamp()})
    with suppress(redis.RedisError):
        live.store_state.client.hset(KEY, str(shard), text)


def spool_facts(*, now: datetime) -> dict[int, SpoolFacts]:
    """What waits by shard; shards where nothing does are left out. Empty while Redis is away."""
    return heard(now=now) or {}


def heard(*, now: datetime) -> dict[int, SpoolFacts] | None:
    """What waits by shard, None while Redis is away: then nobody can tell."""
    try:
        found: Mapping[bytes, bytes] = live.store_state.client.hgetall(KEY)  # type: ignore[assignment]
    except redis.RedisError as reason:
        live.store_state.is_down(reason)
        return None
    facts = {}
    for shard, text in found.items():
        told = json.loads(text)
        is_fresh = now.timestamp() - told.pop("told_at") <= FRESH_S
        if told["rows"] and is_fresh:
            facts[int(shard)] = SpoolFacts(**told)
    return facts


def lost_rows(*, since: datetime | None = None) -> dict[int, tuple[int, int]]:
    """Samples given up for want of room by shard, ever or noted after a moment: thinned, dropped."""
    sums = SampleLoss.objects.order_by().values("shard")
    if since is not None:
        sums = sums.filter(noted_at__gt=since)
    found = sums.annotate(thin=Sum("thinned"), gone=Sum("dropped"))
    return {shard: (thin, gone) for shard, thin, gone in found.values_list("shard", "thin", "gone")}

"""What poll workers and doors say of themselves, through Redis, every few seconds."""

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime

import redis

from devices import live
from devices.drivers.pace import Digest

logger = logging.getLogger(__name__)

# What was told longer ago is nobody's present any more.
FRESH_S = 60


@dataclass(frozen=True, slots=True)
class Told:
    """One worker over the last seconds (`window_s`).

    errors: reads that brought nothing, by kind. at: epoch seconds.
    """

    at: float
    owner: str
    window_s: float
    cycles: int
    late: int
    slowest_ms: float
    reads: int
    stored: int
    gateways: int
    devices: int
    errors: dict[str, int] = field(default_factory=dict)
    lines: Digest = field(default_factory=Digest)

    @property
    def reads_per_s(self) -> float:
        """Answers and failures together."""
        return self.reads / self.window_s if self.window_s else 0.0

    @property
    def stored_per_s(self) -> float:
        """Rows."""
        return self.stored / self.window_s if self.window_s else 0.0

    @property
    def failed(self) -> int:
        """Reads that brought nothing."""
        return sum(self.errors.values())


def tell(shard: int, facts: Told) -> None:
    """Say how the shard does; without Redis nobody hears it."""
    if not live.store_state.patience.may_ask():
        return
    with suppress(redis.RedisError):
        live.store_state.client.set(_key(shard), json.dumps(asdict(facts)), ex=FRESH_S)


def told(shards: Iterable[int], *, now: datetime) -> dict[int, Told]:
    """What is told of these shards; those that are silent are left out. Empty without Redis."""
    numbers = list(shards)
    if not numbers:
        return {}
    try:
        texts: list[bytes | None] = live.store_state.client.mget(map(_key, numbers))  # type: ignore[assignment]
    except redis.RedisError as reason:
        live.store_state.is_down(reason)
        return {}
    found = {}
    for number, text in zip(numbers, texts, strict=True):
        facts = None if text is None else _read(text)
        if facts is not None and now.timestamp() - facts.at <= FRESH_S:
            found[number] = facts
    return found


def _read(text: bytes) -> Told | None:
    """None for what another version of the product has told."""
    try:
        facts = json.loads(text)
        lines = facts.pop("lines")
        for name in ("slowest", "away", "silent"):
            lines[name] = [tuple(row) for row in lines[name]]
        return Told(lines=Digest(**lines), **facts)
    except (ValueError, TypeError, KeyError):
        logger.warning("told.unreadable text=%r", text[:80])
        return None


def _key(shard: int) -> str:
    return f"poll:told:{shard}"

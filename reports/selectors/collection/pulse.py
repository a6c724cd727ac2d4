"""The latest heartbeat that was sent outside."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import redis

from devices import live

KEY = "collection:heartbeat"


@dataclass(frozen=True, slots=True)
class Pulse:
    """at: epoch seconds; words: what was wrong, '' when nothing; error: why nobody took it."""

    at: float
    is_well: bool
    words: str = ""
    error: str = ""

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


def last_pulse() -> Pulse | None:
    """None before the first, and without Redis."""
    try:
        text = live.store_state.client.get(KEY)
    except redis.RedisError as reason:
        live.store_state.is_down(reason)
        return None
    return Pulse(**json.loads(text)) if isinstance(text, bytes) else None

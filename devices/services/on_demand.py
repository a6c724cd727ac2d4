"""Reading a device now, from any process: asked through Redis, answered by the owner of its bus."""

import asyncio
import json
import logging
import math
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from redis import asyncio as aioredis

from core.errors import DomainError
from core.loop import event_loop
from devices.drivers import Block, Words
from devices.models import Bus, Device
from devices.services.lease import has_owner
from sites.models import User

logger = logging.getLogger(__name__)

PATIENCE_S = 10.0
# How long a question may wait for a worker that is just starting.
_KEEP_S = 60
_LISTEN_S = 5.0

Question = dict[str, Any]
Answer = dict[str, Any]

_MESSAGES: dict[str, Any] = {
    "no_worker": _("采集服务未运行，无法召测。"),
    "not_polled": _("该设备未投入采集，无法召测。"),
    "refused": _("网关无法连接。"),
    "timeout": _("设备未应答。"),
    "late": _("设备未在时限内应答。"),
}


class NoAnswer(DomainError):
    """The device could not be read; `facts["error"]` is the driver's word for why."""

    code = "no_answer"
    status = 502
    message = _("设备拒绝了请求。")

    def __init__(self, error: str) -> None:
        super().__init__(_MESSAGES.get(error), error=error)


@dataclass(frozen=True, slots=True)
class OnDemandRead:
    """The values just read, by code, at the primary side; None where a point had no valid value."""

    at: datetime
    values: dict[str, float | None]


def read_now(
    *, device: Device, by: User | None, now: datetime, timeout_s: float = PATIENCE_S
) -> OnDemandRead:
    """Have a device read at once, ahead of the polls; the sample is stored like any other.

    For somebody who holds READ_NOW on its site: the gate is the caller's. Raises NoAnswer.
    """
    if device.bus is None:
        raise NoAnswer("not_polled")
    question = {"device": device.pk, "by": by.pk if by else None}
    answer = _answered(device.bus, question, now, timeout_s)
    return OnDemandRead(at=datetime.fromtimestamp(answer["at"], UTC), values=answer["values"])


@dataclass(frozen=True, slots=True)
class RawRead:
    """Words per block as they came, None for a block that failed; `error`: why the first did."""

    at: datetime
    blocks: list[Words | None]
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something may be: a line, and the number to call there."""

    bus: Bus
    unit_id: int


def read_raw(
    *,
    address: Address,
    blocks: Sequence[Block],
    by: User | None,
    now: datetime,
    timeout_s: float = PATIENCE_S,
) -> RawRead:
    """Have an address read at once, ahead of the polls, whether or not a device is known there.

    Nothing is stored. For somebody who maintains the site: the gate is the caller's. Raises NoAnswer.
    """
    bus = address.bus
    raw = {
        "bus": bus.pk,
        "unit_id": address.unit_id,
        "blocks": [(block.function_code, block.address, block.count) for block in blocks],
    }
    question = {"device": None, "by": by.pk if by else None, "raw": raw}
    answer = _answered(bus, question, now, timeout_s)
    at = datetime.fromtimestamp(answer["at"], UTC)
    return RawRead(at=at, blocks=answer["blocks"], error=answer["block_error"])


def _answered(bus: Bus, facts: Question, now: datetime, timeout_s: float) -> Answer:
    """What the owner of the bus says. Raises NoAnswer."""
    until = (now + timedelta(seconds=timeout_s)).timestamp()
    question = {"id": uuid.uuid4().hex, "until": until, **facts}
    try:
        answer = ask(bus.gateway.poll_shard, question, timeout_s)
    except redis.RedisError as reason:
        raise NoAnswer("no_worker") from reason
    if answer.get("error"):
        raise NoAnswer(answer["error"])
    return answer


def ask(shard: int, question: Question, timeout_s: float) -> Answer:
    """What the owner of the shard says to a question with `until` (epoch seconds) in it.

    {"error": "no_worker"} when nobody owns it, "late" when the answer took too long. Raises
    RedisError.
    """
    question = {"id": uuid.uuid4().hex, **question}
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=timeout_s + 5) as connected:
        if not has_owner(shard):
            return {"error": "no_worker"}
        pipeline = connected.pipeline()
        pipeline.rpush(_questions(shard), json.dumps(question))
        pipeline.expire(_questions(shard), _KEEP_S)
        pipeline.execute()
        found = connected.blpop([_answer(question["id"])], timeout=timeout_s)
    if not isinstance(found, (list, tuple)):
        return {"error": "late"}
    answer: Answer = json.loads(found[1])
    return answer


class Listener:
    """The worker's ear: takes the questions of a shard while this process owns it."""

    def __init__(self, shard: int, answer: Callable[[Question], Awaitable[Answer]]) -> None:
        self._shard = shard
        self._answer = answer
        self._running: Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen on the process's loop; harmless when it does already."""
        if self._running is None or self._running.done():
            self._running = asyncio.run_coroutine_threadsafe(self._listen(), event_loop())

    def stop(self) -> None:
        """Stop listening."""
        if self._running is not None:
            self._running.cancel()
            self._running = None

    async def _listen(self) -> None:
        client = aioredis.Redis.from_url(settings.REDIS_URL, socket_timeout=_LISTEN_S + 5)
        try:
            while True:
                try:
                    found = await client.blpop([_questions(self._shard)], timeout=_LISTEN_S)
                except (redis.RedisError, OSError):
                    await asyncio.sleep(1)
                    continue
                if found:
                    task = asyncio.create_task(self._handle(client, found[1]))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        finally:
            await client.aclose()

    async def _handle(self, client: aioredis.Redis, text: bytes | str) -> None:
        question = json.loads(text)
        if question["until"] < datetime.now(UTC).timestamp():
            return
        kind = question.get("kind", "read")
        logger.info("bus.asked kind=%s device=%s", kind, question.get("device"))
        answer = await self._answer(question)
        pipeline = client.pipeline()
        pipeline.rpush(_answer(question["id"]), json.dumps(answer))
        pipeline.expire(_answer(question["id"]), _KEEP_S)
        try:
            await pipeline.execute()
        except redis.RedisError as reason:
            logger.warning("read_now.unanswered reason=%s", reason)


def told(at: float, codes: tuple[str, ...], numbers: list[float]) -> Answer:
    """An answer that JSON can carry."""
    values = zip(codes, numbers, strict=True)
    return {"at": at, "values": {code: None if math.isnan(x) else x for code, x in values}}


def _questions(shard: int) -> str:
    return f"poll:ask:{shard}"


def _answer(question_id: str) -> str:
    return f"poll:answer:{question_id}"

"""Reading a shard's gateways: one cycle per tick, connections that stay, nothing lost on the way.

The state of a shard lives in its worker process. Another worker starts from the tables and the
clock, so that recovery is the next cycle.
"""

import asyncio
import gc
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from django.conf import settings
from django.db import connection
from django.db.models import F

from devices.drivers import Block, DeviceRead
from devices.drivers.pool import BusPool, PollJob
from devices.ingest import AWAY, Batch, Fence, FenceRefused
from devices.models import PollShard
from devices.services import clock_running, control_running
from devices.services.keeping import Keeper
from devices.services.lease import Lease
from devices.services.link_book import LinkBook
from devices.services.on_demand import Answer, Listener, Question, told
from devices.services.plan import PLANNED, Plan, PlanLoader, plan_key
from devices.services.sampling import samples
from devices.services.schedule import Schedule
from devices.services.telling import Teller
from sites.models.changes import newest_change

logger = logging.getLogger(__name__)

# Part of a tick that may be spent on waiting for answers; the rest is for storing.
READING_SHARE = 0.7
# A pause in the answers after which the slow buses are left for the next cycle.
SETTLE_S = 0.05
PLAN_CHECK_S = 3.0
# The part of a worker's time that may go into asking whether its plan has changed.
PLAN_CHECK_SHARE = 0.02
# Of two who write at once, one may commit later and not be the newest: all is counted now and then.
PLAN_COUNT_S = 60.0
PLAN_COUNT_SHARE = 0.001
# Part of a tick after which what waits for the tables is left for the next one.
STORING_SHARE = 0.9
# How long a worker waits for a database that is away, before it goes on reading meters.
STORE_PATIENCE_S = 2.0
GARBAGE_THRESHOLD = 500_000
# Who is asked on trial, at an address where no device may be yet: the books of the real ones stay.
NOBODY = 0


@dataclass(frozen=True, slots=True)
class Cycle:
    """What a cycle did. reads: outcomes, good and bad; late: it took longer than a tick."""

    gateways: int
    reads: int
    stored: int
    backlog: int
    duration_ms: float
    is_late: bool


class Poller:
    """One shard in one process."""

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.lease = Lease(shard)
        self.pool = BusPool()
        self.plan: Plan | None = None
        self.links = LinkBook()
        self._loader = PlanLoader(shard)
        self._schedule = Schedule()
        self._checked_at = 0.0
        self.keeper = Keeper(shard)
        self._teller = Teller(shard, self.lease.owner)
        self._check_every_s = PLAN_CHECK_S
        self._newest = ""
        self._count_at = 0.0
        self._on_demand: deque[DeviceRead] = deque()
        self._listener = Listener(shard, self._answer)
        self.pool.start()

    def cycle(
        self, *, now: datetime, deadline_s: float, stamp_s: float | None = None
    ) -> Cycle | None:
        """Read what is due and store it; None while another worker owns the shard.

        stamp_s: give every sample this time, in epoch seconds, when the clock is not the wall's.
        """
        began, until_s = time.perf_counter(), _end_of_storing_s()
        fence = self._hold(now)
        if fence is None or self.plan is None:
            self._hand_in(fence, now=now, until_s=until_s)
            return None
        due = self._schedule.due(now=now.timestamp())
        jobs = self._schedule.jobs(due, now=now.timestamp())
        reads = self.pool.poll(jobs, deadline_s, settle_s=SETTLE_S)
        reads += self._asked()
        if stamp_s is not None:
            for read in reads:
                read.at = stamp_s
        stored = self._keep(samples(reads, self.plan), fence, now=now, until_s=until_s)
        cycle = Cycle(
            gateways=len(due),
            reads=len(reads),
            stored=stored,
            backlog=self.keeper.backlog,
            duration_ms=(time.perf_counter() - began) * 1000,
            is_late=time.perf_counter() - began > settings.POLL_TICK_S,
        )
        self._follow_up(reads, cycle, now)
        return cycle

    def stop(self, *, now: datetime) -> None:
        """Store what is left, write down who was heard, close the lines and give up the lease.

        What cannot be stored is left on the disk for the next worker.
        """
        self._listener.stop()
        fence = self.lease.fence
        try:
            if fence is not None and self.plan is not None:
                # Meters that were asked may answer yet.
                under_way = self.pool.poll((), READING_SHARE * settings.POLL_TICK_S)
                last = samples([*under_way, *self._asked()], self.plan)
                self._keep(last, fence, now=now, until_s=_end_of_storing_s())
                self.links.write_seen(now=now, is_last=True)
        except AWAY as reason:
            logger.warning("poll.stop_unwritten shard=%d reason=%s", self.shard, reason)
        finally:
            self.keeper.close()
            self.pool.stop()
            self.lease.release()

    def _hold(self, now: datetime) -> Fence | None:
        """The lease, and with it a plan; without it nobody may be left on the lines."""
        had_it = self.lease.fence is not None
        try:
            fence = self.lease.hold()
        except (redis.RedisError, *AWAY) as reason:
            logger.warning("lease.unknown shard=%d reason=%s", self.shard, reason)
            return None
        if fence is None:
            if had_it:
                logger.warning("lease.lost shard=%d", self.shard)
                self._leave()
            return None
        if self.plan is None:
            self._load(now)
        self._listener.start()
        return fence

    def _leave(self) -> None:
        self._listener.stop()
        self.pool.apply(())
        self.pool.admit({})
        self.plan = None

    def _load(self, now: datetime) -> None:
        try:
            plan = self._loader.load(now=now)
            self.links.follow(plan, now=now)
        except AWAY as reason:
            self.keeper.note_away(reason)
            return
        self._schedule.replace(plan.gateways.values(), now=now.timestamp())
        self.pool.apply(plan.buses)
        self.pool.admit(plan.dtus)
        self.plan = plan
        logger.info(
            "plan.loaded shard=%d gateways=%d devices=%d",
            self.shard,
            len(plan.gateways),
            len(plan.devices),
        )

    def _hand_in(self, fence: Fence | None, *, now: datetime, until_s: float) -> None:
        """What waits on the disk, while there is nothing to read, or another worker reads."""
        try:
            self.keeper.replay(fence, now=now, until_s=until_s)
            self.keeper.tell(now=now)
        except AWAY as reason:
            self.keeper.note_away(reason)
        except FenceRefused:
            self.lease.fence = None

    def _asked(self) -> Iterable[DeviceRead]:
        """What people had read since the last cycle."""
        while self._on_demand:
            yield self._on_demand.popleft()

    def _keep(self, batch: Batch, fence: Fence, *, now: datetime, until_s: float) -> int:
        """Store what waits and the batch; rows stored."""
        try:
            return self.keeper.keep(batch, fence, now=now, until_s=until_s)
        except FenceRefused:
            logger.warning("poll.fenced shard=%d fence=%d", self.shard, fence.number)
            self.lease.fence = None
            self._leave()
            return 0

    def _follow_up(self, reads: list[DeviceRead], cycle: Cycle, now: datetime) -> None:
        """Links, the row of the shard, a changed plan: whatever fails is done in the next cycle."""
        plan, fence = self.plan, self.lease.fence
        if plan is None or fence is None:
            return
        self._teller.note(
            reads, stored=cycle.stored, took_ms=cycle.duration_ms, is_late=cycle.is_late
        )
        try:
            is_away = self.keeper.store.is_away
            # Also while the database is away: who is heard now must not look silent later.
            self.links.note(reads, plan, now=now, is_store_away=is_away)
            self.keeper.tell(now=now)
            self._teller.tell(plan, self.pool.digest, now=now, is_store_away=is_away)
            if is_away:
                return
            self.links.write_seen(now=now)
            PollShard.objects.filter(pk=self.shard, fence=fence.number).update(
                cycle_at=now,
                cycle_ms=cycle.duration_ms,
                late_cycles=F("late_cycles") + int(cycle.is_late),
            )
            moment = now.timestamp()
            if abs(moment - self._checked_at) >= self._check_every_s:
                self._checked_at = moment
                if self._is_changed(plan, moment) or moment >= plan.expires_at:
                    self._load(now)
        except AWAY as reason:
            self.keeper.note_away(reason)

    def _is_changed(self, plan: Plan, moment: float) -> bool:
        """Whether the tables say something else now; after a change large shards ask less often."""
        newest = newest_change(*PLANNED)
        if newest == self._newest and moment < self._count_at:
            return False
        began = time.perf_counter()
        key = plan_key(self.shard)
        took_s = time.perf_counter() - began
        self._newest = newest
        self._check_every_s = max(PLAN_CHECK_S, took_s / PLAN_CHECK_SHARE)
        self._count_at = moment + max(PLAN_COUNT_S, took_s / PLAN_COUNT_SHARE)
        return key != plan.key

    async def _answer(self, question: Question) -> Answer:
        """Remote control, a clock, or a reading; all ahead of the polls."""
        if question.get("kind") in ("clocks", "set_clock"):
            return await clock_running.answer(self.pool, self.plan, question)
        if "kind" in question:
            return await control_running.answer(self.pool, self.plan, question)
        if "raw" in question:
            return await self._answer_raw(question["raw"])
        return await self._read_now(question["device"])

    async def _read_now(self, device_id: int) -> Answer:
        """Read one device ahead of the polls; its sample joins the next cycle."""
        plan = self.plan
        device = plan.devices.get(device_id) if plan else None
        job = device.jobs[-1] if device else None
        if plan is None or job is None:
            return {"error": "not_polled"}
        read = await asyncio.wrap_future(self.pool.request(job))
        groups = samples([read], plan).groups
        if not groups:
            return {"error": read.error or "not_polled"}
        self._on_demand.append(read)
        group = groups[0]
        profile = plan.devices[device_id].version.profile
        codes = (*profile.value_codes, *profile.counter_codes)
        return told(read.at, codes, [*group.values[0].tolist(), *group.counters[0].tolist()])

    async def _answer_raw(self, raw: Question) -> Answer:
        """The words of some blocks at an address of a line; nothing is stored."""
        key = self.plan.bus_keys.get(raw["bus"]) if self.plan else None
        if key is None:
            return {"error": "not_polled"}
        asked = tuple(Block(*block) for block in raw["blocks"])
        job = PollJob(key, NOBODY, raw["unit_id"], asked)
        read = await asyncio.wrap_future(self.pool.request(job))
        if read.blocks is None:
            return {"error": read.error or "not_polled"}
        blocks = [None if words is None else list(words) for words in read.blocks]
        return {"at": read.at, "blocks": blocks, "block_error": read.error or ""}


_pollers: dict[int, Poller] = {}
_pid = 0
_turn = threading.Lock()


def poll_shard(*, shard: int, now: datetime, deadline_s: float | None = None) -> Cycle | None:
    """One cycle of a shard, within a tick; None when another worker owns it.

    One at a time in this process.
    """
    share_s = READING_SHARE * settings.POLL_TICK_S
    with _turn:
        poller = poller_of(shard)
        before = poller.plan
        cycle = poller.cycle(now=now, deadline_s=share_s if deadline_s is None else deadline_s)
        if poller.plan is not before:
            _settle()
        return cycle


def poller_of(shard: int) -> Poller:
    """The shard's state in this process; a forked child starts afresh."""
    global _pid  # noqa: PLW0603 - one per process is the point
    if _pid != os.getpid():
        _pollers.clear()
        _pid = os.getpid()
        _be_quick()
    if shard not in _pollers:
        _pollers[shard] = Poller(shard)
    return _pollers[shard]


def is_ours(shard: int) -> bool:
    """Whether this process has the lease of the shard, as far as it knows."""
    poller = _pollers.get(shard)
    return poller is not None and poller.lease.fence is not None


def stop_polling(*, now: datetime | None = None) -> None:
    """End every shard of this process in good order."""
    if _pid == os.getpid():
        with _turn:
            while _pollers:
                _pollers.popitem()[1].stop(now=now or datetime.now(UTC))


def _be_quick() -> None:
    """In a poll worker the meters must not wait for the database's pool, nor for the collector.

    A cycle makes hundreds of thousands of objects that live for a moment and hold no rings: with
    Python's usual threshold the search for rings took half of the worker's time.
    """
    gc.set_threshold(GARBAGE_THRESHOLD)
    pool = getattr(connection, "pool", None)
    if pool is not None:
        pool.timeout = STORE_PATIENCE_S


def _settle() -> None:
    """What a plan is made of stays: no search for rings need walk through it again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _end_of_storing_s() -> float:
    """On the monotonic clock, for a cycle that begins now."""
    return time.monotonic() + STORING_SHARE * settings.POLL_TICK_S

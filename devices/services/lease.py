"""Who may poll a shard: a lease in Redis that ends by itself, a fence in the table that never does."""

import logging
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection

from core.patience import Patience
from devices.ingest import Fence

logger = logging.getLogger(__name__)

# Longer than the longest cycle; a worker that was killed on this machine is known sooner.
LEASE_MS = 15_000
REDIS_PATIENCE_S = 2.0
# A shard without an owner for this long is not polled; a restart is quicker.
ORPHAN_PATIENCE_S = 60.0

_RENEW = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


class Lease:
    """The lease of one shard as this process sees it."""

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.owner = identity()
        self.fence: Fence | None = None
        self._key = _key(shard)
        self._redis = _connect()
        self._redis_state = Patience()
        self._renew = self._redis.register_script(_RENEW)
        self._release = self._redis.register_script(_RELEASE)

    def hold(self) -> Fence | None:
        """Renew or take the lease; None while another living process has it.

        Every new owner raises the fence, so that a former owner's late write is refused. While Redis
        is away nobody can take a lease: whoever has the fence goes on, and so it does when Redis
        comes back and has forgotten the lease; every write is checked against the fence. Raises
        redis.RedisError, without a fence, and the database's errors.
        """
        is_time = self._redis_state.may_ask()
        if self.fence is not None and not is_time:
            return self.fence
        try:
            is_ours = self.fence is not None and self._renew([self._key], [self.owner, LEASE_MS])
            is_taken = not is_ours and self._take()
        except redis.RedisError as reason:
            return self._go_on(reason)
        if self._redis_state.answered():
            logger.info("lease.redis_back shard=%d", self.shard)
        if not is_ours and not is_taken:
            self.fence = None
        elif self.fence is None:
            self.fence = self._next_fence()
        return self.fence

    def _go_on(self, reason: redis.RedisError) -> Fence:
        if self._redis_state.failed():
            logger.warning("lease.redis_away shard=%d reason=%s", self.shard, reason)
        if self.fence is None:
            raise reason
        return self.fence

    def _next_fence(self) -> Fence:
        try:
            fence = Fence(shard=self.shard, number=self._raise_fence())
        except Exception:
            self.release()
            raise
        logger.info("lease.taken shard=%d fence=%d", self.shard, fence.number)
        return fence

    def release(self) -> None:
        """Give it up, so that the next owner need not wait."""
        self.fence = None
        with suppress(redis.RedisError):
            self._release([self._key], [self.owner])

    def _take(self) -> bool:
        if self._redis.set(self._key, self.owner, nx=True, px=LEASE_MS):
            return True
        held = self._redis.get(self._key)
        holder = held.decode() if isinstance(held, bytes) else ""
        if holder != self.owner:
            if not is_dead(holder):
                return False
            logger.warning("lease.orphan shard=%d owner=%s", self.shard, holder)
        self._release([self._key], [holder])
        return bool(self._redis.set(self._key, self.owner, nx=True, px=LEASE_MS))

    def _raise_fence(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO devices_pollshard (number, fence, owner, late_cycles)"
                " VALUES (%s, 1, %s, 0) ON CONFLICT (number) DO UPDATE"
                " SET fence = devices_pollshard.fence + 1, owner = excluded.owner RETURNING fence",
                [self.shard, self.owner[:120]],
            )
            return int(cursor.fetchone()[0])


def has_owner(shard: int) -> bool:
    """Whether some process polls the shard. Raises redis.RedisError."""
    with _connect() as connected:
        return bool(connected.exists(_key(shard)))


def orphans(shards: Iterable[int], *, now: datetime) -> dict[int, float]:
    """Shards without an owner, and for how many seconds without a break; asked every few seconds.

    Raises redis.RedisError.
    """
    alone = {}
    with _connect() as connected:
        for shard in shards:
            mark = f"poll:orphan:{shard}"
            if connected.exists(_key(shard)):
                connected.delete(mark)
                continue
            connected.set(mark, now.timestamp(), nx=True)
            # A mark that nobody looked at for a while says nothing about the meantime.
            connected.expire(mark, int(ORPHAN_PATIENCE_S))
            since = connected.get(mark)
            alone[shard] = now.timestamp() - float(since) if isinstance(since, bytes) else 0.0
    return alone


def _key(shard: int) -> str:
    return f"poll:lease:{shard}"


def _connect() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_PATIENCE_S,
        socket_connect_timeout=REDIS_PATIENCE_S,
    )


def identity() -> str:
    """This process, told apart from any other: machine, process world, number, birth."""
    world = Path("/proc/self/ns/pid").readlink()
    return f"{socket.gethostname()} {world} {os.getpid()} {_birth(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether that process ran in our world and is gone; of others nothing is known."""
    try:
        host, world, pid, birth = owner.split(" ")
    except ValueError:
        return False
    if [host, world] != identity().split(" ")[:2]:
        return False
    return _birth(int(pid)) != birth


def _birth(pid: int) -> str:
    """Its start in ticks since boot, '' when there is none or only a zombie.

    Source: proc_pid_stat(5), fields 3 and 22.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]

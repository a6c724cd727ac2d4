"""One worker per shard, and a fence against the one that believes it still is."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from devices.ingest import FenceRefused, ingest
from devices.models import PollShard
from devices.services.lease import LEASE_MS, Lease, has_owner, identity, is_dead, orphans
from devices.services.polling import Poller
from devices.tests.factories import make_layout
from devices.tests.samples import make_batch

pytestmark = pytest.mark.django_db

SHARD = 77


@pytest.fixture(autouse=True)
def connected() -> Iterator[redis.Redis]:
    """Redis, with nothing left of the shard afterwards."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield client
    client.delete(f"poll:lease:{SHARD}", f"poll:orphan:{SHARD}")
    client.close()


def rival(lease: Lease) -> Lease:
    """The lease as a living process of another machine sees it."""
    other = Lease(lease.shard)
    other.owner = "elsewhere pid:[1] 1 1"
    return other


def test_the_second_worker_is_refused() -> None:
    first = Lease(SHARD)
    second = rival(first)

    assert first.hold() is not None
    assert second.hold() is None
    assert first.hold() is not None


def test_every_new_owner_has_a_higher_fence() -> None:
    first = Lease(SHARD)
    second = rival(first)

    mine = first.hold()
    again = first.hold()
    first.release()
    theirs = second.hold()

    assert mine is not None
    assert theirs is not None
    assert again == mine
    assert theirs.number == mine.number + 1
    assert PollShard.objects.get(pk=SHARD).fence == theirs.number
    assert PollShard.objects.get(pk=SHARD).owner == second.owner


def test_a_worker_that_lost_its_lease_cannot_store() -> None:
    first = Lease(SHARD)
    second = rival(first)
    layout = make_layout(value_codes=("Ua",), counter_codes=())
    now = timezone.now()
    batch = make_batch(layout_id=layout.pk, device_ids=[1], at=[now.timestamp()], values=[[230]])
    old = first.hold()
    first.release()
    new = second.hold()

    with pytest.raises(FenceRefused):
        ingest(batch, now=now, fence=old)

    assert ingest(batch, now=now, fence=new).stored == 1


def test_the_lease_ends_by_itself(connected: redis.Redis) -> None:
    Lease(SHARD).hold()

    assert 0 < connected.pttl(f"poll:lease:{SHARD}") <= LEASE_MS  # type: ignore[operator]


def test_renewing_does_not_take_what_another_has(connected: redis.Redis) -> None:
    lease = Lease(SHARD)
    lease.hold()
    connected.set(f"poll:lease:{SHARD}", "elsewhere pid:[1] 1 1")

    assert lease.hold() is None
    lease.release()

    assert has_owner(SHARD)


def test_a_killed_worker_of_this_machine_is_not_waited_for() -> None:
    lease = Lease(SHARD)
    dead = Lease(SHARD)
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    host, world, _pid, _birth = identity().split(" ")
    dead.owner = f"{host} {world} {done.stdout.strip()} 1"
    dead.hold()

    assert lease.hold() is not None


def test_nothing_is_known_of_processes_elsewhere() -> None:
    _host, world, pid, birth = identity().split(" ")

    assert not is_dead(identity())
    assert not is_dead(f"elsewhere {world} {pid} {birth}")
    assert not is_dead("nonsense")


def test_a_shard_is_alone_for_as_long_as_nobody_has_it() -> None:
    now = timezone.now()
    lease = Lease(SHARD)

    assert orphans([SHARD], now=now) == {SHARD: 0.0}
    assert orphans([SHARD], now=now + timedelta(seconds=15)) == {SHARD: pytest.approx(15)}
    lease.hold()
    assert orphans([SHARD], now=now + timedelta(seconds=30)) == {}
    lease.release()
    assert orphans([SHARD], now=now + timedelta(seconds=45)) == {SHARD: 0.0}


def test_a_poller_without_the_lease_reads_nothing(connected: redis.Redis) -> None:
    connected.set(f"poll:lease:{SHARD}", "elsewhere pid:[1] 1 1")
    poller = Poller(SHARD)
    try:
        assert poller.cycle(now=timezone.now(), deadline_s=0.1) is None
    finally:
        poller.stop(now=timezone.now())


def test_a_poller_that_stops_gives_up_the_lease() -> None:
    poller = Poller(SHARD)
    poller.cycle(now=timezone.now(), deadline_s=0.1)
    assert has_owner(SHARD)

    poller.stop(now=timezone.now())

    assert not has_owner(SHARD)

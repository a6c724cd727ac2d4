"""What was read is stored, shown and judged, whatever is away for a while."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.db import connection
from django.utils import timezone

from config.children import Child, stop
from config.embedded import Redis, child_environment
from devices import history, live
from devices.ingest import Batch, Fence, FenceRefused, subscribe, unsubscribe
from devices.models import PollShard, SampleLoss
from devices.selectors.spool import lost_rows, spool_facts
from devices.services import keeping
from devices.services.keeping import Keeper
from devices.services.lease import Lease
from devices.services.spool import Limits
from devices.tests.factories import make_layout
from devices.tests.samples import make_batch
from tests.conftest import home

__all__ = ["home"]

SHARD = 78


@pytest.fixture(autouse=True)
def spool_root(settings: Any, tmp_path: Path) -> Path:
    settings.SPOOL_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def lock(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A connection that can keep everybody from writing; our own waits only briefly."""
    facts = connection.get_connection_params()
    name = facts["dbname"]
    other = psycopg.connect(**{k: facts[k] for k in ("dbname", "host", "user") if facts.get(k)})
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET lock_timeout = '50ms'")
    connection.close()
    connection.close_pool()
    yield other
    other.close()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET lock_timeout")
    connection.close()
    connection.close_pool()
    history.drop_partitions(before=date.max)


@pytest.fixture
def fence(lock: psycopg.Connection) -> Fence:
    PollShard.objects.create(number=SHARD, fence=1)
    return Fence(SHARD, 1)


@pytest.fixture
def judged(lock: psycopg.Connection) -> Iterator[list[float]]:
    """The values that the rules were told, in their order."""
    told: list[float] = []

    def listen(batch: Batch) -> None:
        told.extend(float(value) for group in batch.groups for value in group.values[:, 0])

    subscribe(listen)
    yield told
    unsubscribe(listen)


@pytest.fixture
def sample(lock: psycopg.Connection) -> Callable[[int], Batch]:
    """One device's sample with a number as its value, a second after the one before."""
    layout = make_layout(value_codes=("Ua",), counter_codes=())
    start = timezone.now().timestamp() - 100

    def make(number: int) -> Batch:
        return make_batch(
            layout_id=layout.pk, device_ids=[1], at=[start + number], values=[[number]]
        )

    return make


def keep(keeper: Keeper, batch: Batch, fence: Fence, *, share_s: float = 5.0) -> int:
    until_s = time.monotonic() + share_s
    return keeper.keep(batch, fence, now=timezone.now(), until_s=until_s)


def rows() -> list[float]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT values[1] FROM reading ORDER BY at")
        return [value for (value,) in cursor.fetchall()]


def shown() -> float:
    return float(live.unpack(live.store_state.client.hget("live:site:1", "1")).values[0])  # type: ignore[arg-type]


Sample = Callable[[int], Batch]


def test_the_newest_is_shown_at_once_and_the_rules_follow_in_order(
    lock: psycopg.Connection, fence: Fence, judged: list[float], sample: Sample
) -> None:
    keeper = Keeper(SHARD)
    keep(keeper, sample(0), fence)
    lock.execute("LOCK TABLE reading")

    for number in (1, 2, 3):
        keep(keeper, sample(number), fence)
        assert shown() == number
    assert (keeper.backlog, judged) == (3, [0])
    lock.rollback()

    assert keep(keeper, sample(4), fence) == 4
    assert rows() == judged == [0, 1, 2, 3, 4]
    assert (keeper.backlog, shown()) == (0, 4)


def test_what_waits_does_not_hold_up_the_meters(
    lock: psycopg.Connection, fence: Fence, judged: list[float], sample: Sample
) -> None:
    keeper = Keeper(SHARD)
    lock.execute("LOCK TABLE reading")
    for number in range(4):
        keep(keeper, sample(number), fence)
    lock.rollback()

    backlogs = []
    for number in (4, 5, 6):
        keep(keeper, sample(number), fence, share_s=0)
        backlogs.append(keeper.backlog)
        assert shown() == number

    assert backlogs == [4, 4, 4], "one is stored and one comes behind"
    assert rows() == judged == [0, 1, 2]
    keep(keeper, sample(7), fence)
    assert rows() == judged == list(range(8))


def test_a_killed_worker_leaves_its_rows_to_the_next(
    lock: psycopg.Connection, fence: Fence, judged: list[float], sample: Sample
) -> None:
    killed = Keeper(SHARD)
    lock.execute("LOCK TABLE reading")
    for number in (0, 1):
        keep(killed, sample(number), fence)
    killed.spool.close()
    lock.rollback()

    keep(Keeper(SHARD), sample(2), fence)

    assert rows() == judged == [0, 1, 2]


def test_who_lost_the_shard_hands_in_its_rows_as_history(
    lock: psycopg.Connection, fence: Fence, judged: list[float], sample: Sample
) -> None:
    keeper = Keeper(SHARD)
    lock.execute("LOCK TABLE reading")
    keep(keeper, sample(0), fence)
    lock.rollback()
    PollShard.objects.update(fence=2)

    with pytest.raises(FenceRefused):
        keep(keeper, sample(1), fence)
    assert rows() == []
    keeper.replay(None, now=timezone.now(), until_s=time.monotonic() + 5)

    assert rows() == [0, 1]
    assert judged == []


def test_what_the_tables_refuse_is_set_aside_and_holds_up_nobody(
    lock: psycopg.Connection, fence: Fence, sample: Sample, spool_root: Path
) -> None:
    keeper = Keeper(SHARD)
    keep(keeper, sample(1), fence)
    lock.execute("ALTER TABLE reading ADD CONSTRAINT no_zero CHECK (values[1] <> 0)")
    lock.commit()
    keep(keeper, sample(0), fence)

    for number in range(2, keeping.TRIES + 2):
        keep(keeper, sample(number), fence)
    lock.execute("ALTER TABLE reading DROP CONSTRAINT no_zero")
    lock.commit()

    assert rows() == [1, 2, 3, 4, 5, 6]
    assert keeper.spool.losses.dropped == 1
    assert (spool_root / str(SHARD) / "refused").stat().st_size > 0


def test_memory_helps_while_the_disk_takes_nothing(
    lock: psycopg.Connection,
    fence: Fence,
    sample: Sample,
    spool_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (spool_root / str(SHARD)).write_text("no folder can be made here")
    monkeypatch.setattr(keeping, "HELD_ROWS", 2)
    keeper = Keeper(SHARD)
    lock.execute("LOCK TABLE reading")
    for number in range(4):
        keep(keeper, sample(number), fence)
    lock.rollback()

    keep(keeper, sample(4), fence)

    assert rows() == [2, 3, 4]
    assert keeper.spool.losses.dropped == 2


def test_what_waits_and_what_was_given_up_is_told(
    lock: psycopg.Connection, fence: Fence, sample: Sample, spool_root: Path
) -> None:
    now = timezone.now()
    keeper = Keeper(SHARD)
    keeper.spool.limits = Limits(most_bytes=200, free_bytes=0)
    lock.execute("LOCK TABLE reading")
    for number in range(3):
        keep(keeper, sample(number), fence)
        # Each in a file of its own, as after a restart.
        keeper.spool.close()
    keep(keeper, sample(3), fence)
    keeper.tell(now=now)
    waiting = spool_facts(now=now)[SHARD]
    keeper.close()
    lock.rollback()

    following = Keeper(SHARD)
    keep(following, sample(4), fence)
    following.tell(now=now)

    assert (waiting.rows, waiting.oldest_at) == (2, sample(2).groups[0].at[0])
    assert spool_facts(now=now) == {}
    assert rows() == [2, 3, 4]
    loss = SampleLoss.objects.get()
    assert (loss.shard, loss.dropped, loss.thinned) == (SHARD, 1, 1)
    assert loss.first_at.timestamp() == pytest.approx(sample(0).groups[0].at[0])
    assert lost_rows() == {SHARD: (1, 1)}


def test_without_redis_the_holder_goes_on_and_nobody_else_begins(
    lock: psycopg.Connection,
    settings: Any,
    sample: Sample,
    judged: list[float],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Redis(home)
    settings.REDIS_URL = own.url
    monkeypatch.setattr(live, "store_state", live.StoreState())
    started = _start(own, home)
    try:
        mine, other = Lease(SHARD), Lease(SHARD)
        other.owner = "elsewhere pid:[1] 1 1"
        fence = mine.hold()
        keeper = Keeper(SHARD)
        assert fence is not None
        keep(keeper, sample(0), fence)
        stop([started])

        assert mine.hold() == fence
        keep(keeper, sample(1), fence)
        with pytest.raises(redis.RedisError):
            other.hold()
        assert rows() == judged == [0, 1]

        started = _start(own, home)
        assert mine.hold() == fence, "Redis has forgotten the lease"
        assert other.hold() is None
        keep(keeper, sample(2), fence)
        assert rows() == judged == [0, 1, 2]
        assert shown() == 2
    finally:
        stop([started])


def _start(service: Redis, home: Path) -> Child:
    child = Child(service.process(), log=home / "redis.log", environment=child_environment())
    while not service.is_ready():
        assert not child.has_ended()
        time.sleep(0.02)
    return child

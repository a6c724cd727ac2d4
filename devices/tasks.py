"""The doors of the task queue. State lives in the services; a lost message is the next one's work."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown
from django.utils import timezone

from core.pacing import SWEEP_SHARE, paced
from devices import history
from devices.services import (
    clocks,
    compacting,
    control_running,
    judging,
    links,
    polling,
    rolling,
    tallies,
    telling,
)
from devices.services.ticker import Ticker

DAYS_AHEAD = 2
# Both together stay below what a task may take.
ROLL_S, FOLD_S = 25.0, 20.0
# Every device's row of the day is written each time: the dearest of all that is done again and again.
COUNT_SHARE = 0.03

ticker = Ticker()


# Never redelivered: by then its gateways have been read by the next cycle.
@shared_task(name="devices.tasks.poll_shard", acks_late=False)
def poll_shard(*, shard: int, **_: Any) -> None:
    """One cycle of a shard."""
    ticker.tick(shard)


@shared_task(name="devices.tasks.sweep_links")
@paced(SWEEP_SHARE)
def sweep_links(**_: Any) -> None:
    """Silence that no poll worker can notice."""
    links.sweep(now=timezone.now())


@shared_task(name="devices.tasks.sweep_control")
def sweep_control(**_: Any) -> None:
    """Operations that nobody executed in time, or whose process died."""
    control_running.sweep(now=timezone.now())


@shared_task(name="devices.tasks.check_clocks")
@paced(SWEEP_SHARE)
def check_clocks(**_: Any) -> None:
    """Clocks of meters whose turn of the day has come."""
    clocks.take_turns(now=timezone.now())


@shared_task(name="devices.tasks.keep_partitions")
def keep_partitions(**_: Any) -> None:
    """Partitions of today and the days ahead; those past the retention go."""
    now = timezone.now()
    history.ensure_partitions(now.date() + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1))
    compacting.forget_old(now=now)
    rolling.forget_old(now=now)
    telling.forget_old(now=now)


@shared_task(name="devices.tasks.compact")
def compact(**_: Any) -> None:
    """Closed hours into blocks; days that are wholly in blocks leave the hot table."""
    now = timezone.now()
    run = compacting.compact(now=now)
    if not run.is_over:
        compacting.hand_over(now=now)


@shared_task(name="devices.tasks.judge_values")
def judge_values(**_: Any) -> None:
    """Samples of closed hours that cannot be believed are flagged."""
    judging.judge(now=timezone.now())


@shared_task(name="devices.tasks.roll_days")
def roll_days(**_: Any) -> None:
    """Days whose hours are all compacted become days of the roll-ups; old quarters fold."""
    now = timezone.now()
    rolling.roll_days(now=now, budget_s=ROLL_S)
    rolling.fold_days(now=now, budget_s=FOLD_S)


@shared_task(name="devices.tasks.count_samples")
@paced(COUNT_SHARE)
def count_samples(**_: Any) -> None:
    """Data completeness of the hours that samples came into."""
    tallies.count(now=timezone.now())


@shared_task(name="devices.tasks.forget_tallies")
def forget_tallies(**_: Any) -> None:
    """Counts past their retention go."""
    tallies.forget_old(now=timezone.now())


@worker_ready.connect
def expect_ticks(*, sender: Any, **_: Any) -> None:
    """A poll worker knows its shards by the queues that it listens to."""
    for queue in sender.app.amqp.queues.consume_from:
        kind, _dot, shard = queue.partition(".")
        if kind == "poll" and shard.isdecimal():
            ticker.expect(int(shard))


@worker_shutdown.connect
def give_up_shards(**_: Any) -> None:
    """A worker that is told to stop lets the next one begin at once."""
    ticker.stop()
    polling.stop_polling()

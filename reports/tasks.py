"""The doors of the task queue: what the reports keep up to date, and the look at collecting."""

from contextlib import suppress
from typing import Any

import redis
from celery import shared_task
from celery.signals import before_task_publish
from django.utils import timezone

from core.pacing import SWEEP_SHARE, paced
from reports.selectors import collection
from reports.services import heartbeat, loads

LOOK = "reports.tasks.look_at_collection"


# A load that is older than three minutes is none.
@shared_task(name="reports.tasks.take_loads")
@paced(4 * SWEEP_SHARE)
def take_loads(**_: Any) -> None:
    """The present power of every site, once for everybody."""
    loads.take(now=timezone.now())


@shared_task(name=LOOK)
@paced(SWEEP_SHARE)
def look_at_collection(**_: Any) -> None:
    """What is not well with collecting, for the bell."""
    heartbeat.look(now=timezone.now())


# Whoever watches us need not wait: the limits end a line that answers a byte at a time.
@shared_task(name="reports.tasks.beat_heart", soft_time_limit=20, time_limit=30)
def beat_heart(**_: Any) -> None:
    """Tell somebody outside how collecting does."""
    heartbeat.beat(now=timezone.now())


@before_task_publish.connect(sender=LOOK)
def note_tick(**_: Any) -> None:
    """Only the clock sends this task: it ticks."""
    with suppress(redis.RedisError):
        collection.note_beat(now=timezone.now())

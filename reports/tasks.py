"""The doors of the task queue: what the reports keep up to date."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from core.pacing import SWEEP_SHARE, paced
from reports.services import loads


@shared_task(name="reports.tasks.take_loads")
@paced(SWEEP_SHARE)
def take_loads(**_: Any) -> None:
    """The present power of every site, once for everybody."""
    loads.take(now=timezone.now())

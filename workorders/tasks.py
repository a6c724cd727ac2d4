"""The doors of the task queue; each run is a query by what is missing, so a lost one costs nothing."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from workorders import services


@shared_task(name="workorders.tasks.generate_tasks")
def generate_tasks(**_: Any) -> None:
    """Planned work whose time has come becomes tasks."""
    services.generate(now=timezone.now())

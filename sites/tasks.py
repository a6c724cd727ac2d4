"""The doors of the task queue; a lost message is made up for by the sweep."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from sites import services


@shared_task(name="sites.tasks.run_job", soft_time_limit=1500, time_limit=1530)
def run_job(*, job_id: int, **_: Any) -> None:
    """Do one background job, once."""
    services.run_job(job_id=job_id)


@shared_task(name="sites.tasks.sweep_jobs")
def sweep_jobs(**_: Any) -> None:
    """Jobs whose worker died, jobs nobody started, files past their time."""
    services.sweep_jobs(now=timezone.now())


@shared_task(name="sites.tasks.purge_documents")
def purge_documents(**_: Any) -> None:
    """Files of sites that were taken away long ago."""
    services.purge_documents(now=timezone.now())

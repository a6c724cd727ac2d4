"""The doors of the task queue; each run is a query by what is due, so a lost one costs nothing."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from alarms import services
from core.pacing import SWEEP_SHARE, paced

_BEGAN_AT = timezone.now()


@shared_task(name="alarms.tasks.sweep_alarms")
@paced(SWEEP_SHARE)
def sweep_alarms(**_: Any) -> None:
    """Ignored alarms come back, lost links and samples left behind are looked at again."""
    services.sweep(now=timezone.now())


@shared_task(name="alarms.tasks.check_platform")
@paced(SWEEP_SHARE)
def check_platform(**_: Any) -> None:
    """Disk, spool, collectors and doubled DTUs are looked at."""
    services.selfcheck.sweep(now=timezone.now(), began_at=_BEGAN_AT)


@shared_task(name="alarms.tasks.check_values")
@paced(SWEEP_SHARE)
def check_values(**_: Any) -> None:
    """What the last judging flagged is looked at."""
    services.values.sweep(now=timezone.now())


@shared_task(name="alarms.tasks.evaluate_links")
def evaluate_links(*, site_ids: list[int], **_: Any) -> None:
    """Gateways or devices of these sites went silent or came back."""
    services.links.evaluate(site_ids=site_ids, now=timezone.now())

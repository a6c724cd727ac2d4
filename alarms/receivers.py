"""What the app hears from below: samples that were stored, links that changed."""

from typing import Any

from django.utils import timezone

from alarms import services, tasks
from devices import ingest
from devices.history import Batch
from devices.signals import link_changed


def connect() -> None:
    """Listen, in every process that stores samples or sees links change."""
    ingest.subscribe(batch_stored)
    link_changed.connect(links_changed, dispatch_uid="alarms.links_changed")


def batch_stored(batch: Batch) -> None:
    """Let the rules follow the samples, in this process: a task per batch would kill the rate."""
    services.watching.evaluate(batch=batch, now=timezone.now())


def links_changed(*, site_ids: list[int], **_: Any) -> None:
    """Only a nudge: the sweep finds what a lost message leaves behind."""
    tasks.evaluate_links.delay(site_ids=site_ids)

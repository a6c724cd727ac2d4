"""The Celery application."""

import os
import time
from typing import Any

from celery import Celery
from celery.signals import before_task_publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("dianwu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["sites", "devices", "alarms", "workorders", "reports"])


@before_task_publish.connect
def stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Let whoever looks at a queue see how long its oldest message waits."""
    if headers is not None:
        headers["sent_at"] = time.time()

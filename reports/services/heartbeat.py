"""The platform says once a minute that it is well, to somebody who notices when it does not."""

import json
import logging
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings

from devices import live
from reports import senders
from reports.selectors import collection
from reports.selectors.collection.pulse import KEY, Pulse

logger = logging.getLogger(__name__)


def look(*, now: datetime) -> collection.Report:
    """Look at everything and leave what was found for the bell and for probes."""
    report = collection.look(now=now)
    collection.note_report(report)
    return report


def beat(*, now: datetime) -> Pulse | None:
    """Ping whoever watches: the address itself while all is well, with /fail added otherwise.

    None when nobody is to be pinged. A ping that fails is logged and seen on the page. Outside any
    transaction: it waits for somebody else.
    """
    if not settings.HEARTBEAT_URL:
        return None
    report = look(now=now)
    url = settings.HEARTBEAT_URL if report.is_well else failing(settings.HEARTBEAT_URL)
    error = ""
    try:
        senders.ping(url, report.words)
    except senders.Unsent as reason:
        error = str(reason)
        logger.warning("heartbeat.unsent reason=%s", error)
    if not report.is_well:
        logger.warning("heartbeat.unwell troubles=%s", report.words)
    pulse = Pulse(now.timestamp(), report.is_well, report.words, error)
    with suppress(redis.RedisError):
        live.store_state.client.set(KEY, json.dumps(asdict(pulse)))
    return pulse


def failing(url: str) -> str:
    """Where bad news goes: /fail behind the path."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))

"""What browsers are told about alarms, after commit."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, TypedDict

import redis
from channels.layers import get_channel_layer

from alarms.states import SEVERITY_RANK
from core.groups import NEWS
from core.loop import run

logger = logging.getLogger(__name__)

Event = Literal["raised", "moved", "recovered"]

# More alarms of one site at one time are told as one message: the page asks again anyhow.
MESSAGES_PER_SITE = 10
PATIENCE_S = 2.0


class AlarmMessage(TypedDict):
    """News of one alarm of a site, or of the worst of `count` alarms."""

    site: int
    alarm: int
    event: Event
    severity: str
    count: int


def messages_of(rows: Sequence[tuple[int, int, str]], event: Event) -> list[AlarmMessage]:
    """Messages for (alarm id, site id, severity) rows, few per site however many alarms there are."""
    by_site: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for row in rows:
        by_site[row[1]].append(row)
    messages = []
    for of_site in by_site.values():
        told = of_site
        if len(of_site) > MESSAGES_PER_SITE:
            told = [min(of_site, key=lambda row: SEVERITY_RANK[row[2]])]
        messages += [
            AlarmMessage(
                site=site,
                alarm=alarm,
                event=event,
                severity=severity,
                count=len(of_site) if told is not of_site else 1,
            )
            for alarm, site, severity in told
        ]
    return messages


def publish(rows: Sequence[tuple[int, int, str]], event: Event) -> None:
    """Tell open pages now, all of it at once; call it after commit.

    A lost message costs nobody the change.
    """
    try:
        run(_send(messages_of(rows, event)), timeout_s=PATIENCE_S)
    except (redis.RedisError, OSError, TimeoutError) as failure:
        # Redis away: pages catch up by their snapshot on reconnecting.
        logger.warning("alarm.unannounced count=%d error=%s", len(rows), failure)


async def _send(messages: list[AlarmMessage]) -> None:
    layer = get_channel_layer()
    # Every message wakes every open page: a thousand alarms are one.
    if layer is not None and messages:
        await layer.group_send(NEWS, {"type": "site.alarms", "alarms": messages})

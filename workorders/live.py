"""What browsers are told about work orders and tasks, after commit."""

import logging
from functools import partial
from typing import Literal, TypedDict

import redis
from channels.layers import get_channel_layer
from django.db import transaction

from core.groups import NEWS
from core.loop import run
from workorders.models import Task, WorkOrder

logger = logging.getLogger(__name__)

PATIENCE_S = 2.0

Event = Literal["created", "moved", "edited", "noted", "photo"]


class OrderMessage(TypedDict):
    """One change of one order; the page asks again for what it shows."""

    type: Literal["site.order"]
    site: int
    order: int
    number: str
    event: Event
    state: str


class TaskMessage(TypedDict):
    """One change of one task."""

    type: Literal["site.task"]
    site: int
    task: int
    number: str
    event: Event
    state: str


def publish(order: WorkOrder, event: Event) -> None:
    """Tell open pages once the change is committed; a lost message costs nobody the change."""
    message = OrderMessage(
        type="site.order",
        site=order.site_id,
        order=order.pk,
        number=order.number,
        event=event,
        state=order.state,
    )
    transaction.on_commit(partial(_send, message), robust=True)


def publish_task(task: Task, event: Event) -> None:
    """The same for a task."""
    message = TaskMessage(
        type="site.task",
        site=task.site_id,
        task=task.pk,
        number=task.number,
        event=event,
        state=task.state,
    )
    transaction.on_commit(partial(_send, message), robust=True)


def _send(message: OrderMessage | TaskMessage) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        run(layer.group_send(NEWS, message), timeout_s=PATIENCE_S)
    except (redis.RedisError, OSError, TimeoutError) as failure:
        # Redis away: pages catch up by their snapshot on reconnecting.
        logger.warning("news.unannounced number=%s error=%s", message["number"], failure)

"""What browsers hear of orders: after commit, in the group of the site, and only there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from channels.layers import get_channel_layer

from core.groups import NEWS
from core.loop import run
from sites.tests.factories import People, people
from workorders import live, services
from workorders.states import Move
from workorders.tests.factories import NOW, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


MARK = {"type": "mark"}


class Listener:
    """A consumer's channel among those that hear news."""

    def __init__(self) -> None:
        self.group = NEWS
        self.layer = get_channel_layer()
        self.name = run(self.layer.new_channel(), timeout_s=5)
        run(self.layer.group_add(self.group, self.name), timeout_s=5)

    def mark(self) -> None:
        """Say something into the group, to see what came before it."""
        run(self.layer.group_send(self.group, MARK), timeout_s=5)

    def heard(self) -> dict[str, Any]:
        return run(self.layer.receive(self.name), timeout_s=5)


@pytest.fixture
def listen() -> Iterator[Callable[[], Listener]]:
    yield Listener
    # Or the connection would outlive the Redis of the tests.
    run(get_channel_layer().flush(), timeout_s=5)


def test_a_move_is_heard_once_it_is_committed(
    cast: People,
    listen: Callable[[], Listener],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    order = make_order(cast=cast)
    here = listen()

    with django_capture_on_commit_callbacks() as callbacks:
        services.move(
            order_id=order.pk, move=Move.ASSIGN, by=cast.di, door="web", now=NOW, assignee=cast.bo
        )
        here.mark()
    for callback in callbacks:
        callback()

    assert here.heard() == MARK
    assert here.heard() == {
        "type": "site.order",
        "site": cast.site.pk,
        "order": order.pk,
        "number": order.number,
        "event": "moved",
        "state": "assigned",
    }


def test_a_channel_layer_that_is_away_costs_nobody_the_change(
    cast: People,
    django_capture_on_commit_callbacks: Callable[..., Any],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }

    with django_capture_on_commit_callbacks(execute=True):
        order = make_order(cast=cast)

    assert order.pk
    assert "news.unannounced" in caplog.text
    assert live.PATIENCE_S < 5

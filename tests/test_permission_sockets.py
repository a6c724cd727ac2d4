"""The matrix of the sockets: every address and topic, with every role, a stranger and nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from alarms import live as alarm_live
from config.asgi import application
from devices import ingest
from devices.tests.samples import make_batch
from reports import consumers
from reports.routing import websocket_urlpatterns
from sites.rules import Role
from tests import permission_world
from tests.permission_world import NOBODY, PEOPLE, STRANGER, World
from tests.sockets import Socket
from workorders import services as order_services

SHOWN_OUT = 4401
EXPECTED_ADDRESSES = {"ws/live/"}


@dataclass(frozen=True)
class Topic:
    """How news of a topic is made, and by what message a browser hears of it."""

    make: Callable[[World], Any]
    heard_as: str


def raise_alarm(world: World) -> None:
    alarm_live.publish([(world.alarm.pk, world.site.pk, world.alarm.severity)], "raised")


def note_order(world: World) -> None:
    order_services.add_note(
        order_id=world.order.pk, note="到场", by=world.cast.bo, door="web", now=timezone.now()
    )


def note_task(world: World) -> None:
    order_services.add_task_note(
        task_id=world.task.pk, note="到场", by=world.cast.bo, door="web", now=timezone.now()
    )


TOPICS = {
    "alarms": Topic(raise_alarm, "alarm"),
    "orders": Topic(note_order, "order"),
    "tasks": Topic(note_task, "task"),
}


def sample(world: World) -> None:
    """One reading through the door: residual current 12 mA, power 34 kW."""
    layout = world.device.template_version.layout
    row = {"IR": 12.0, "P": 34.0}
    now = timezone.now()
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[world.device.pk],
        site_ids=[world.site.pk],
        at=[now.timestamp()],
        values=[[row.get(code, 1.0) for code in layout.value_codes]],
        counters=[[1.0 for _code in layout.counter_codes]],
    )
    assert ingest.ingest(batch, now=now).stored == 1


async def open_as(world: World, name: str) -> Socket:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    if name != NOBODY:
        cookie = f"{settings.SESSION_COOKIE_NAME}={world.sessions[name]}"
        headers.append((b"cookie", cookie.encode()))
    socket = Socket(application, "/ws/live/", headers=headers)
    await socket.connect()
    return socket


async def next_of(socket: Socket, kinds: set[str]) -> dict[str, Any]:
    """The next message of these kinds, counters and heartbeats passed over."""
    for _ in range(50):
        message = await socket.receive()
        if message["t"] in kinds:
            return dict(message)
    raise AssertionError(f"nothing of {kinds}")


def test_every_address_and_topic_has_an_entry() -> None:
    assert {str(route.pattern) for route in websocket_urlpatterns} == EXPECTED_ADDRESSES
    assert frozenset(TOPICS) == consumers.TOPICS


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_each_person_hears_what_is_his_to_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "PULSE_S", 0.05)
    world = await sync_to_async(permission_world.build)()
    for name in PEOPLE:
        socket = await open_as(world, name)
        if name == NOBODY:
            assert await socket.closing_code() == SHOWN_OUT
        else:
            await listen(world, name, socket)
            await socket.disconnect()


async def listen(world: World, name: str, socket: Socket) -> None:
    """Ask for everything, make news of everything, hear what the person may hear."""
    device = world.device.pk
    wish = {"devices": [device], "points": [], "topics": [*sorted(TOPICS), "secrets"]}
    await socket.send(json.dumps({"op": "sub", **wish}))
    granted = await next_of(socket, {"sub"})
    await next_of(socket, {"snap"})
    kinds = {topic.heard_as for topic in TOPICS.values()} | {"v"}

    assert "secrets" in granted["refused"]
    if name == STRANGER:
        assert granted["devices"] == []
        assert str(device) in granted["refused"]
        for make in (*(topic.make for topic in TOPICS.values()), sample):
            await sync_to_async(make)(world)
        # His own site's news comes after: had the others been let through, they had come first.
        own = world.cast.other_site.pk
        await sync_to_async(alarm_live.publish)([(1, own, "minor")], "raised")
        assert (await next_of(socket, kinds))["site"] == own
    else:
        assert granted["devices"] == [device]
        for topic in TOPICS.values():
            await sync_to_async(topic.make)(world)
            assert (await next_of(socket, {topic.heard_as}))["site"] == world.site.pk
        await sync_to_async(sample)(world)
        rows = {row[1] for row in (await next_of(socket, {"v"}))["d"]}
        assert "IR" in rows
        assert ("P" in rows) is (name != Role.DISTRICT_VIEWER.value)

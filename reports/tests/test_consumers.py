"""The socket: who may watch what, batches of values, news, counters, the end of rights."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from alarms.services import raise_batch
from alarms.tests.factories import fault_of, make_alarm, make_rule
from config.asgi import application
from devices import ingest
from devices.models import Device
from devices.tests.factories import make_device, make_template_version
from devices.tests.samples import make_batch
from reports import consumers
from sites.models import Grant, User
from sites.tests.factories import People, make_site, people
from tests.sockets import Socket
from workorders.tests.factories import make_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    version = make_template_version(value_codes=("Ua", "Ia"), counter_codes=("EPI",))
    return make_device(site=cast.site, template_version=version)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become tenths, so that a test need not last a minute."""
    monkeypatch.setattr(consumers, "PULSE_S", 0.05)


def cookie_of(user: User) -> bytes:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}".encode()


async def connect(user: User | None, app: Any = application) -> Socket:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    if user is not None:
        headers.append((b"cookie", await sync_to_async(cookie_of)(user)))
    socket = Socket(app, "/ws/live/", headers=headers)
    assert await socket.connect()
    return socket


async def until(
    socket: Socket, wanted: str, *, where: Callable[[Any], bool] = bool
) -> dict[str, Any]:
    """The next message of a kind; others are passed over."""
    for _ in range(50):
        message = await socket.receive()
        if message["t"] == wanted and where(message):
            return dict(message)
    raise AssertionError(f"no {wanted}")


async def subscribe(socket: Socket, **wish: Any) -> dict[str, Any]:
    await socket.send(json.dumps({"op": "sub", **wish}))
    return await until(socket, "sub")


def take_in(device: Device, *, age_s: float = 0.0, value: float = 230.0) -> None:
    """A reading through the one door."""
    now = timezone.now()
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk],
        site_ids=[device.site_id],
        at=[now.timestamp() - age_s],
        values=[[value, float("nan")]],
        counters=[[100.0]],
    )
    assert ingest.ingest(batch, now=now).stored == 1


async def test_nobody_is_shown_out_with_a_code() -> None:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    socket = Socket(application, "/ws/live/", headers=headers)

    await socket.connect()

    assert await socket.closing_code() == 4401


async def test_a_foreign_page_cannot_connect(cast: People) -> None:
    headers = [(b"origin", b"https://evil.example"), (b"host", b"localhost")]
    headers.append((b"cookie", await sync_to_async(cookie_of)(cast.bo)))
    socket = Socket(application, "/ws/live/", headers=headers)

    assert not await socket.connect()


async def test_a_snapshot_comes_with_the_subscription(cast: People, device: Device) -> None:
    await sync_to_async(take_in)(device, value=231.5)
    socket = await connect(cast.bo)

    granted = await subscribe(socket, devices=[device.pk])
    snapshot = await until(socket, "snap")

    rows = {row[1]: row for row in snapshot["d"]}
    assert granted["devices"] == [device.pk]
    assert granted["refused"] == []
    assert rows["Ua"][:3] == [device.pk, "Ua", 231.5]
    assert rows["Ua"][4] == 0
    assert rows["EPI"][2] == 100.0
    assert "Ia" not in rows  # never sampled
    await socket.disconnect()


async def test_values_come_in_numbered_batches(cast: People, device: Device) -> None:
    socket = await connect(cast.bo)
    await subscribe(socket, points=[f"{device.pk}:Ua"])
    await until(socket, "snap")

    await sync_to_async(take_in)(device, value=225.0)
    first = await until(socket, "v")
    await sync_to_async(take_in)(device, value=226.0)
    second = await until(socket, "v")

    assert [row[1:3] for row in first["d"]] == [["Ua", 225.0]]
    assert (first["s"], second["s"]) == (1, 2)
    await socket.disconnect()


async def test_what_is_not_ones_own_is_refused_by_name(cast: People, device: Device) -> None:
    foreign = await sync_to_async(make_device)(site=cast.other_site)
    await Grant.objects.filter(user=cast.gu).aupdate(data_classes=["safety"])
    socket = await connect(cast.gu)

    bo = await connect(cast.bo)
    seen_by_bo = await subscribe(bo, devices=[device.pk, foreign.pk], topics=["alarms", "gossip"])
    seen_by_gu = await subscribe(socket, points=[f"{device.pk}:Ua", f"{device.pk}:Ia"])
    await until(socket, "snap")
    await sync_to_async(take_in)(foreign)
    await sync_to_async(take_in)(device)
    rows = (await until(socket, "v"))["d"]

    assert seen_by_bo["refused"] == [str(foreign.pk), "gossip"]
    assert seen_by_bo["topics"] == ["alarms"]
    assert seen_by_gu["refused"] == [f"{device.pk}:Ia"]
    assert {row[1] for row in rows} == {"Ua"}
    await socket.disconnect()
    await bo.disconnect()


async def test_nonsense_is_answered_and_survived(cast: People, device: Device) -> None:
    socket = await connect(cast.bo)

    for nonsense in (
        '{"op": "sub", "devices": "all"}',
        '{"op": "sub", "devices": [true]}',
        '{"op": "sub", "points": ["x"]}',
        '{"op": "dance"}',
        "[]",
        "no json",
    ):
        await socket.send(nonsense)
        assert (await until(socket, "error"))["code"] == "malformed"
    granted = await subscribe(socket, devices=[device.pk])

    assert granted["devices"] == [device.pk]
    await socket.disconnect()


async def test_alarms_and_counters_are_announced(cast: People, device: Device) -> None:
    socket = await connect(cast.di)
    await subscribe(socket, topics=["alarms", "orders"])
    before = await until(socket, "count")
    rule = await sync_to_async(make_rule)(severity="critical")

    alarm = await sync_to_async(make_alarm)(device=device, rule=rule, at=timezone.now())
    news = await until(socket, "alarm")
    after = await until(socket, "count", where=lambda m: m["n"]["alarms_open"] == 1)

    assert before["n"]["alarms_open"] == 0
    assert (news["id"], news["ev"], news["sev"]) == (alarm.pk, "raised", "critical")
    assert after["n"]["alarms_critical"] == 1
    await socket.disconnect()


async def test_alarms_at_once_come_together_and_only_those_he_may_see(
    cast: People, device: Device
) -> None:
    def raise_them() -> list[int]:
        foreign = make_device(site=make_site())
        faults = [
            fault_of(rule=make_rule(), device=one, at=timezone.now())
            for one in (device, device, foreign)
        ]
        return raise_batch(faults=faults, now=timezone.now())

    socket = await connect(cast.bo)
    await subscribe(socket, topics=["alarms"])

    raised = await sync_to_async(raise_them)()
    news = await until(socket, "news")

    assert {(one["t"], one["site"]) for one in news["d"]} == {("alarm", device.site_id)}
    assert len(news["d"]) == 2
    assert len(raised) == 3
    await socket.disconnect()


async def test_orders_are_announced(cast: People) -> None:
    socket = await connect(cast.bo)
    await subscribe(socket, topics=["orders"])
    now = timezone.now()

    order = await sync_to_async(make_order)(cast=cast, now=now, due_at=now + timedelta(hours=1))
    news = await until(socket, "order")
    after = await until(socket, "count", where=lambda m: m["n"]["orders_open"] == 1)

    assert (news["id"], news["ev"], news["state"]) == (order.pk, "created", "new")
    assert after["n"]["orders_mine"] == 0
    await socket.disconnect()


async def test_others_hear_nothing(cast: People, device: Device) -> None:
    socket = await connect(cast.cy)
    await subscribe(socket, topics=["alarms", "orders"], devices=[device.pk])
    await until(socket, "count")

    await sync_to_async(make_alarm)(device=device, at=timezone.now())
    await sync_to_async(take_in)(device)
    await asyncio.sleep(0.5)

    while not await socket.receive_nothing(timeout=0.05):
        assert (await socket.receive())["t"] in {"hb", "snap"}
    await socket.disconnect()


async def test_a_window_that_goes_while_it_is_told_something_leaves_nothing_behind(
    cast: People, device: Device
) -> None:
    async def cut_off(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: dict[str, Any]) -> None:
            if '"t": "alarm"' in str(message.get("text")):
                raise ConnectionResetError
            await send(message)

        await application(scope, receive, sent)

    socket = await connect(cast.di, cut_off)
    await subscribe(socket, topics=["alarms"])
    await until(socket, "count")

    await sync_to_async(make_alarm)(device=device, at=timezone.now())

    with pytest.raises(ConnectionResetError):
        await socket.wait()
    pulses = [task for task in asyncio.all_tasks() if "LiveConsumer.beat" in repr(task)]
    assert pulses == []


async def test_a_heartbeat_tells_the_time(cast: People) -> None:
    socket = await connect(cast.bo)

    beat = await until(socket, "hb")

    assert abs(beat["ts"] - timezone.now().timestamp()) < 5
    await socket.disconnect()


async def test_rights_are_asked_again_when_a_grant_ends(cast: People, device: Device) -> None:
    ends = timezone.now() + timedelta(seconds=0.6)
    await Grant.objects.filter(user=cast.bo).aupdate(ends_at=ends)
    socket = await connect(cast.bo)
    granted = await subscribe(socket, devices=[device.pk])

    lost = await until(socket, "sub")
    empty = await until(socket, "snap")
    await sync_to_async(take_in)(device)

    assert granted["refused"] == []
    assert (lost["devices"], lost["refused"]) == ([], [str(device.pk)])
    assert empty["d"] == []
    await asyncio.sleep(0.3)
    while not await socket.receive_nothing(timeout=0.05):
        assert (await socket.receive())["t"] != "v"
    await socket.disconnect()


@pytest.mark.parametrize("how", ["sign out", "close the account", "change the password"])
async def test_who_may_no_longer_be_here_is_shown_out(
    how: str, cast: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.2)
    socket = await connect(cast.bo)
    await until(socket, "hb")

    if how == "sign out":
        await Session.objects.all().adelete()
    elif how == "close the account":
        await User.objects.filter(pk=cast.bo.pk).aupdate(is_active=False)
    else:
        await User.objects.filter(pk=cast.bo.pk).aupdate(password="pbkdf2_sha256$1$x$y")

    assert await socket.closing_code() == 4401

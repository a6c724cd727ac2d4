"""Latest values: the newest sample by device, with its time and quality, for whoever watches."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from channels.layers import get_channel_layer

from core.loop import event_loop
from devices import live
from devices.history import Batch
from devices.models import Device, Layout
from devices.states import Quality
from devices.tests.factories import make_device, make_layout
from devices.tests.samples import make_batch

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
T = NOW.timestamp()

pytestmark = pytest.mark.django_db


@pytest.fixture
def layout() -> Layout:
    return make_layout(value_codes=("Ua", "THD"), counter_codes=("EPI",))


@pytest.fixture
def device() -> Device:
    return make_device()


def sample(layout: Layout, device: Device, **facts: object) -> Batch:
    defaults: dict[str, object] = {
        "layout_id": layout.pk,
        "device_ids": [device.pk],
        "site_ids": [device.site_id],
        "at": [T],
        "values": [[230.5, 2.5]],
        "counters": [[123456789.12]],
    }
    return make_batch(**(defaults | facts))


def test_a_sample_comes_back_with_time_and_quality(layout: Layout, device: Device) -> None:
    live.store(sample(layout, device, quality=[1], flags=[b"\x02"]), now=NOW)

    found = live.latest(site_id=device.site_id)[device.pk]

    assert (found.at, found.layout_id, found.quality, found.flags) == (T, layout.pk, 1, b"\x02")
    assert found.values.tolist() == [230.5, 2.5]
    assert found.counters.tolist() == [123456789.12]
    assert live.latest(device_ids=[device.pk]).keys() == {device.pk}


def test_the_newest_of_a_batch_wins(layout: Layout, device: Device) -> None:
    batch = sample(
        layout,
        device,
        device_ids=[device.pk] * 2,
        site_ids=[device.site_id] * 2,
        at=[T, T + 1],
        values=[[1, 1], [2, 2]],
        counters=[[0], [0]],
    )

    live.store(batch, now=NOW)

    assert live.latest(device_ids=[device.pk])[device.pk].at == T + 1


def test_a_bad_point_has_no_value_and_says_so(layout: Layout, device: Device) -> None:
    live.store(
        sample(layout, device, values=[[math.nan, 2.5]], quality=[1], flags=[b"\x01"]), now=NOW
    )

    points = {point.code: point for point in live.latest_points(device_ids=[device.pk])[device.pk]}

    assert (points["Ua"].value, points["Ua"].quality) == (None, Quality.BAD)
    assert (points["THD"].value, points["THD"].quality) == (2.5, Quality.GOOD)
    assert points["EPI"].value == 123456789.12


def test_a_point_read_seldom_keeps_its_value_and_its_time(layout: Layout, device: Device) -> None:
    whole = sample(layout, device)
    whole.groups[0].has_slow = True
    live.store(whole, now=NOW)
    live.store(
        sample(layout, device, at=[T + 60], values=[[231.0, np.nan]], counters=[[5]]), now=NOW
    )

    points = {point.code: point for point in live.latest_points(device_ids=[device.pk])[device.pk]}

    assert (points["Ua"].value, points["Ua"].at) == (231.0, T + 60)
    assert (points["THD"].value, points["THD"].at) == (2.5, T)
    assert live.latest(site_id=device.site_id).keys() == {device.pk}


def test_only_a_watched_site_is_published(layout: Layout, device: Device) -> None:
    batch = sample(layout, device)

    assert live.store(batch, now=NOW) == {}

    live.watch(device.site_id, until=NOW + timedelta(seconds=30))
    watched = live.store(batch, now=NOW)

    assert watched.keys() == {device.site_id}
    assert live.store(batch, now=NOW + timedelta(seconds=31)) == {}


def test_watching_again_never_shortens_it(layout: Layout, device: Device) -> None:
    live.watch(device.site_id, until=NOW + timedelta(seconds=30))
    live.watch(device.site_id, until=NOW + timedelta(seconds=5))

    assert live.store(sample(layout, device), now=NOW + timedelta(seconds=20))


def test_the_group_of_the_site_hears_the_values(layout: Layout, device: Device) -> None:
    layer = get_channel_layer()
    assert layer is not None

    async def listen() -> str:
        channel = await layer.new_channel()
        await layer.group_add(f"site.{device.site_id}", channel)
        return channel

    loop = event_loop()
    channel = asyncio.run_coroutine_threadsafe(listen(), loop).result(5)
    live.watch(device.site_id, until=NOW + timedelta(seconds=30))

    live.publish(live.store(sample(layout, device), now=NOW))

    message = asyncio.run_coroutine_threadsafe(layer.receive(channel), loop).result(5)
    asyncio.run_coroutine_threadsafe(layer.flush(), loop).result(5)
    assert (message["type"], message["site"]) == ("site.values", device.site_id)
    assert live.unpack(message["devices"][str(device.pk)]).values.tolist() == [230.5, 2.5]


def test_a_device_that_moved_is_forgotten(layout: Layout, device: Device) -> None:
    live.store(sample(layout, device), now=NOW)

    live.forget(site_id=device.site_id, device_ids=[device.pk])

    assert live.latest(site_id=device.site_id) == {}

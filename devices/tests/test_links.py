"""Down once, up once, and announced after the commit."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from devices import live
from devices.models import Device, Gateway, LinkEvent
from devices.services import links
from devices.services.lease import ORPHAN_PATIENCE_S, Lease
from devices.services.link_book import LinkBook
from devices.services.links import Verdict, decide
from devices.services.plan import PlanLoader
from devices.signals import link_changed
from devices.tests.factories import make_bus, make_device, make_gateway, make_layout
from devices.tests.samples import make_batch

pytestmark = pytest.mark.django_db

SHARD = 78


@pytest.fixture
def heard() -> Iterator[list[list[int]]]:
    """Sites that were announced."""
    announced: list[list[int]] = []

    def hear(site_ids: list[int], **_facts: Any) -> None:
        announced.append(site_ids)

    link_changed.connect(hear)
    yield announced
    link_changed.disconnect(hear)


@pytest.fixture
def device() -> Device:
    return make_device(
        bus=make_bus(gateway=make_gateway(shard=SHARD, period_s=1, offline_after_s=30))
    )


@pytest.fixture
def connected() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield client
    client.delete(f"poll:lease:{SHARD}", f"poll:orphan:{SHARD}")
    client.close()


def down(device: Device, now: datetime) -> Verdict:
    return Verdict(device.pk, is_online=False, at=now, reason="timeout")


def up(device: Device, now: datetime) -> Verdict:
    return Verdict(device.pk, is_online=True, at=now, seen_at=now)


def test_a_verdict_is_news_once(
    device: Device, heard: list[list[int]], django_capture_on_commit_callbacks: Any
) -> None:
    now = timezone.now()

    with django_capture_on_commit_callbacks(execute=True):
        news = [
            decide([], [down(device, now)]),
            decide([], [down(device, now)]),
            decide([], [up(device, now)]),
            decide([], [up(device, now)]),
        ]

    assert news == [1, 0, 1, 0]
    assert list(LinkEvent.objects.order_by("pk").values_list("is_online", "reason")) == [
        (False, "timeout"),
        (True, ""),
    ]
    assert heard == [[device.site_id], [device.site_id]]
    device.refresh_from_db()
    assert (device.is_online, device.last_seen_at, device.link_changed_at) == (True, now, now)


def test_a_failing_receiver_stops_nobody(
    device: Device, heard: list[list[int]], django_capture_on_commit_callbacks: Any
) -> None:
    def fail(**_facts: Any) -> None:
        raise ValueError("a bug")

    link_changed.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            decide([], [down(device, timezone.now())])
    finally:
        link_changed.disconnect(fail)

    assert heard == [[device.site_id]]


def test_who_answers_comes_back_although_a_sweep_said_otherwise(device: Device) -> None:
    now = timezone.now()
    book = LinkBook()
    book.follow(PlanLoader(SHARD).load(now=now), now=now)
    book.devices[device.pk].is_online = True
    book.hear(Device, {device.pk: now.timestamp()})
    Device.objects.update(is_online=False)

    book.write_seen(now=now)

    device.refresh_from_db()
    assert device.is_online is True
    assert device.last_seen_at is not None


def test_who_fell_silent_since_does_not_come_back_by_being_written(device: Device) -> None:
    now = timezone.now()
    book = LinkBook()
    book.follow(PlanLoader(SHARD).load(now=now), now=now)
    book.hear(Device, {device.pk: now.timestamp()})
    book.devices[device.pk].is_online = False
    Device.objects.update(is_online=False)

    book.write_seen(now=now + timedelta(seconds=40))

    device.refresh_from_db()
    assert device.is_online is False
    assert device.last_seen_at is not None


def test_last_seen_is_written_at_most_once_a_minute(
    device: Device, django_assert_num_queries: Any
) -> None:
    now = timezone.now()
    book = LinkBook()
    book.follow(PlanLoader(SHARD).load(now=now), now=now)
    Device.objects.update(is_online=True)
    book.devices[device.pk].is_online = True
    book.hear(Device, {device.pk: now.timestamp()})
    book.write_seen(now=now)

    with django_assert_num_queries(0):
        later = now + timedelta(seconds=59)
        book.hear(Device, {device.pk: later.timestamp()})
        book.write_seen(now=later)

    with django_assert_num_queries(1):
        later = now + timedelta(seconds=61)
        book.hear(Device, {device.pk: later.timestamp()})
        book.write_seen(now=later)

    device.refresh_from_db()
    assert device.last_seen_at == later


def test_what_was_heard_since_the_last_writing_is_written_at_the_end(device: Device) -> None:
    now = timezone.now()
    book = LinkBook()
    book.follow(PlanLoader(SHARD).load(now=now), now=now)
    book.hear(Device, {device.pk: now.timestamp()})
    book.write_seen(now=now)
    last = now + timedelta(seconds=30)
    book.hear(Device, {device.pk: last.timestamp()})

    book.write_seen(now=last, is_last=True)

    device.refresh_from_db()
    assert device.last_seen_at == last


def sweep_twice(now: datetime) -> int:
    """The first look begins the shard's time alone, the second finds it long."""
    links.sweep(now=now - timedelta(seconds=ORPHAN_PATIENCE_S))
    return links.sweep(now=now)


def test_a_sweep_finds_the_silence_of_a_dead_worker(device: Device, connected: redis.Redis) -> None:
    now = timezone.now()
    Device.objects.update(is_online=True, last_seen_at=now - timedelta(seconds=31))
    Gateway.objects.update(is_online=True, last_seen_at=now - timedelta(seconds=31))

    assert sweep_twice(now) == 2
    assert sweep_twice(now) == 0

    device.refresh_from_db()
    assert (device.is_online, device.link_error) == (False, "no_worker")
    assert Gateway.objects.get().is_online is False


def test_a_sweep_leaves_what_a_worker_watches(device: Device, connected: redis.Redis) -> None:
    now = timezone.now()
    Device.objects.update(is_online=True, last_seen_at=now - timedelta(days=1))
    lease = Lease(SHARD)
    lease.hold()

    assert sweep_twice(now) == 0

    lease.release()
    assert sweep_twice(now) == 2


def test_a_sweep_believes_the_latest_values(device: Device, connected: redis.Redis) -> None:
    now = timezone.now()
    Device.objects.update(is_online=True, last_seen_at=now - timedelta(days=1))
    layout = make_layout(value_codes=("Ua",), counter_codes=())
    live.store(
        make_batch(
            layout_id=layout.pk,
            device_ids=[device.pk],
            site_ids=[device.site_id],
            at=[now.timestamp() - 10],
            values=[[1]],
        ),
        now=now,
    )

    assert sweep_twice(now) == 0


def test_what_left_service_has_no_verdict(
    device: Device,
    connected: redis.Redis,
    heard: list[list[int]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    Device.objects.update(is_online=False, is_enabled=False)

    with django_capture_on_commit_callbacks(execute=True):
        links.sweep(now=timezone.now())

    device.refresh_from_db()
    assert device.is_online is None
    assert heard == [[device.site_id]]


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Device, Gateway])
def test_rows_that_are_written_again_and_again_have_room_in_their_pages(model: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reloptions FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table]
        )
        (options,) = cursor.fetchone()

    assert sorted(options) == ["autovacuum_analyze_scale_factor=1", "fillfactor=70"]

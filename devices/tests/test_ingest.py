"""The door: what is stored is told, once it is stored, whoever fails on the way."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from devices import live
from devices.ingest import (
    Batch,
    Fence,
    FenceRefused,
    StoreAway,
    ingest,
    subscribe,
    unsubscribe,
)
from devices.models import Layout, PollShard
from devices.tests.factories import make_layout
from devices.tests.samples import make_batch

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
T = NOW.timestamp()

pytestmark = pytest.mark.django_db


@pytest.fixture
def layout() -> Layout:
    return make_layout(value_codes=("Ua",), counter_codes=())


@pytest.fixture
def told() -> Iterator[list[Batch]]:
    """Batches that a subscriber was given."""
    batches: list[Batch] = []
    subscribe(batches.append)
    yield batches
    unsubscribe(batches.append)


def one(layout: Layout, *, device_id: int = 1, at: float = T, value: float = 230.0) -> Batch:
    return make_batch(layout_id=layout.pk, device_ids=[device_id], at=[at], values=[[value]])


def stored() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading")
        return int(cursor.fetchone()[0])


def test_a_subscriber_is_given_what_was_stored(layout: Layout, told: list[Batch]) -> None:
    result = ingest(one(layout), now=NOW)

    assert (result.stored, result.duplicates, result.refused) == (1, 0, 0)
    assert stored() == 1
    assert [batch.groups[0].values.tolist() for batch in told] == [[[230.0]]]


def test_a_failing_subscriber_stops_nobody(
    layout: Layout, told: list[Batch], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_batch: Batch) -> None:
        raise ValueError("a bug")

    unsubscribe(told.append)
    subscribe(fail)
    subscribe(told.append)
    try:
        with caplog.at_level(logging.ERROR):
            ingest(one(layout), now=NOW)
    finally:
        unsubscribe(fail)

    assert len(told) == 1
    assert stored() == 1
    assert "ingest.subscriber_failed" in caplog.text


def test_a_time_out_of_range_is_told_to_nobody(layout: Layout, told: list[Batch]) -> None:
    result = ingest(one(layout, at=T + 86_400), now=NOW)

    assert (result.stored, result.refused) == (0, 1)
    assert stored() == 0
    assert told == []


def test_a_repeated_batch_is_told_again_but_stored_once(layout: Layout, told: list[Batch]) -> None:
    """Its first time may have ended between the commit and the telling."""
    ingest(one(layout), now=NOW)

    result = ingest(one(layout), now=NOW)

    assert (result.stored, result.duplicates) == (0, 1)
    assert len(told) == 2


def test_an_older_fence_stores_nothing(layout: Layout, told: list[Batch]) -> None:
    PollShard.objects.create(number=3, fence=8)

    with pytest.raises(FenceRefused):
        ingest(one(layout), now=NOW, fence=Fence(shard=3, number=7))

    assert stored() == 0
    assert told == []


def test_the_fence_in_force_stores(layout: Layout) -> None:
    PollShard.objects.create(number=3, fence=8)

    assert ingest(one(layout), now=NOW, fence=Fence(shard=3, number=8)).stored == 1


def test_redis_away_does_not_stop_storing(
    layout: Layout,
    told: list[Batch],
    settings: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    monkeypatch.setattr(live, "store_state", live.StoreState())

    with caplog.at_level(logging.WARNING):
        ingest(one(layout), now=NOW)
        ingest(one(layout, at=T + 1), now=NOW)

    assert stored() == 2
    assert len(told) == 2
    assert caplog.text.count("live.redis_down") == 1
    assert live.latest(device_ids=[1]) == {}


def test_the_end_of_an_outage_of_redis_is_told_once(
    layout: Layout,
    settings: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    working = live.store_state.client
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    broken = live.StoreState()
    monkeypatch.setattr(live, "store_state", broken)
    ingest(one(layout), now=NOW)

    monkeypatch.setattr(broken, "_client", working)
    with caplog.at_level(logging.INFO):
        ingest(one(layout, at=T + 1), now=NOW)
        ingest(one(layout, at=T + 2), now=NOW)

    assert caplog.text.count("live.redis_up") == 1


def test_backfill_is_history_only(layout: Layout, told: list[Batch]) -> None:
    ingest(one(layout, device_id=990), now=NOW, is_live=False)

    assert stored() == 1
    assert told == []
    assert live.latest(site_id=1).get(990) is None


def test_backfill_may_ask_for_the_subscribers(layout: Layout, told: list[Batch]) -> None:
    ingest(one(layout), now=NOW, is_live=False, with_subscribers=True)

    assert len(told) == 1


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_said_clearly_and_the_next_batch_is_stored() -> None:
    layout = make_layout(value_codes=("Ua",), counter_codes=())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with connection.copy().cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])

    with pytest.raises(StoreAway):
        ingest(one(layout), now=NOW)

    assert ingest(one(layout), now=NOW).stored == 1
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE reading_20261121")

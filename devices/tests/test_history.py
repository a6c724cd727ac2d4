"""What is written comes back; what must not be written is refused and counted."""

import math
import threading
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection, connections

from devices.history import (
    Batch,
    append,
    drop_partitions,
    ensure_partitions,
    partitions,
    prepare,
    series,
    within_range,
)
from devices.history.partitions import forget_known
from devices.models import Layout
from devices.tests.factories import make_layout, make_point
from devices.tests.samples import make_batch, make_group

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
T = NOW.timestamp()


@pytest.fixture
def layout(db: None) -> Layout:
    """Three values and two counters."""
    for code in ("Ua", "Ub", "P", "EPI", "EPE"):
        make_point(code)
    return make_layout(value_codes=("Ua", "Ub", "P"), counter_codes=("EPI", "EPE"))


def rows() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device_id, at, layout_id, values, counters, quality, flags FROM reading"
            " ORDER BY device_id, at"
        )
        return cursor.fetchall()


def write(batch: Batch) -> tuple[int, int]:
    prepare(batch)
    done = append(batch)
    return done.stored, done.duplicates


def test_every_column_comes_back_as_it_was(layout: Layout) -> None:
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[7, 8],
        at=[T + 0.123456, T],
        values=[[230.5, math.nan, -3.25], [1, 2, 3]],
        counters=[[123456789.12, 0.01], [math.nan, 5]],
        quality=[1, 0],
        flags=[b"\x02", None],
    )

    assert write(batch) == (2, 0)

    first, second = rows()
    assert first[0] == 7
    assert first[1] == NOW + timedelta(microseconds=123456)
    assert first[2] == layout.pk
    assert np.array_equal(first[3], [230.5, math.nan, -3.25], equal_nan=True)  # type: ignore[arg-type]
    assert first[4] == [123456789.12, 0.01]
    assert first[5:] == (1, b"\x02")
    assert second[3] == [1, 2, 3]
    assert second[5:] == (0, None)


def test_a_counter_keeps_double_precision(layout: Layout) -> None:
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[1],
        at=[T],
        values=[[0, 0, 0]],
        counters=[[98_765_432.11, 0]],
    )

    write(batch)

    (counter,) = series(points=[(1, "EPI")], start=NOW, end=NOW + timedelta(hours=1))
    assert counter.value == [98_765_432.11]


def test_a_layout_without_counters_is_stored(db: None) -> None:
    layout = make_layout(value_codes=("Ua",), counter_codes=())
    make_point("Ua")

    write(make_batch(layout_id=layout.pk, device_ids=[1], at=[T], values=[[5]]))

    assert rows()[0][3:5] == ([5.0], [])


def test_a_repeated_key_is_counted_and_leaves_the_first_row(layout: Layout) -> None:
    facts = {"layout_id": layout.pk, "counters": [[0, 0], [0, 0]]}
    write(make_batch(device_ids=[1, 2], at=[T, T], values=[[1, 1, 1]] * 2, **facts))

    again = make_batch(device_ids=[1, 3], at=[T, T], values=[[9, 9, 9]] * 2, **facts)

    assert write(again) == (1, 1)
    assert [(row[0], row[3]) for row in rows()] == [
        (1, [1, 1, 1]),
        (2, [1, 1, 1]),
        (3, [9, 9, 9]),
    ]


def test_a_key_repeated_inside_one_batch_is_stored_once(layout: Layout) -> None:
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[1, 1],
        at=[T, T],
        values=[[1, 1, 1], [2, 2, 2]],
        counters=[[0, 0], [0, 0]],
    )

    assert write(batch) == (1, 1)
    assert len(rows()) == 1


def test_a_time_out_of_range_is_refused_and_counted(layout: Layout, settings: object) -> None:
    too_old = T - 86_400 * settings.READING_RETENTION_DAYS - 1  # type: ignore[attr-defined]
    too_new = T + settings.READING_FUTURE_S + 1  # type: ignore[attr-defined]
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[1, 1, 1, 1],
        at=[too_old, T, too_new, math.nan],
        values=[[1, 1, 1]] * 4,
        counters=[[0, 0]] * 4,
        flags=[None, b"\x01", None, None],
    )

    kept, refused = within_range(batch, now=NOW)

    assert refused == 3
    assert kept.rows == 1
    assert kept.groups[0].at.tolist() == [T]
    assert kept.groups[0].flags == [b"\x01"]


def test_a_batch_over_midnight_makes_both_days(layout: Layout) -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[1, 1],
        at=[midnight - 1, midnight],
        values=[[1, 1, 1]] * 2,
        counters=[[0, 0]] * 2,
    )

    write(batch)

    assert [partition.day for partition in partitions()] == [date(2026, 11, 21), date(2026, 11, 22)]


def test_a_partition_that_vanished_is_made_again(layout: Layout) -> None:
    facts = {"layout_id": layout.pk, "values": [[1, 1, 1]], "counters": [[0, 0]]}
    write(make_batch(device_ids=[1], at=[T], **facts))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE reading_20261121")

    assert append(make_batch(device_ids=[1], at=[T + 1], **facts)).stored == 1


@pytest.mark.django_db(transaction=True)
def test_two_writers_may_need_the_same_day_at_once() -> None:
    layout = make_layout(value_codes=("Ua",), counter_codes=())
    day, seen = date(2026, 11, 20), []
    at = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    barrier = threading.Barrier(4)

    def write_one(device_id: int) -> None:
        try:
            barrier.wait(10)
            forget_known()
            batch = make_batch(
                layout_id=layout.pk, device_ids=[device_id], at=[at], values=[[device_id]]
            )
            seen.append(write(batch))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write_one, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    try:
        assert seen == [(1, 0)] * 4
        assert [partition.day for partition in partitions()] == [day]
        assert len(rows()) == 4
    finally:
        drop_partitions(before=date(2026, 11, 30))


def test_days_before_the_retention_are_dropped(layout: Layout) -> None:
    ensure_partitions([date(2026, 8, 1), date(2026, 8, 2), date(2026, 8, 3)])

    dropped = drop_partitions(before=date(2026, 8, 3))

    assert dropped == ["reading_20260801", "reading_20260802"]
    assert [partition.name for partition in partitions()] == ["reading_20260803"]
    assert partitions()[0].size_bytes > 0


def curve(layout: Layout, values: list[float], *, step: float = 60.0) -> None:
    count = len(values)
    write(
        make_batch(
            layout_id=layout.pk,
            device_ids=[1] * count,
            at=[T + step * number for number in range(count)],
            values=[[value, 0, 0] for value in values],
            counters=[[number, 0] for number in range(count)],
        )
    )


def test_a_thinned_series_keeps_every_peak(layout: Layout) -> None:
    values = [100.0 + number % 7 for number in range(5000)]
    values[1234], values[4321] = 999.0, -999.0
    curve(layout, values, step=1)

    (ua,) = series(points=[(1, "Ua")], start=NOW, end=NOW + timedelta(seconds=5000), max_points=200)

    assert ua.is_reduced
    assert len(ua.at) <= 200
    assert ua.at == sorted(ua.at)
    pairs = dict(zip(ua.at, ua.value, strict=True))
    assert pairs[T + 1234] == 999.0
    assert pairs[T + 4321] == -999.0
    per_bucket = np.bincount(((np.array(ua.at) - T) // 50).astype(int), minlength=100)
    assert per_bucket.max() == 2
    place = ua.at.index(T + 1234)
    assert (ua.minimum[place], ua.maximum[place]) == (100.0, 999.0)


def test_a_short_series_is_whole(layout: Layout) -> None:
    curve(layout, [1.0, 2.0, 3.0])

    ua, epi = series(
        points=[(1, "Ua"), (1, "EPI")], start=NOW, end=NOW + timedelta(hours=1), max_points=10
    )

    assert ua.at == [T, T + 60, T + 120]
    assert ua.value == [1.0, 2.0, 3.0]
    assert (ua.unit, epi.unit) == ("V", "kWh")
    assert epi.value == [0.0, 1.0, 2.0]
    assert not ua.is_reduced
    assert ua.minimum == []
    assert ua.gaps == []


def test_a_pause_longer_than_two_steps_is_a_gap(layout: Layout) -> None:
    ats = [T, T + 60, T + 120, T + 180, T + 400, T + 460]
    write(
        make_batch(
            layout_id=layout.pk,
            device_ids=[1] * 6,
            at=ats,
            values=[[5, 0, 0]] * 6,
            counters=[[0, 0]] * 6,
        )
    )

    (ua,) = series(points=[(1, "Ua")], start=NOW, end=NOW + timedelta(hours=1))

    assert ua.gaps == [(T + 180, T + 400)]
    assert ua.value == [5, 5, 5, 5, None, 5, 5]
    assert ua.at == sorted(ua.at)


def test_the_period_is_half_open(layout: Layout) -> None:
    curve(layout, [1.0, 2.0, 3.0])

    (ua,) = series(
        points=[(1, "Ua")],
        start=NOW + timedelta(seconds=60),
        end=NOW + timedelta(seconds=120),
    )

    assert ua.value == [2.0]


def test_a_series_crosses_a_change_of_layout(layout: Layout) -> None:
    other = make_layout(value_codes=("P", "Ua"), counter_codes=())
    group = make_group(
        layout_id=layout.pk, device_ids=[1], at=[T], values=[[1, 2, 3]], counters=[[0, 0]]
    )
    moved = make_group(layout_id=other.pk, device_ids=[1], at=[T + 60], values=[[7, 8]])
    write(Batch([group, moved]))

    ua, epi = series(points=[(1, "Ua"), (1, "EPI")], start=NOW, end=NOW + timedelta(hours=1))

    assert ua.value == [1.0, 8.0]
    assert epi.value == [0.0]


def test_an_invalid_value_is_no_sample(layout: Layout) -> None:
    curve(layout, [1.0, math.nan, 3.0])

    (ua,) = series(points=[(1, "Ua")], start=NOW, end=NOW + timedelta(hours=1))

    assert ua.value == [1.0, 3.0]


def test_an_unknown_point_has_an_empty_series(layout: Layout) -> None:
    (nothing,) = series(points=[(1, "Nope")], start=NOW, end=NOW + timedelta(hours=1))

    assert nothing.at == []
    assert nothing.value == []

"""Samples on disk: in order, whole, bounded, and taken over from who was killed."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.history import Batch, LayoutGroup
from devices.services.spool import Limits, NoRoom, Spool, frames, spool
from devices.services.spool.thinning import thinned
from devices.states import Quality
from devices.tests.samples import make_batch, make_group

ROOMY = Limits(most_bytes=1 << 30, free_bytes=0)
FIRST_S = 1_795_000_500.0  # the beginning of a quarter hour

Filled = Callable[..., Spool]


def batch(second: int, *, devices: int = 2, value: float | None = None) -> Batch:
    """One sample of each device at a second."""
    return make_batch(
        layout_id=1,
        device_ids=range(1, devices + 1),
        at=[FIRST_S + second] * devices,
        values=[[second if value is None else value]] * devices,
        counters=[[100.0 + second]] * devices,
    )


def seconds(spooled: Spool) -> list[int]:
    """The seconds of all batches, which are taken out."""
    found = []
    while (first := spooled.first()) is not None:
        found += sorted({int(at - FIRST_S) for group in first.groups for at in group.at})
        spooled.taken()
    return found


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    """A spool into which batches of these seconds were put."""

    def make(*wanted: int, limits: Limits = ROOMY, **facts: int) -> Spool:
        made = Spool(tmp_path / "7", limits)
        for second in wanted:
            made.append(batch(second, **facts))
        return made

    return make


def groups_equal(one: LayoutGroup, other: LayoutGroup) -> bool:
    columns = ("device_ids", "site_ids", "at", "values", "counters", "quality")
    return (one.layout_id, one.flags, one.has_slow) == (
        other.layout_id,
        other.flags,
        other.has_slow,
    ) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in columns
    )


@st.composite
def groups(draw: st.DrawFn) -> LayoutGroup:
    rows, values, counters = draw(st.tuples(*[st.integers(0, 3)] * 3))
    numbers = st.floats(width=32)
    return LayoutGroup(
        layout_id=draw(st.integers(1, 2**31 - 1)),
        device_ids=np.array(
            draw(st.lists(st.integers(1, 2**62), min_size=rows, max_size=rows)), np.int64
        ),
        site_ids=np.arange(rows, dtype=np.int64),
        at=np.linspace(FIRST_S, FIRST_S + 10, rows),
        values=np.array(
            [[draw(numbers) for _v in range(values)] for _r in range(rows)], np.float32
        ).reshape(rows, values),
        counters=np.array(
            [[draw(numbers) for _c in range(counters)] for _r in range(rows)], np.float64
        ).reshape(rows, counters),
        quality=np.array([draw(st.integers(0, 3)) for _r in range(rows)], np.uint8),
        flags=[draw(st.none() | st.binary(max_size=4)) for _r in range(rows)],
        has_slow=draw(st.booleans()),
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(groups(), min_size=1, max_size=3).filter(lambda some: any(map(len, some))))
def test_a_frame_gives_back_what_was_put_in(some: list[LayoutGroup]) -> None:
    data = frames.encode(Batch(some))

    back = frames.read(io.BytesIO(data)).groups

    kept = [group for group in some if len(group)]
    assert all(groups_equal(*pair) for pair in zip(kept, back, strict=True))
    assert frames.facts_of(data).bytes == len(data)


@settings(deadline=None)
@given(st.data())
def test_a_frame_that_was_changed_anywhere_is_torn(data: st.DataObject) -> None:
    whole = bytearray(frames.encode(batch(0)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(frames.Torn):
        frames.read(io.BytesIO(bytes(whole)))


def test_batches_come_back_in_order_and_leave_nothing_behind(filled: Filled) -> None:
    made = filled(0, 1, 2)
    assert (made.rows, made.oldest_at) == (6, FIRST_S)

    assert seconds(made) == [0, 1, 2]
    assert made.rows == made.bytes == 0
    assert [path.name for path in made.folder.iterdir()] == ["lock"]


def test_more_may_come_while_some_is_taken(filled: Filled) -> None:
    made = filled(0, 1)
    made.first()
    made.taken()

    made.append(batch(2))

    assert seconds(made) == [1, 2]


def test_who_was_killed_is_followed_by_the_next(filled: Filled, tmp_path: Path) -> None:
    killed = filled(0, 1, 2)
    killed.first()
    killed.taken()
    other = Spool(tmp_path / "7", ROOMY)
    assert other.adopt() == 0, "it lives"
    with pytest.raises(NoRoom):
        other.append(batch(9))

    os.close(killed._lock)  # type: ignore[arg-type]  # as the kernel does for a dead process

    assert other.adopt() == 6, "what was taken from the first file is offered again"
    other.append(batch(3))
    assert seconds(other) == [0, 1, 2, 3]


@pytest.mark.parametrize("cut", [1, 30, frames.HEAD_BYTES + 1])
def test_of_a_torn_end_only_that_is_lost(
    filled: Filled, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    filled(0, 1, 2).close()
    made = filled()
    (path,) = made.folder.glob("*.rows")
    os.truncate(path, path.stat().st_size - cut)

    made.adopt()
    made.append(batch(3))

    assert seconds(made) == [0, 1, 3]
    assert "spool.torn" in caplog.text


def test_what_the_disk_garbled_is_told_and_passed_over(filled: Filled) -> None:
    made = filled(0, 1, 2)
    (path,) = made.folder.glob("*.rows")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff\xff")

    assert seconds(made) == [0, 2]
    assert made.losses.dropped == 2


def test_the_last_good_sample_of_each_quarter_hour_stays() -> None:
    quality = [Quality.GOOD, Quality.GOOD, Quality.BAD, Quality.BAD]
    rows = make_group(
        layout_id=1,
        device_ids=[5, 5, 5, 6],
        at=[FIRST_S, FIRST_S + 10, FIRST_S + 20, FIRST_S + 30],
        values=[[1.0], [2.0], [3.0], [4.0]],
        quality=quality,
    )
    later = make_group(
        layout_id=1, device_ids=[5], at=[FIRST_S + 900], values=[[5.0]], quality=[Quality.GOOD]
    )
    seldom = make_group(
        layout_id=1, device_ids=[5], at=[FIRST_S + 5], values=[[6.0]], quality=[Quality.GOOD]
    )
    seldom.has_slow = True

    kept = thinned([Batch([seldom]), Batch([rows]), Batch([later])])

    found = [group.values[:, 0].tolist() for some in kept for group in some.groups]
    assert found == [[6.0], [2.0, 4.0], [5.0]]


def test_without_room_the_oldest_are_thinned_before_any_is_dropped(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = len(frames.encode(batch(0, devices=20)))
    monkeypatch.setattr(spool, "SEGMENT_BYTES", 10 * one)
    monkeypatch.setattr(spool, "THIN_BYTES", 50 * one)

    made = filled(*range(0, 3600, 30), limits=Limits(100 * one, 0), devices=20)

    assert made.bytes <= 100 * one
    assert (made.losses.dropped, made.losses.thinned > 0) == (0, True)
    rows = made.rows
    assert rows + made.losses.thinned == 120 * 20
    found = seconds(made)
    assert found[0] == 870, "the last of the first quarter hour"
    assert found[-1] == 3570
    assert sum(second > 2700 for second in found) == 29, "the newest are whole"


def test_when_all_is_thinned_the_oldest_go_aloud(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = len(frames.encode(batch(0, devices=20)))
    monkeypatch.setattr(spool, "SEGMENT_BYTES", 4 * one)

    made = filled(*range(0, 900 * 40, 900), limits=Limits(20 * one, 0), devices=20)

    assert made.bytes <= 20 * one
    assert made.losses.dropped == 40 * 20 - made.rows > 0
    assert made.losses.first_at == FIRST_S
    assert seconds(made)[-1] == 900 * 39
    assert "spool.given_up" in caplog.text


def test_the_disk_is_not_filled(filled: Filled) -> None:
    made = filled()
    made.limits = Limits(1 << 30, free_bytes=1 << 60)

    with pytest.raises(NoRoom):
        made.append(batch(0))

    assert made.rows == 0

"""Compaction loses nothing: every reader answers as before, and nothing is dropped unless it is in a block."""

import math
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from devices import history, ingest
from devices.history.codec import Block
from devices.history.partitions import forget_known
from devices.models import CompactedHour, Device, Handover, LateHour, ReopenedHour, Retention, Tally
from devices.services import compacting, tallies
from devices.tests.factories import (
    make_bus,
    make_device,
    make_gateway,
    make_layout,
    make_template_version,
)
from devices.tests.samples import make_group
from sites.tests.factories import make_site

DAY = datetime(2026, 11, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = DAY + timedelta(days=10)
CODES = ("Ua", "P", "EPI")

# (device number, seconds of the day, which of two layouts, values, counter, quality)
Sample = tuple[int, float, int, list[float], float, int]


@pytest.fixture
def devices(db: None) -> list[Device]:
    """Two devices of one layout in a zone off the hour, and a layout they may change to."""
    gateway = make_gateway(site=make_site(timezone="Asia/Kolkata"), period_s=60)
    version = make_template_version(value_codes=("Ua", "P"), counter_codes=("EPI",))
    bus = make_bus(gateway=gateway)
    made = [make_device(bus=bus, unit_id=1 + n, template_version=version) for n in range(2)]
    for device in made:
        device.meters.create(serial="1", installed_at=datetime(2020, 1, 1, tzinfo=UTC))
    return made


def layouts_of(devices: list[Device]) -> list[int]:
    return [
        devices[0].template_version.layout_id,
        make_layout(value_codes=("P", "Ua"), counter_codes=()).pk,
    ]


def store(
    devices: list[Device], layouts: list[int], samples: list[Sample], *, now: datetime
) -> None:
    groups = []
    for number, layout in enumerate(layouts):
        mine = [sample for sample in samples if sample[2] == number]
        if mine:
            groups.append(
                make_group(
                    layout_id=layout,
                    device_ids=[devices[sample[0]].pk for sample in mine],
                    at=[DAY.timestamp() + sample[1] for sample in mine],
                    values=[sample[3] for sample in mine],
                    counters=[[sample[4]] for sample in mine] if number == 0 else None,
                    quality=[sample[5] for sample in mine],
                    flags=[b"\x01" if sample[5] == 1 else None for sample in mine],
                )
            )
    ingest.ingest(ingest.Batch(groups), now=now, is_live=False)


def usual(count: int = 300, step: float = 60.0, seed: int = 1) -> list[Sample]:
    chance = random.Random(seed)
    found: list[Sample] = []
    for device in (0, 1):
        for number in range(count):
            value = [230 + chance.randint(-20, 20) / 10, chance.random() * 50]
            if chance.random() < 0.05:
                value[1] = math.nan
            layout = int(number > count * 0.8)
            quality = chance.choice([0, 0, 0, 0, 1, 2])
            found.append(
                (device, number * step + device, layout, value, 1000 + number / 100, quality)
            )
    return found


def answers(devices: list[Device]) -> dict[str, Any]:
    """What every reader says about the day, in plain and comparable form."""
    ids = [device.pk for device in devices]
    start, end = DAY + timedelta(minutes=7), DAY + timedelta(hours=20)
    points = [(pk, code) for pk in ids for code in CODES]
    moments = [DAY + HOUR * hour for hour in range(21)] + [DAY + timedelta(seconds=1801)]
    tallies.recount(start=DAY - HOUR, end=DAY + timedelta(days=1))
    found: dict[str, Any] = {
        f"series {most}": history.series(points=points, start=start, end=end, max_points=most)
        for most in (20, 10_000)
    }
    for code in CODES:
        found[f"counters {code}"] = {
            pk: row.tolist()
            for pk, row in history.counters_at(
                device_ids=ids, code=code, moments=moments, within=HOUR
            ).items()
        }
        found[f"means {code}"] = {
            pk: row.tolist()
            for pk, row in history.means(
                device_ids=ids, code=code, start=start, end=end, step_s=900
            ).items()
        }
    found["trends"] = history.trends(points=points, start=start, end=end, slices=17)
    found["tallies"] = {
        (tally.device_id, tally.day): (tally.good, tally.good_total)
        for tally in Tally.objects.all()
    }
    return found


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name, want in wanted.items():
        if name == "series 20":
            assert plain(found[name]) == plain(want), name
            assert figures(found[name]) == pytest.approx(figures(want), rel=1e-6, abs=0.06), name
        elif name.startswith("means"):
            for pk, row in want.items():
                assert found[name][pk] == pytest.approx(row, nan_ok=True, rel=1e-12), name
        else:
            # Floats as they are written: nan is no equal of nan.
            assert repr(found[name]) == repr(want), name


def plain(rows: list[history.Series]) -> str:
    """What roll-ups keep exactly, as it is written."""
    of_rows = [
        (row.code, row.at, row.value, row.minimum, row.maximum, row.gaps, row.is_reduced)
        for row in rows
    ]
    exact = ("count", "minimum_at", "maximum_at", "first_at", "last", "last_at", "covered_s")
    return repr((of_rows, [[getattr(row.statistics, name) for name in exact] for row in rows]))


def figures(rows: list[history.Series]) -> list[float]:
    """What they keep to some decimals."""
    return [
        number or 0.0
        for row in rows
        for number in (row.statistics.mean, row.statistics.increase, float(row.statistics.resets))
    ]


def compact_all(now: datetime = LATER) -> None:
    while compacting.compact(now=now).hours:
        pass


def hand_over(now: datetime = LATER) -> list[str]:
    """Everything older than the hot days becomes blocks alone."""
    dropped = compacting.hand_over(now=now)
    while names := compacting.hand_over(now=now + compacting.READER_PATIENCE):
        dropped += names
    return dropped


def hot_rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading")
        return int(cursor.fetchone()[0])


def block_rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(rows), 0) FROM reading_block")
        return int(cursor.fetchone()[0])


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    forget_known()


@st.composite
def mixed(draw: st.DrawFn) -> list[Sample]:
    """Any samples of one day, dense and sparse, with equal moments, NaN and a change of layout."""
    number = st.one_of(
        st.floats(-500, 500, width=32),
        st.integers(0, 4000).map(lambda n: n / 10),
        st.just(math.nan),
    )
    moment = st.one_of(
        st.integers(0, 1439).map(lambda minute: minute * 60.0),
        st.integers(0, 86_399_999).map(lambda milli: milli / 1000),
    )
    sample = st.tuples(
        st.integers(0, 1),
        moment,
        st.integers(0, 1),
        st.lists(number, min_size=2, max_size=2),
        st.integers(0, 10**9).map(lambda n: n / 100),
        st.integers(0, 3),
    )
    return draw(st.lists(sample, min_size=1, max_size=60))


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(punctual=mixed(), late=mixed())
def test_every_reader_answers_as_before(
    devices: list[Device], punctual: list[Sample], late: list[Sample]
) -> None:
    layouts = layouts_of(devices)
    with undone():
        store(devices, layouts, punctual, now=LATER)
        on_time = answers(devices)
        store(devices, layouts, late, now=LATER)
        with_late = answers(devices)
    with undone():
        store(devices, layouts, punctual, now=LATER)
        compact_all()
        assert block_rows() == hot_rows()
        assert_same(answers(devices), on_time)
        compacting.hand_over(now=LATER)
        assert hot_rows()
        assert_same(answers(devices), on_time)
        assert hand_over() == ["reading_20261110"]
        assert not hot_rows()
        assert_same(answers(devices), on_time)

        store(devices, layouts, late, now=LATER)
        # Counting waits for the blocks.
        assert_same(
            {name: found for name, found in answers(devices).items() if name != "tallies"},
            {name: want for name, want in with_late.items() if name != "tallies"},
        )
        compact_all()
        assert not hot_rows()
        assert_same(answers(devices), with_late)
        assert hand_over() == ["reading_20261110"]
        assert_same(answers(devices), with_late)


def test_a_reopened_hour_is_done_again_and_no_other(devices: list[Device]) -> None:
    layouts = layouts_of(devices)
    store(devices, layouts, usual(), now=LATER)
    compact_all()
    before = CompactedHour.objects.get(hour=DAY + HOUR)
    assert not ReopenedHour.objects.exists()

    store(devices, layouts, [(0, 3601.5, 0, [1.0, 2.0], 5.0, 0)], now=LATER)

    assert list(ReopenedHour.objects.values_list("hour", flat=True)) == [DAY + HOUR]
    run = compacting.compact(now=LATER)
    assert (run.hours, run.written.blocks) == (1, 1)
    assert CompactedHour.objects.get(hour=DAY + HOUR).rows == before.rows + 1
    assert not ReopenedHour.objects.exists()
    assert block_rows() == hot_rows()
    assert compacting.compact(now=LATER).hours == 0


def test_the_hour_under_way_is_left_alone(devices: list[Device]) -> None:
    layouts = layouts_of(devices)
    now = DAY + 2 * HOUR + compacting.GRACE
    store(devices, layouts, usual(130), now=now)

    compacting.compact(now=now)

    assert list(CompactedHour.objects.order_by("hour").values_list("hour", flat=True)) == [
        DAY,
        DAY + HOUR,
    ]


def test_a_run_that_is_stopped_goes_on_where_it_was(
    devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    store(devices, layouts_of(devices), usual(60), now=LATER)
    monkeypatch.setattr(compacting, "DEVICES_AT_A_TIME", 1)
    history.compact(DAY, [devices[0].pk])

    assert compacting.compact(now=LATER, budget_s=0).hours == 0
    assert not CompactedHour.objects.exists()
    assert history.differing(DAY) == [devices[1].pk]
    run = compacting.compact(now=LATER)

    # The device that was done is not done again.
    assert run.written.blocks == CompactedHour.objects.get(hour=DAY).blocks - blocks_of(devices[0])


def blocks_of(device: Device) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading_block WHERE device_id = %s", [device.pk])
        return int(cursor.fetchone()[0])


def test_a_day_with_a_row_that_is_in_no_block_stays(
    devices: list[Device], caplog: pytest.LogCaptureFixture
) -> None:
    store(devices, layouts_of(devices), usual(), now=LATER)
    compact_all()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM reading_block WHERE device_id = %s AND hour = %s",
            [devices[0].pk, DAY + 2 * HOUR],
        )

    assert hand_over() == []

    assert hot_rows() == len(usual())
    assert "compacting.differs" in caplog.text
    assert CompactedHour.objects.get(hour=DAY + 2 * HOUR).differing == 1
    assert not Handover.objects.exists()
    # It is mended by the next run, and then goes.
    compact_all()
    assert hand_over() == ["reading_20261110"]
    assert block_rows() == len(usual())


def test_samples_that_come_between_check_and_drop_keep_the_day(devices: list[Device]) -> None:
    layouts = layouts_of(devices)
    store(devices, layouts, usual(), now=LATER)
    compact_all()
    compacting.hand_over(now=LATER)
    store(devices, layouts, [(1, 3601.5, 0, [7.0, 7.0], 7.0, 0)], now=LATER)

    assert compacting.hand_over(now=LATER + HOUR) == []

    compact_all()
    assert hand_over(LATER + HOUR) == ["reading_20261110"]
    assert block_rows() == len(usual()) + 1


def test_a_row_that_came_without_a_note_after_the_drop_is_found(devices: list[Device]) -> None:
    layouts = layouts_of(devices)
    store(devices, layouts, usual(), now=LATER)
    compact_all()
    hand_over()
    batch = ingest.Batch(
        [
            make_group(
                layout_id=layouts[0],
                device_ids=[devices[0].pk],
                at=[DAY.timestamp() + 7.5],
                values=[[1.0, 2.0]],
                counters=[[3.0]],
            )
        ]
    )
    history.prepare(batch)
    history.append(batch)

    assert hand_over() == []
    compact_all()
    assert hand_over() == ["reading_20261110"]
    assert block_rows() == len(usual()) + 1


def test_the_first_of_two_rows_of_one_moment_stays(devices: list[Device]) -> None:
    layouts = layouts_of(devices)
    store(devices, layouts, [(0, 60.0, 0, [1.0, 1.0], 1.0, 0)], now=LATER)
    compact_all()
    hand_over()

    store(devices, layouts, [(0, 60.0, 0, [2.0, 2.0], 2.0, 0)], now=LATER)
    compact_all()

    (ua,) = history.series(points=[(devices[0].pk, "Ua")], start=DAY, end=DAY + HOUR)
    assert ua.value == [1.0]
    assert block_rows() == 1


def test_flags_and_quality_are_kept(devices: list[Device]) -> None:
    store(devices, layouts_of(devices), [(0, 60.0, 0, [1.0, math.nan], 1.0, 1)], now=LATER)

    compact_all()

    with connection.cursor() as cursor:
        cursor.execute("SELECT data, rows, good_1, good_2 FROM reading_block")
        data, *counts = cursor.fetchone()
    rows = Block(data).whole()
    assert (rows.quality.tolist(), rows.flags, counts) == ([1], [b"\x01"], [1, 1, 0])


def test_late_samples_of_a_handed_day_are_counted_once_they_are_in_a_block(
    devices: list[Device],
) -> None:
    layouts = layouts_of(devices)
    store(devices, layouts, usual(60), now=LATER)
    compact_all()
    hand_over()
    LateHour.objects.all().delete()

    store(devices, layouts, [(0, 4000.0, 0, [1.0, 1.0], 1.0, 0)], now=LATER)
    LateHour.objects.all().delete()
    compact_all()

    assert list(LateHour.objects.values_list("hour", flat=True)) == [DAY + HOUR]


def test_days_that_are_to_stay_as_rows_stay(devices: list[Device]) -> None:
    store(devices, layouts_of(devices), usual(60), now=LATER)
    compact_all()
    Retention.objects.filter(kind="rows").update(days=10)

    assert hand_over() == []
    assert hand_over(LATER + timedelta(days=1)) == ["reading_20261110"]


@pytest.mark.parametrize(
    ("kind", "days", "verdict"),
    [
        ("rows", 2, "fine"),
        ("rows", 1, "refused"),
        ("blocks", 3660, "fine"),
        ("blocks", 3661, "refused"),
        # Two days as rows, one week in blocks at least.
        ("rows", 90, "fine"),
        ("rows", 89, "fine"),
        ("blocks", 7, "fine"),
        ("tallies", 30, "refused"),
    ],
)
def test_days_outside_the_bounds_are_refused(db: None, kind: str, days: int, verdict: str) -> None:
    row = Retention.objects.get(kind=kind)
    row.days = days

    if verdict == "fine":
        row.full_clean()
    else:
        with pytest.raises(ValidationError, match="须在"):
            row.full_clean()


def test_rows_are_not_kept_longer_than_blocks(db: None) -> None:
    Retention.objects.filter(kind="rows").update(days=30)
    blocks = Retention.objects.get(kind="blocks")
    blocks.days = 29

    with pytest.raises(ValidationError, match="不能比压缩的保留更久"):
        blocks.full_clean()


def test_what_is_past_the_retention_goes(devices: list[Device]) -> None:
    store(devices, layouts_of(devices), usual(60), now=LATER)
    compact_all()
    hand_over()
    Retention.objects.filter(kind="blocks").update(days=30)

    gone = compacting.forget_old(now=DAY + timedelta(days=44))

    assert gone == ["reading_block_20261108"]
    assert not block_rows()


@pytest.mark.django_db(transaction=True)
def test_a_writer_and_the_compaction_of_one_hour_do_not_lose_a_row() -> None:
    version = make_template_version(value_codes=("Ua", "P"), counter_codes=("EPI",))
    bus = make_bus(gateway=make_gateway())
    devices = [make_device(bus=bus, unit_id=1, template_version=version)]
    layouts = layouts_of(devices)
    store(devices, layouts, [(0, 0.5, 0, [0.0, 0.0], 0.0, 0)], now=LATER)
    compact_all()
    hand_over()
    is_writing = threading.Event()
    is_writing.set()

    def write() -> None:
        try:
            for number in range(1, 41):
                sample = (0, number * 10.0, 0, [float(number), 1.0], 1.0, 0)
                store(devices, layouts, [sample], now=LATER)
        finally:
            is_writing.clear()
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while is_writing.is_set():
            compacting.compact(now=LATER)
            (ua,) = history.series(points=[(devices[0].pk, "Ua")], start=DAY, end=DAY + HOUR)
            seen = [value for value in ua.value if value is not None]
            # In the order of writing, none is ever missing in between.
            assert seen == [float(number) for number in range(len(seen))]
        thread.join(30)
        compact_all()

        assert (hot_rows(), block_rows()) == (0, 41)
    finally:
        thread.join(30)
        history.drop_partitions(before=date.max)

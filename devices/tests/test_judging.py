"""Samples that cannot be believed are flagged, left out by every reader, and said to be so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from devices import history
from devices.drivers import judging as rules
from devices.drivers.counters import Counter, Segment
from devices.history.partitions import forget_known
from devices.models import Device, FlaggedStretch, PointCode, ReopenedHour
from devices.services import compacting, judging
from devices.states import FlagKind, Quality
from devices.tests.factories import (
    make_bus,
    make_device,
    make_gateway,
    make_template_version,
)
from devices.tests.samples import make_batch
from sites.tests.factories import make_circuit, make_room, make_site

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)
CODES = ("Ua", "P", "T1", "EPI")


def test_only_what_neither_moves_nor_rests_at_zero_stands_still() -> None:
    columns = np.array(
        [
            [230.0, 0.0, 1.0],
            [230.0, 0.0, np.nan],
            [230.0, 0.0, 1.0],
            [231.0, 5.0, 7.0],
            [231.0, 5.0, 8.0],
        ]
    )

    held = rules.still(columns, np.array([0, 3]))

    assert held[0].tolist()[0] == 230
    assert np.isnan(held[0][1])
    assert held[0][2] == 1
    assert held[1].tolist()[:2] == [231, 5]
    assert np.isnan(held[1][2])


def test_one_sample_far_from_both_neighbours_is_a_jump_and_a_new_level_is_none() -> None:
    column = np.array([20.0, 21, 95, 21, 22, 60, 61, np.nan, 62, 20, 90])
    device = np.array([0] * 9 + [1] * 2)

    assert rules.isolated(column, device, 30.0).tolist() == [2]


def test_a_counter_that_comes_back_was_false_in_between_and_one_that_does_not_counts_anew() -> None:
    back = rules.broken([0, 1, 2, 3, 4], [100, 101, 0, 0, 102], Counter())
    anew = rules.broken([0, 1, 2, 3], [100, 0, 1, 2], Counter())
    over = rules.broken([0, 1], [99_999, 3], Counter((Segment(rolls_at=100_000.0),)))

    assert [(one.first, one.last, one.has_fallen, one.is_open) for one in back] == [
        (2, 3, True, False)
    ]
    assert [(one.first, one.last, one.is_open) for one in anew] == [(1, 1, True)]
    assert over == []


def test_a_counter_cannot_rise_faster_than_its_place_allows() -> None:
    counter = Counter(most_kw=100.0)

    (one,) = rules.broken([0, 3600, 7200, 10800], [1000, 1050, 9000, 1150], counter)

    assert (one.first, one.last, one.has_fallen) == (2, 2, False)
    at_us = np.arange(4) * 3600 * 10**6
    column, device = np.array([1000.0, 1050, 9000, 9100]), np.zeros(4, np.int64)
    assert rules.odd_counters(column, at_us, device, np.array([100.0])).tolist() == [2]
    assert rules.odd_counters(column, at_us, device, np.array([np.nan])).tolist() == []


def test_flags_name_points_by_bits() -> None:
    marks = rules.named([None, b"\x05", b"\x00\x01"], 9)

    assert np.argwhere(marks).tolist() == [[1, 0], [1, 2], [2, 8]]
    assert rules.runs(np.array([False, True, True, False, True])) == [(1, 2), (4, 4)]


@pytest.fixture
def device(db: None) -> Device:
    forget_known()
    site = make_site(timezone="Asia/Shanghai")
    version = make_template_version(value_codes=CODES[:3], counter_codes=CODES[3:])
    PointCode.objects.filter(code__in=("Ua", "P", "EPI")).update(frozen_after_h=6)
    PointCode.objects.filter(code="T1").update(largest_step=30)
    bus = make_bus(gateway=make_gateway(site=site, period_s=600))
    return make_device(bus=bus, unit_id=1, template_version=version)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def store(
    device: Device, rows: dict[int, tuple[float, float, float, float]], **facts: object
) -> None:
    """Samples by the number of their ten minutes; and everything that follows from closed hours."""
    numbers = sorted(rows)
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * len(rows),
        at=[(START + STEP * number).timestamp() for number in numbers],
        values=[rows[number][:3] for number in numbers],
        counters=[rows[number][3:] for number in numbers],
        **facts,
    )
    history.prepare(batch)
    history.append(batch)
    history.note_late(batch, now=START + timedelta(days=2))
    follow()


def follow() -> None:
    """Compact, judge, and again, until nothing is left to do."""
    now = START + timedelta(days=2)
    while compacting.compact(now=now).hours or judging.judge(now=now):
        pass
    assert not ReopenedHour.objects.exists()


def ordinary(hours: int) -> dict[int, tuple[float, float, float, float]]:
    """Samples every ten minutes: everything moves."""
    return {
        n: (230.0 + n % 5 / 10, 60.0 + n % 7, 25.0 + n % 3 / 10, 1000.0 + 10 * n)
        for n in range(hours * 6)
    }


def flagged(device: Device) -> list[tuple[str, str, datetime, datetime, int]]:
    rows = FlaggedStretch.objects.filter(device=device, is_excluded=True).order_by("start_at")
    return [(row.code, row.kind, row.start_at, row.end_at, row.count) for row in rows]


def figures(device: Device, code: str, hours: int = 12) -> history.Statistics:
    (found,) = history.series(
        points=[(device.pk, code)], start=START, end=START + timedelta(hours=hours)
    )
    return found.statistics


def test_a_value_that_stood_still_for_six_hours_is_left_out(device: Device) -> None:
    rows = ordinary(12)
    for number in range(9, 51):
        rows[number] = (231.7, *rows[number][1:])
    store(device, rows)

    assert flagged(device) == [("Ua", FlagKind.FROZEN, at(90), at(500), 42)]
    assert figures(device, "Ua").count == 72 - 42
    assert figures(device, "P").count == 72
    assert figures(device, "Ua").maximum == pytest.approx(230.4)


def test_five_hours_or_no_load_are_no_reason(device: Device) -> None:
    rows = ordinary(12)
    for number in range(6, 36):
        rows[number] = (231.7, *rows[number][1:])
    for number in range(72):
        rows[number] = (rows[number][0], 0.0, 25.0, 1000.0)
    store(device, rows)

    assert flagged(device) == []
    assert not FlaggedStretch.objects.exists()


def test_a_counter_that_rests_under_load_is_frozen(device: Device) -> None:
    rows = {n: (*row[:3], 1000.0) for n, row in ordinary(8).items()}
    store(device, rows)

    assert [row[:2] for row in flagged(device)] == [("EPI", FlagKind.FROZEN)]


def test_false_zeros_of_a_counter_are_left_out_and_energy_stays_right(device: Device) -> None:
    rows = ordinary(12)
    for number in range(10, 22):
        rows[number] = (*rows[number][:3], 0.0)
    store(device, rows)

    assert flagged(device) == [("EPI", FlagKind.BACKWARDS, at(100), at(210), 12)]
    assert figures(device, "EPI").minimum == 1000
    used = history.energies(device_ids=[device.pk], code="EPI", edges=[START, at(600)])
    assert used[device.pk].amount.tolist() == [600]
    assert used[device.pk].odd.tolist() == [0]


def test_a_jump_beyond_the_capacity_of_the_place_is_left_out(device: Device) -> None:
    device.circuit = make_circuit(room=make_room(site=device.site), rated_current_a=200)
    device.save()
    rows = ordinary(4)
    rows[8] = (*rows[8][:2], 95.0, 90_000.0)
    store(device, rows)

    assert sorted(row[:3] for row in flagged(device)) == [
        ("EPI", FlagKind.JUMP, at(80)),
        ("T1", FlagKind.JUMP, at(80)),
    ]
    assert figures(device, "T1").maximum < 26


def test_what_never_had_a_number_is_told_by_its_point(device: Device) -> None:
    rows = ordinary(3)
    for number in range(4, 9):
        rows[number] = (float("nan"), *rows[number][1:])
    flags = [b"\x01" if 4 <= number < 9 else None for number in range(18)]
    quality = [1 if flag else 0 for flag in flags]
    store(device, rows, flags=flags, quality=quality)

    assert flagged(device) == [("Ua", FlagKind.INVALID, at(40), at(80), 5)]


def test_late_samples_are_judged_and_the_same_is_found_once(device: Device) -> None:
    rows = ordinary(4)
    late = {8: (*rows[8][:2], 95.0, rows[8][3])}
    store(device, {number: row for number, row in rows.items() if number != 8})
    assert flagged(device) == []

    store(device, late)
    store(device, {23: rows[23], 24: rows[23]})

    assert flagged(device) == [("T1", FlagKind.JUMP, at(80), at(80), 1)]


Row = tuple[float, float, float, float]


def late(device: Device, rows: dict[int, Row], *numbers: int) -> list[Any]:
    """What is flagged before and after some of the samples came late."""
    store(device, {number: row for number, row in rows.items() if number not in numbers})
    before = flagged(device)
    store(device, {number: rows[number] for number in numbers})
    return [before, flagged(device)]


def test_late_samples_that_move_take_the_flag_back(device: Device) -> None:
    """What is left on either side stood still for 200 and 190 minutes."""
    rows = ordinary(12)
    for number in range(9, 51):
        rows[number] = (231.7, *rows[number][1:])
    rows[30] = (229.5, *rows[30][1:])

    before, after = late(device, rows, 30)

    assert before == [("Ua", FlagKind.FROZEN, at(90), at(500), 41)]
    assert after == []
    assert figures(device, "Ua").count == 72


def test_what_still_stood_still_for_long_enough_stays_flagged(device: Device) -> None:
    """To the first late sample 530 minutes, from the last on only 280."""
    rows = ordinary(16)
    for number in range(6, 91):
        rows[number] = (231.7, *rows[number][1:])
    rows[60], rows[62] = (229.5, *rows[60][1:]), (229.5, *rows[62][1:])

    before, after = late(device, rows, 60, 62)

    assert before == [("Ua", FlagKind.FROZEN, at(60), at(900), 83)]
    assert after == [("Ua", FlagKind.FROZEN, at(60), at(590), 54)]
    assert figures(device, "Ua", hours=16).count == 96 - 54


def test_late_neighbours_make_a_jump_a_level(device: Device) -> None:
    """Also when they are of the hour before: 95 at two o'clock sharp, and late at ten to two."""
    rows = ordinary(4)
    for number in (7, 8, 11, 12):
        rows[number] = (*rows[number][:2], 95.0, rows[number][3])

    before, after = late(device, rows, 8, 11)

    assert before == [
        ("T1", FlagKind.JUMP, at(70), at(70), 1),
        ("T1", FlagKind.JUMP, at(120), at(120), 1),
    ]
    assert after == []
    assert figures(device, "T1").maximum == 95


def test_late_false_readings_make_a_stretch_longer(device: Device) -> None:
    rows = ordinary(4)
    for number in range(8, 11):
        rows[number] = (*rows[number][:3], 5.0)

    before, after = late(device, rows, 8, 10)

    assert before == [("EPI", FlagKind.BACKWARDS, at(90), at(90), 1)]
    assert after == [("EPI", FlagKind.BACKWARDS, at(80), at(100), 3)]
    used = history.energies(device_ids=[device.pk], code="EPI", edges=[START, at(200)])
    assert used[device.pk].amount.tolist() == [200]


def test_a_late_number_divides_what_had_none(device: Device) -> None:
    rows = ordinary(3)
    for number in range(4, 9):
        rows[number] = (float("nan"), *rows[number][1:])
    odd = {number: row for number, row in rows.items() if number != 6}
    flags = [b"\x01" if 4 <= number < 9 else None for number in odd]
    store(device, odd, flags=flags, quality=[1 if flag else 0 for flag in flags])

    store(device, {6: (230.1, *rows[6][1:])})

    assert flagged(device) == [
        ("Ua", FlagKind.INVALID, at(40), at(50), 2),
        ("Ua", FlagKind.INVALID, at(70), at(80), 2),
    ]


def test_readers_say_the_same_of_samples_and_of_roll_ups(device: Device) -> None:
    rows = ordinary(12)
    rows[8] = (*rows[8][:2], 95.0, rows[8][3])
    store(device, rows)
    ask = {"points": [(device.pk, "T1")], "edges_us": history.edges_of(START, at(720), 900)}
    (rolled,) = history.on_slots(**ask)

    history.note_reopened([START + timedelta(hours=hour) for hour in range(12)])
    (samples,) = history.on_slots(**ask)

    assert rolled.count.ravel().tolist() == samples.count.ravel().tolist()
    assert np.nanmax(rolled.value) < 26
    (lines,) = history.by_sample(points=[(device.pk, "T1")], start=at(70), end=at(91))
    assert lines.quality.ravel().tolist() == [Quality.GOOD, Quality.SUSPECT, Quality.GOOD]
    assert np.isnan(lines.value[1, 0])
    means = history.means(device_ids=[device.pk], code="T1", start=at(60), end=at(120), step_s=3600)
    assert means[device.pk][0] < 26
    (trend,) = history.trends(
        points=[(device.pk, "T1")], start=at(60), end=at(120), slices=1
    ).values()
    assert trend[0].high < 26

"""Write a month, compress it, read it before and after, cold and warm."""

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import Error, connection

from benchmarks.inside.facts import CpuClock, arguments, make_tables, report
from benchmarks.inside.signals import COUNTERS, POINTS, VALUES, Meters
from devices import history
from devices.history import BLOCKS, DAYS, FOLDED, QUARTERS, Batch
from devices.models import CompactedHour, Layout, RolledDay
from devices.services import compacting, rolling

START = datetime(2026, 10, 1, tzinfo=UTC)
ZONE = "UTC"
WIDTH_PX = 1200
WARM, COLD = 5, 3
_PATIENCE_S = 30.0
_NOTICED_S = 1.0
_DAY = timedelta(days=1)


def main() -> None:
    """Measure and report."""
    parser = arguments("Storing, compressing and reading history.")
    parser.add_argument("--devices", type=int, default=30, help="meters of 40 points (30)")
    parser.add_argument("--days", type=int, default=31, help="days of history (31)")
    parser.add_argument("--no-cold", action="store_true", help="leave out the cold reads")
    options = parser.parse_args()
    make_tables()
    # No template has it: nothing but the history knows it.
    layout = Layout.objects.create(
        key="benchmark", value_codes=list(VALUES), counter_codes=list(COUNTERS)
    )
    kinds = {
        kind: _stored(Meters(options.devices, kind), layout.pk, days)
        for kind, days in (("noise", 1), ("floats", 1), ("decimals", options.days))
    }
    reading = {}
    with _without_roll_ups():
        reading["rows"] = _curves(options)
        _hand_over(options.days)
        reading["blocks"] = _curves(options)
    reading["roll_ups"] = _curves(options)
    report(
        "history",
        {
            "compact_bytes_per_point": kinds["decimals"]["block_bytes_per_point"],
            "devices": options.devices,
            "days": options.days,
            "signals": kinds,
            "milliseconds": reading,
        },
        options.json,
    )


@contextmanager
def _without_roll_ups() -> Iterator[None]:
    """As if no hour and no day were rolled up."""
    CompactedHour.objects.update(is_rolled=False)
    RolledDay.objects.update(rolled_at=None)
    yield
    CompactedHour.objects.update(is_rolled=True)
    RolledDay.objects.update(rolled_at=START)


def _stored(meters: Meters, layout_id: int, days: int) -> dict[str, Any]:
    """Write and compress so many days of one kind of signal; what is left of the kind before goes."""
    _empty()
    written = {"worker": 0.0, "postgres": 0.0}
    points = 0
    for day in range(days):
        start = (START + day * _DAY).timestamp()
        for group in meters.samples(start, start + 86_400, layout_id):
            batch = Batch([group])
            clock = CpuClock()
            history.prepare(batch)
            history.append(batch)
            for who, seconds in clock.spent().items():
                written[who] = written.get(who, 0.0) + seconds
            points += batch.rows * POINTS
    clock = CpuClock()
    now = START + (days + 1) * _DAY
    while compacting.compact(now=now).hours:
        pass
    compressed = clock.spent()
    clock = CpuClock()
    for day in range(days):
        midnight = START + day * _DAY
        history.roll_day(midnight, midnight + _DAY, range(1, meters.count + 1))
        RolledDay.objects.create(zone=ZONE, day=midnight.date(), noted_at=now, rolled_at=now)
    joined = clock.spent()
    hours = _size(history.partitions(QUARTERS))
    clock = CpuClock()
    while rolling.fold_days(now=now + 3 * _DAY):
        pass
    folded = clock.spent()
    payload = sum(CompactedHour.objects.values_list("size_bytes", flat=True))
    return {
        "points": points,
        "row_bytes_per_point": round(_size(history.partitions()) / points, 2),
        "block_bytes_per_point": round(_size(history.partitions(BLOCKS)) / points, 3),
        "payload_bytes_per_point": round(payload / points, 3),
        "hour_rows_bytes_per_point": round(hours / points, 3),
        "quarter_bytes_per_point": round(_size(history.partitions(FOLDED)) / points, 3),
        "day_bytes_per_point": round(_size(history.partitions(DAYS)) / points, 4),
        "write_cpu_s_per_million_points": _per_million(written, points),
        # Blocks and quarters in one pass.
        "compact_cpu_s_per_million_points": _per_million(compressed, points),
        "days_cpu_s_per_million_points": _per_million(joined, points),
        "fold_cpu_s_per_million_points": _per_million(folded, points),
    }


def _empty() -> None:
    end = START + timedelta(days=4000)
    history.drop_partitions(before=end.date())
    for table in (BLOCKS, QUARTERS, FOLDED, DAYS):
        history.drop_partitions(before=end.date(), table=table)
    CompactedHour.objects.all().delete()
    RolledDay.objects.all().delete()


def _hand_over(days: int) -> None:
    now = START + (days + 30) * _DAY
    compacting.hand_over(now=now, budget_s=600)
    while len(compacting.hand_over(now=now + _DAY, budget_s=600)):
        pass
    if history.partitions():
        raise SystemExit("a day was not handed over")


def _size(parts: list[history.Partition]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM reading, reading_block, rollup_quarter, rollup_folded, rollup_day")
    return sum(part.size_bytes for part in parts)


def _per_million(seconds: dict[str, float], points: int) -> dict[str, float]:
    return {
        name: round(1e6 * seconds[who] / points, 3)
        for name, who in (("python", "worker"), ("postgresql", "postgres"))
    }


def _curves(options: Any) -> dict[str, Any]:
    """Milliseconds of each question: the median when warm, and when nothing is in memory."""
    days, devices = options.days, options.devices
    month = START + days * _DAY
    week = START + min(7, days) * _DAY
    line = ("Ua", "Ub", "Uc", "Ia", "Ib", "Ic", "PFa", "PFb", "PFc")

    def curve(device: int) -> None:
        history.series(points=[(device, "P")], start=START, end=month, max_points=2 * WIDTH_PX)

    def by_days(device: int) -> None:
        _days(options, [(device, "P")])

    def maxima(device: int) -> None:
        _days(options, [(device, code) for code in line])

    def many(device: int) -> None:
        points = [
            (1 + (device + other) % devices, code)
            for other in range(min(5, devices))
            for code in ("Ua", "Ia", "P", "PF")
        ]
        history.series(points=points, start=START, end=week, max_points=2 * WIDTH_PX)

    asked = {
        "month_of_a_point": curve,
        "day_maxima_of_a_line": maxima,
        "all_days_of_a_point": by_days,
        "20_points_7_days": many,
    }
    return {
        name: {
            "warm": _median([1] * WARM, ask, before=lambda: None),
            **(
                {"cold": _median([1 + n % devices for n in range(COLD)], ask, before=_cool)}
                if not options.no_cold
                else {}
            ),
        }
        for name, ask in asked.items()
    }


def _days(options: Any, points: list[tuple[int, str]]) -> None:
    """Figures of each day."""
    until = (START + options.days * _DAY).date()
    found = history.days(points=points, first=START.date(), until=until, zone=ZONE)
    if not all(day.maximum_at for days in found.values() for day in days):
        raise SystemExit("a day has no maximum")


def _median(devices: list[int], ask: Callable[[int], None], *, before: Callable[[], None]) -> float:
    ask(devices[0])
    took = []
    for device in devices:
        before()
        begin = time.perf_counter()
        ask(device)
        took.append(1000 * (time.perf_counter() - begin))
    return round(statistics.median(took), 1)


def _cool() -> None:
    """Nothing of the tables in memory: neither in PostgreSQL's buffers nor in the system's."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    # A backend that dies makes PostgreSQL begin anew with empty buffers, in the same process.
    os.kill(pid, signal.SIGKILL)
    time.sleep(_NOTICED_S)
    _wait()
    for path in (folder / "base").rglob("*"):
        with suppress(OSError), path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _wait() -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        connection.close()
        with suppress(Error):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return
        time.sleep(0.05)
    raise SystemExit("PostgreSQL did not come back")

"""The whole product at work on a district or ten: polling, storing, rules, live pages, requests.

Everything runs as in service, each part in its own process, and so do the meters. Every answer of a
meter is compared with what is in the table at the end.
"""

import argparse
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from numpy.typing import NDArray

from alarms.models import Alarm
from benchmarks.inside import crowd, district, parts, region
from benchmarks.inside.addresses import free_port, free_ports
from benchmarks.inside.audience import Heard, Script, audience
from benchmarks.inside.facts import arguments, make_tables, report
from benchmarks.inside.field import UNITS, Role, field, role_of
from benchmarks.inside.pages import AIMED, PAGES, _ids
from config.crew import Crew
from config.processes import Address
from devices.models import Device, Gateway, PollShard
from sites.models import User

DISTRICT_GATEWAYS = region.DISTRICT.sites
POINTS = len(district.VALUES) + len(district.COUNTER_CODES)
WINDOWS = 50
PAGE_PAUSE_S = 1.0
LOWER = 0.9
LAST_ANSWERS_S = 5.0


@dataclass(slots=True)
class Window:
    """What happened between two moments, in epoch seconds."""

    begin: float
    end: float
    late_cycles: int
    cycles_ms: list[float]
    cpu_s: dict[str, float]
    memory_mb: dict[str, float]

    @property
    def seconds(self) -> float:
        return self.end - self.begin


def main() -> None:
    """Measure and report."""
    options = _options()
    make_tables()
    begun = time.perf_counter()
    gateways = round(DISTRICT_GATEWAYS * options.districts * options.scale)
    port = free_ports(2 * options.shards)
    people = _build(options, gateways, port)
    connection.close()
    print(f"built in {time.perf_counter() - begun:.0f} s", flush=True)
    home = Path(os.environ["DIANWU_HOME"])
    name = "district" if options.districts == 1 else "ten_districts"
    address = Address(host="127.0.0.1", port=free_port())
    with (
        field(
            gateways=gateways, ports=range(port, port + 2 * options.shards, 2), folder=home
        ) as meters,
        parts.running(home=home, address=address, poll_shards=options.shards) as crew,
        _looked_at(options, address.port, people, home) as (watching, heard),
    ):
        others = {process.pid: "meters" for process in meters.processes}
        others |= {watching: "audience"} if watching else {}
        windows = list(_windows(options, crew, others))
        # An answer that is under way when its worker is stopped is nobody's.
        meters.signal(signal.SIGUSR1)
        _wait(crew, LAST_ANSWERS_S)
    figures = _figures(options, windows, heard)
    figures |= _compared(meters.answered())
    report(name, figures, options.json)


def _options() -> argparse.Namespace:
    parser = arguments("The whole product at work on a district, or ten.")
    parser.add_argument("--districts", type=int, default=1, help="of 17,761 gateways each (1)")
    parser.add_argument("--minutes", type=float, default=15, help="measured minutes (15)")
    parser.add_argument("--shards", type=int, default=1, help="poll workers (1)")
    parser.add_argument("--scale", type=float, default=1.0, help="a part of the gateways (1.0)")
    parser.add_argument("--warm-up", type=float, default=150, help="seconds before it (150)")
    parser.add_argument("--period", type=int, default=60, help="seconds between samples (60)")
    parser.add_argument("--attempts", type=int, default=4, help="windows at most (4)")
    parser.add_argument("--bare", action="store_true", help="nobody looks on")
    return parser.parse_args()


def _build(options: argparse.Namespace, gateways: int, port: int) -> dict[str, User]:
    """A district with all its papers, or ten of places and meters alone."""
    if options.districts == 1:
        size = replace(
            region.DISTRICT, enterprises=gateways, sites=gateways, devices=gateways * UNITS
        )
        people = region.build(size, now=timezone.now()).people
        crowd.scatter(shards=options.shards, port=port, period_s=options.period)
        return people
    crowd.build(gateways=gateways, shards=options.shards, port=port, period_s=options.period)
    return {"district": User.objects.create(username="bench", is_superuser=True)}


# --- Who looks on


@contextmanager
def _looked_at(
    options: argparse.Namespace, port: int, people: dict[str, User], home: Path
) -> Iterator[tuple[int, Heard]]:
    """Pid of the audience, 0 for none, and what it will have heard."""
    if options.bare:
        yield 0, Heard()
        return
    cookies = {name: _cookie(user) for name, user in people.items()}
    names = [name for name in cookies if name != "manager"]
    pages = [
        (cookies[name], address.format(**ids))
        for name in names
        for ids in [_ids_of(people[name])]
        for title, address in PAGES
        if title in AIMED
    ]
    windows = [
        (cookies[names[n % len(names)]], _devices_of(people[names[n % len(names)]], n))
        for n in range(WINDOWS)
    ]
    script = Script(port, settings.SESSION_COOKIE_NAME, windows, pages, PAGE_PAUSE_S)
    with audience(script, folder=home) as (process, heard):
        yield process.pid, heard


def _ids_of(user: User) -> dict[str, int]:
    device = Device.objects.visible_to(user).order_by("pk").first()
    assert device is not None  # noqa: S101 - everybody here sees some
    return _ids(user, region.Region(people={}, sites=[device.site], devices=[device]))


def _devices_of(user: User, number: int) -> list[int]:
    """The meters of one site that this person may see."""
    sites = Device.objects.visible_to(user).order_by("site_id").values_list("site_id").distinct()
    count = sites.count()
    (site_id,) = sites[number * 37 % count]
    return list(Device.objects.filter(site_id=site_id).values_list("pk", flat=True))


def _cookie(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


# --- Measuring


def _windows(options: argparse.Namespace, crew: Crew, others: dict[int, str]) -> Iterator[Window]:
    """Measured windows until one has no late cycle, each with fewer gateways than the one before."""
    keep = 1.0
    for attempt in range(options.attempts):
        print(f"  warming up, {keep:.0%} of the gateways", flush=True)
        # Plan, connections, first slots, and the first alarms of the change from nothing.
        _wait(crew, options.warm_up)
        window = _measure(options, crew, others)
        yield window
        if options.districts == 1 or not window.late_cycles or attempt == options.attempts - 1:
            return
        keep *= LOWER
        crowd.thin_out(keep=keep)


def _measure(options: argparse.Namespace, crew: Crew, others: dict[int, str]) -> Window:
    groups = parts.groups_of(crew, others)
    cpu, late, begin = parts.cpu_s(groups), _late_cycles(), time.time()
    cycles_ms: list[float] = []
    until = time.monotonic() + 60 * options.minutes
    told = time.monotonic()
    while time.monotonic() < until:
        _wait(crew, 1.0)
        found = PollShard.objects.values_list("cycle_ms", flat=True)
        cycles_ms += [ms for ms in found if ms is not None]
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"  late cycles {_late_cycles() - late}, {_spent(groups, cpu)}", flush=True)
    end = time.time()
    spent = parts.cpu_s(groups)
    return Window(
        begin=begin,
        end=end,
        late_cycles=_late_cycles() - late,
        cycles_ms=cycles_ms,
        cpu_s={name: spent[name] - cpu.get(name, 0.0) for name in spent},
        memory_mb=parts.memory_mb(groups),
    )


def _spent(groups: dict[int, str], before: dict[str, float]) -> dict[str, float]:
    now = parts.cpu_s(groups)
    return {name: round(now[name] - before.get(name, 0.0), 1) for name in now}


def _wait(crew: Crew, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0:
        crew.tick()
        time.sleep(min(1.0, rest))


def _late_cycles() -> int:
    return sum(PollShard.objects.values_list("late_cycles", flat=True))


# --- What came of it


def _figures(options: argparse.Namespace, windows: list[Window], heard: Heard) -> dict[str, Any]:
    best = windows[-1]
    rows, points = _stored(best)
    cores = {name: round(seconds / best.seconds, 3) for name, seconds in best.cpu_s.items()}
    collecting = sum(value for name, value in cores.items() if name.startswith("poll."))
    is_sustained = best.late_cycles == 0
    rate = round(points / best.seconds)
    return {
        "sustained_points_per_s": rate if is_sustained else 0,
        "points_per_s": rate,
        "late_cycles": best.late_cycles,
        "late_cycles_of_earlier_windows": [window.late_cycles for window in windows[:-1]],
        "minutes": round(best.seconds / 60, 2),
        "gateways": Gateway.objects.filter(is_enabled=True).count(),
        "gateways_by_role": _roles(Gateway.objects.count()),
        "devices": Device.objects.count(),
        "rows_stored": rows,
        "cycle_ms": _percentiles(best.cycles_ms),
        "cores": cores,
        "cores_of_collecting": round(collecting, 3),
        "cores_of_all": round(sum(cores.values()), 2),
        "memory_mb": best.memory_mb,
        "open_alarms": Alarm.objects.open().count(),
        **_looked_on(heard, best),
    }


def _stored(window: Window) -> tuple[int, int]:
    """Rows and points with a time in the window."""
    begin, end = (datetime.fromtimestamp(moment, UTC) for moment in (window.begin, window.end))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading WHERE at >= %s AND at < %s", [begin, end])
        (rows,) = cursor.fetchone()
    return rows, rows * POINTS


def _compared(answered: NDArray[np.int64]) -> dict[str, Any]:
    """Every answer that a meter gave against every row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.gateway_id, d.unit_id, count(r.at) FROM devices_device d"
            " JOIN devices_bus b ON b.id = d.bus_id"
            " LEFT JOIN reading r ON r.device_id = d.id"
            " GROUP BY b.gateway_id, d.unit_id ORDER BY 1, 2"
        )
        stored = np.array([count for *_who, count in cursor.fetchall()]).reshape(-1, UNITS)
    missing = answered - stored
    total = int(answered.sum())
    return {
        "samples_answered": total,
        "samples_stored": int(stored.sum()),
        "samples_missing": int(missing[missing > 0].sum()),
        "rows_without_an_answer": int(-missing[missing < 0].sum()),
        "stored_ratio": round(float(stored.sum()) / max(total, 1), 6),
    }


def _looked_on(heard: Heard, window: Window) -> dict[str, Any]:
    pages = [page for page in heard.pages if window.begin <= page[0] < window.end]
    if not pages:
        return {}
    failures = [page for page in pages if page[3] != 200]
    return {
        **_told(heard, window),
        "page_ms": _percentiles([1000 * page[2] for page in pages]),
        "page_ms_p95": _percentiles([1000 * page[2] for page in pages])["p95"],
        "pages_failed": len(failures),
        "slowest_pages_ms": _by_address(pages),
        "live_messages": heard.values,
        "live_rows": heard.rows,
        "windows_lost": heard.lost,
    }


def _told(heard: Heard, window: Window) -> dict[str, Any]:
    """Seconds from the sample that raised an alarm, or the moment a link was missed, to its row and to
    every window that heard of it, when it heard of it first.
    """
    begin, end = (datetime.fromtimestamp(moment, UTC) for moment in (window.begin, window.end))
    first: dict[tuple[int, int], float] = {}
    for number, pk, at in heard.alarms:
        first.setdefault((pk, number), at)
    raised = {
        pk: (rule, raised_at.timestamp(), created_at.timestamp())
        for pk, rule, raised_at, created_at in Alarm.objects.filter(
            raised_at__gte=begin, raised_at__lt=end
        ).values_list("pk", "rule__key", "raised_at", "created_at")
    }
    told: list[float] = []
    by_rule: dict[str, list[float]] = {}
    for (pk, _window), at in first.items():
        if pk in raised:
            rule, raised_at, _created_at = raised[pk]
            told.append(at - raised_at)
            by_rule.setdefault(rule, []).append(at - raised_at)
    return {
        "alarm_to_row_s": _percentiles([row - sample for _rule, sample, row in raised.values()]),
        "alarm_to_socket_s": _percentiles(told),
        "alarms_told_again": len(heard.alarms) - len(first),
        "alarm_to_socket_s_by_rule": {rule: _percentiles(some) for rule, some in by_rule.items()},
    }


def _by_address(pages: list[tuple[float, str, float, int]]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}
    for _at, address, took, _status in pages:
        seconds.setdefault(address, []).append(1000 * took)
    medians = {address: round(float(np.median(some)), 1) for address, some in seconds.items()}
    return dict(sorted(medians.items(), key=lambda pair: -pair[1])[:5])


def _percentiles(numbers: list[float]) -> dict[str, float]:
    if not numbers:
        return {"n": 0}
    array = np.array(numbers)
    found = {f"p{q:g}": round(float(np.percentile(array, q)), 3) for q in (50, 95, 99)}
    return {"n": len(array), **found, "max": round(float(array.max()), 3)}


def _roles(gateways: int) -> dict[str, int]:
    roles = [role_of(number) for number in range(gateways)]
    return {role.value: roles.count(role) for role in Role}

"""Each page as each person: how long the server takes, how many queries, how many bytes."""

import argparse
import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alarms.models import Alarm
from alarms.services import links
from benchmarks.inside import crowd, region
from benchmarks.inside.district import COUNTER_CODES, VALUES
from benchmarks.inside.facts import CpuClock, arguments, make_tables, report
from benchmarks.inside.region import Region
from devices import history, live
from devices.history import Batch, LayoutGroup
from devices.models import Device
from reports.services import loads
from workorders.models import Task, WorkOrder

# Targets of the product: what a page may take in a district, and with the demo's size.
DISTRICT_MS, DEMO_MS = 300, 150
HISTORY_DAYS = 30
LATEST_CHUNK = 5000
# How old what is told may get; in service it is told twice a minute.
TOLD_S = 60.0
# Whose CPU a page costs.
PARTS = ("worker", "postgres", "redis")

# Name and address; {…} is the id of something that the person may see.
PAGES: tuple[tuple[str, str], ...] = (
    ("hall", "/"),
    ("hall, refreshed", "/#figures"),
    ("alarms", "/alarms/"),
    ("alarms of all time", "/alarms/?view=all"),
    ("alarms, searched", "/alarms/?view=all&q=纺织"),
    ("alarms, last page", "/alarms/?view=all&page=9999"),
    ("alarm", "/alarms/{alarm}/"),
    ("alarm, curve", "/alarms/{alarm}/curve/"),
    ("sites", "/sites/"),
    ("sites, searched", "/sites/?q=华恒"),
    ("site", "/sites/{site}/"),
    ("site, devices", "/sites/{site}/?tab=devices"),
    ("live", "/live/"),
    ("live, device", "/live/?device={device}"),
    ("live, searched", "/live/?q=水泵"),
    ("live, tree", "/live/tree/{site}/"),
    ("curves", "/curves/?point={device}:Pa&point={device}:Pb&point={device}:Pc"),
    ("curve, day", "/live/series/?point={device}:P&hours=24"),
    ("curve, month", "/live/series/?point={device}:P&hours=720"),
    ("orders", "/orders/"),
    ("board", "/orders/board/"),
    ("order", "/orders/{order}/"),
    ("tasks", "/tasks/"),
    ("task", "/tasks/{task}/"),
    ("calendar", "/calendar/"),
    ("search", "/search/?q=纺织"),
    ("api alarms", "/api/v1/alarms/"),
    ("api sites", "/api/v1/sites/"),
    ("api devices", "/api/v1/devices/"),
)
# Only whoever maintains sites may look at these.
MANAGED: tuple[tuple[str, str], ...] = (
    ("changes", "/changes/"),
    ("changes of devices", "/changes/?kind=device"),
    ("changes, searched", "/changes/?q=ZD0000"),
)
MANAGER = "manager"
# What the targets are about, and `slowest_page_ms`: the hall, the lists, live data, a site's page.
AIMED = frozenset({"hall", "alarms", "sites", "orders", "tasks", "live", "site"})


def main() -> None:
    """Build, measure and report."""
    options = _options()
    now = timezone.now()
    begun = time.perf_counter()
    make_tables()
    size = region.DEMO if options.demo_size else region.DISTRICT
    made = region.build(size, now=now)
    # One gateway in ten is silent, and that is an alarm.
    crowd.scatter(shards=1, port=1, period_s=60)
    links.sweep(now=now)
    world = _World(made)
    world.tell()
    _fill_history(made.devices[0], now)
    built_s = time.perf_counter() - begun
    print(f"built in {built_s:.0f} s", flush=True)
    settings.ALLOWED_HOSTS = ["*"]
    print("status, median, p95, CPU, Python, PostgreSQL (ms); queries; kB", flush=True)
    pages = dict(_measured(world, options))
    aimed = [name for name in pages if name.partition(" · ")[0] in AIMED] or list(pages)
    slowest = max(aimed, key=lambda name: pages[name]["median_ms"])
    dearest = max(aimed, key=lambda name: pages[name]["cpu_ms"])
    report(
        "pages",
        {
            "slowest_page_ms": pages[slowest]["median_ms"],
            "slowest_page": slowest,
            "dearest_page_cpu_ms": pages[dearest]["cpu_ms"],
            "dearest_page": dearest,
            "target_ms": DEMO_MS if options.demo_size else DISTRICT_MS,
            "built_s": round(built_s, 1),
            "rows": {
                "enterprises": size.enterprises,
                "sites": size.sites,
                "devices": size.devices,
                "alarms": size.alarms,
                "open_alarms": Alarm.objects.open().count(),
                "orders": size.orders,
                "tasks": Task.objects.count(),
            },
            "rounds": options.rounds,
            "pages": pages,
        },
        options.json,
    )


def _options() -> argparse.Namespace:
    parser = arguments("Server time of every page in a district.")
    parser.add_argument("--demo-size", action="store_true", help="as many rows as the demo has")
    parser.add_argument("--rounds", type=int, default=7, help="requests of each page (7)")
    parser.add_argument("--only", default="", metavar="WORD", help="pages whose name has it")
    parser.add_argument("--queries", action="store_true", help="print the slow queries of each")
    return parser.parse_args()


class _World:
    """What is told all the time while a district is collected: newest values, loads, figures."""

    def __init__(self, made: Region) -> None:
        self.made = made
        online = set(Device.objects.filter(is_online=True).values_list("pk", flat=True))
        self._devices = [device for device in made.devices if device.pk in online]
        self._told_s = 0.0

    def tell(self) -> None:
        """Tell it again when it is older than in service."""
        if time.monotonic() - self._told_s < TOLD_S:
            return
        now = timezone.now()
        _fill_latest(self._devices, now)
        loads.take(now=now)
        self._told_s = time.monotonic()


def _measured(world: _World, options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    made = world.made
    for who, user in made.people.items():
        client = Client()
        client.force_login(user)
        ids = _ids(user, made)
        for name, address in MANAGED if who == MANAGER else PAGES:
            title = f"{name} · {who}"
            if options.only in title:
                world.tell()
                figures = _page(client, address.format(**ids), options)
                print("  ".join(f"{value:8}" for value in figures.values()), title, flush=True)
                yield title, figures


def _ids(user: Any, made: Region) -> dict[str, int]:
    """Of the first site, which everybody here sees: its device has the month of history."""
    alarm = Alarm.objects.visible_to(user).order_by("pk").first()
    order = WorkOrder.objects.visible_to(user).order_by("pk").first()
    task = Task.objects.visible_to(user).order_by("pk").first()
    return {
        "site": made.sites[0].pk,
        "device": made.devices[0].pk,
        "alarm": alarm.pk if alarm else 0,
        "order": order.pk if order else 0,
        "task": task.pk if task else 0,
    }


def _page(client: Client, address: str, options: argparse.Namespace) -> dict[str, Any]:
    # The first request fills caches of templates and translations, as a running server has them.
    with CaptureQueriesContext(connection) as captured:
        answer = _get(client, address)
    queries = captured.captured_queries
    if options.queries:
        _print_slow(queries)
    clock = CpuClock()
    spent = sorted(_seconds(client, address) for _round in range(options.rounds))
    cpu = clock.spent()
    return {
        "status": answer.status_code,
        "median_ms": round(1000 * statistics.median(spent), 1),
        "p95_ms": round(1000 * spent[max(0, round(0.95 * len(spent)) - 1)], 1),
        # Beside the wall clock, because the machine may have other things to do.
        "cpu_ms": round(1000 * sum(cpu.get(kind, 0.0) for kind in PARTS) / options.rounds, 1),
        "python_cpu_ms": round(1000 * cpu["worker"] / options.rounds, 1),
        "postgres_cpu_ms": round(1000 * cpu.get("postgres", 0.0) / options.rounds, 1),
        "queries": len(queries),
        "kilobytes": round(len(answer.content) / 1000, 1),
    }


def _seconds(client: Client, address: str) -> float:
    begun = time.perf_counter()
    _get(client, address)
    return time.perf_counter() - begun


def _get(client: Client, address: str) -> Any:
    """What stands behind # is asked for as a page's script does."""
    address, _sharp, part = address.partition("#")
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    return client.get(address, headers=headers)


def _print_slow(queries: list[dict[str, str]]) -> None:
    for query in queries:
        if float(query["time"]) > 0.01:
            print(f"    {query['time']} s  {query['sql'][:1500]}", flush=True)


def _fill_latest(devices: list[Device], now: datetime) -> None:
    for start in range(0, len(devices), LATEST_CHUNK):
        live.store(_batch(devices[start : start + LATEST_CHUNK], [now.timestamp()]), now=now)


def _fill_history(device: Device, now: datetime) -> None:
    """A month at one minute."""
    begin = now - timedelta(days=HISTORY_DAYS)
    minutes = [begin.timestamp() + 60 * n for n in range(HISTORY_DAYS * 1440)]
    for start in range(0, len(minutes), 1440):
        batch = _batch([device], minutes[start : start + 1440])
        history.prepare(batch)
        history.append(batch)


def _batch(devices: list[Device], moments: list[float]) -> Batch:
    """Every device at every moment, wandering around the middle of its range."""
    rows = len(devices) * len(moments)
    at = np.tile(np.array(moments, np.float64), len(devices))
    wave = np.sin(at / 9000.0)[:, None]
    middle = np.array([middle for _code, middle, _half in VALUES])
    half = np.array([half for _code, _middle, half in VALUES])
    group = LayoutGroup(
        layout_id=devices[0].template_version.layout_id,
        device_ids=np.repeat(np.array([d.pk for d in devices], np.int64), len(moments)),
        site_ids=np.repeat(np.array([d.site_id for d in devices], np.int64), len(moments)),
        at=at,
        values=(middle + half * wave).astype(np.float32),
        counters=np.repeat((at / 60.0)[:, None], len(COUNTER_CODES), axis=1),
        quality=np.zeros(rows, np.uint8),
        flags=[None] * rows,
    )
    return Batch([group])

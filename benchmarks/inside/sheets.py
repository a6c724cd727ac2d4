"""Export, dry run and import of many devices; the cost of the history's triggers."""

import io
import resource
import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.utils import timezone
from openpyxl import load_workbook

from benchmarks.inside import district
from benchmarks.inside.facts import CpuClock, arguments, make_tables, report
from devices.models import Device
from sites import services
from sites.models import Job, User
from sites.resources import works

PER_GATEWAY = 20


def main() -> None:
    """Measure and report."""
    parser = arguments("Spreadsheets of master data.")
    parser.add_argument("--devices", type=int, default=20_000, help="rows of the sheet (20000)")
    options = parser.parse_args()
    make_tables()
    versions = [district.bench_version()] * PER_GATEWAY
    district.build(shard=0, gateways=options.devices // PER_GATEWAY, versions=versions, port=1502)
    user = User.objects.create(username="bench", is_superuser=True, is_staff=True)
    figures: dict[str, Any] = {"devices": Device.objects.count()}

    export = _timed(
        figures,
        "export",
        lambda: works.ask_export(user=user, keys=["devices"], is_csv=False, now=timezone.now()),
    )
    content = _renamed(export.result.read())
    figures["file_bytes"] = len(content)
    check = _timed(
        figures,
        "dry_run",
        lambda: works.ask_check(
            user=user, file=io.BytesIO(content), name="devices.xlsx", kind="", now=timezone.now()
        ),
    )
    _timed(
        figures,
        "import",
        lambda: works.ask_import(user=user, check_id=check.pk, now=timezone.now()),
    )
    figures["renamed"] = Device.objects.filter(name__startswith="Renamed").count()
    figures |= _triggers()
    report("sheets", figures, options.json)


def _timed(figures: dict[str, Any], name: str, ask: Callable[[], Job]) -> Job:
    job = ask()
    clock = CpuClock()
    services.run_job(job_id=job.pk)
    spent = clock.spent()
    figures[f"seconds_{name}"] = round(spent["wall"], 2)
    figures[f"cpu_s_{name}"] = round(spent["worker"], 2)
    figures[f"postgres_cpu_s_{name}"] = round(spent.get("postgres", 0.0), 2)
    # The highest so far: what the next step does not exceed, it did not need.
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures[f"peak_rss_mb_{name}"] = round(peak_kb / 1000, 1)
    job.refresh_from_db()
    if job.state != "done":
        raise SystemExit(f"{name}: {job.state} {job.message}")
    return job


def _renamed(content: bytes) -> bytes:
    book = load_workbook(io.BytesIO(content))
    page = book.worksheets[0]
    at = [column.name for column in works.chosen(["devices"])[0].columns].index("name") + 2
    for number in range(2, page.max_row + 1):
        page.cell(number, at, f"Renamed {number}")
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _triggers() -> dict[str, Any]:
    """Microseconds per device of what polling writes, and of a change that is on record."""
    count = Device.objects.count()
    found: dict[str, Any] = {}
    events = "SELECT count(*) FROM devices_deviceevent"
    updates = {
        "link": "UPDATE devices_device SET is_online = true, last_seen_at = now()",
        "fact": "UPDATE devices_device SET code = code || 'x'",
    }
    with connection.cursor() as cursor:
        for name, statement in updates.items():
            for triggers in ("off", "on"):
                cursor.execute(events)
                before = cursor.fetchone()[0]
                state = "DISABLE" if triggers == "off" else "ENABLE"
                cursor.execute(f"ALTER TABLE devices_device {state} TRIGGER USER")
                start = time.perf_counter()
                cursor.execute(statement)
                spent = time.perf_counter() - start
                cursor.execute(events)
                found[f"us_per_{name}_update_triggers_{triggers}"] = round(1e6 * spent / count, 1)
                found[f"events_of_{name}_update_triggers_{triggers}"] = (
                    cursor.fetchone()[0] - before
                )
    return found

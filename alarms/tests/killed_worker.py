"""A worker to be killed: stores samples and lets the rules follow them, as fast as it can.

Imported by the process that workers are forked from, so that only this one starts Django.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing.connection import Connection

import django
from django.apps import apps
from django.db import connection

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # The workers do not import them one by one.
    import_module("alarms.tests.samples")

BEGIN_S = datetime(2026, 11, 20, 6, 0, tzinfo=UTC).timestamp()
STEP_S = 10.0
CYCLES = 1500


def residual_ma(device: int, cycle: int) -> float:
    """Faults of seven cycles every twenty; each device has its own beat."""
    return 400.0 if (cycle + 3 * device) % 20 < 7 else 20.0


def breaker(device: int, cycle: int) -> float:
    """Open for a single sample every eleven."""
    return 0.0 if (cycle + device) % 11 == 5 else 1.0


def main(device_ids: list[int], line: Connection) -> None:
    """Go on after the last sample that is stored; says "up" before the first, "done" at the end."""
    # Only now are the tables known.
    sample = import_module("alarms.tests.samples").sample
    ingest = import_module("devices.ingest").ingest
    devices = list(
        import_module("devices.models")
        .Device.objects.filter(pk__in=device_ids)
        .select_related("template_version")
        .order_by("pk")
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_part('epoch', max(at)) FROM reading")
        (last,) = cursor.fetchone()
    first = 0 if last is None else round((last - BEGIN_S) / STEP_S) + 1
    line.send("up")
    for cycle in range(first, CYCLES):
        rows = [
            (
                device,
                cycle * STEP_S,
                {"IR": residual_ma(place, cycle), "DI1": breaker(place, cycle)},
            )
            for place, device in enumerate(devices)
        ]
        ingest(sample(rows), now=datetime.fromtimestamp(BEGIN_S + cycle * STEP_S + 1, UTC))
    line.send("done")

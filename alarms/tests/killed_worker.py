"""A worker to be killed: stores samples and lets the rules follow them, as fast as it can.

python -m alarms.tests.killed_worker DEVICE_ID… : goes on after the last sample that is stored.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from importlib import import_module

import django
from django.db import connection

BEGIN_S = datetime(2026, 11, 20, 6, 0, tzinfo=UTC).timestamp()
STEP_S = 10.0
CYCLES = 1500


def residual_ma(device: int, cycle: int) -> float:
    """Faults of seven cycles every twenty; each device has its own beat."""
    return 400.0 if (cycle + 3 * device) % 20 < 7 else 20.0


def breaker(device: int, cycle: int) -> float:
    """Open for a single sample every eleven."""
    return 0.0 if (cycle + device) % 11 == 5 else 1.0


def tell(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(device_ids: list[int]) -> None:
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
    tell("up")
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
    tell("done")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main([int(text) for text in sys.argv[1:]])

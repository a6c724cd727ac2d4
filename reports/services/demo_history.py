"""The demo's past: a day of samples through the ingest door, judged by the real rules."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np

from devices import ingest
from devices.drivers.simulator import SimDevice
from devices.drivers.simulator.faults import FaultBook
from devices.drivers.simulator.model import Frame, Simulation
from devices.drivers.simulator.noise import Floats
from devices.ingest import Batch, LayoutGroup
from devices.models import Device
from devices.services.simulation import device_name, simulated_gateways
from reports.services.demo_places import HISTORY_PERIOD_S

HISTORY = timedelta(hours=24)
STEP_S = float(HISTORY_PERIOD_S)

# What went wrong yesterday: fault, number of the device in the demo, hours ago, minutes, strength.
PAST_FAULTS = (
    ("residual_step", 4, 20.5, 40.0, 380.0),
    ("overload", 12, 16.0, 55.0, 1.25),
    ("hot_joint", 21, 11.0, 90.0, 55.0),
    ("phase_loss", 30, 7.5, 12.0, 0.97),
    ("residual_step", 38, 4.0, 25.0, 420.0),
    ("breaker_trip", 45, 2.5, 18.0, 1.0),
)


def fill(*, devices: list[Device], now: datetime, progress: Callable[[str], None]) -> int:
    """Store a day of samples up to `now`, oldest first; returns the number of rows.

    The model gives the same values for the same seed and moment as the running simulator does, so
    the counters go on without a step.
    """
    start = (now - HISTORY).timestamp()
    simulated = {
        one.name: one for gateway in simulated_gateways() for one in gateway.devices if one.name
    }
    book = FaultBook()
    for kind, position, hours_ago, minutes, level in PAST_FAULTS:
        target = devices[position % len(devices)]
        book.start(
            kind,
            device_name(device_id=target.pk),
            at=(now - timedelta(hours=hours_ago)).timestamp(),
            facts={"duration_s": minutes * 60, "level": level},
        )
    rows = told = 0
    known = [device for device in devices if device_name(device_id=device.pk) in simulated]
    models = [simulated[device_name(device_id=device.pk)] for device in known]
    for times, frame in _calendar(models, book, start, now.timestamp()):
        batch = Batch(groups=list(_groups(known, times, frame)))
        rows += ingest.ingest(
            batch,
            now=datetime.fromtimestamp(float(times[-1]), tz=now.tzinfo),
            is_live=False,
            with_subscribers=True,
        ).stored
        if rows - told >= 20_000:
            progress(f"{rows} samples")
            told = rows
    return rows


def _calendar(
    models: list[SimDevice], book: FaultBook, start: float, end: float
) -> Iterator[tuple[Floats, Frame]]:
    """Half an hour at a time: enough rows for a cheap COPY, few enough to keep memory small."""
    simulation = Simulation(models, faults=book)
    for first in np.arange(start, end, 30 * STEP_S):
        times = np.arange(first, min(first + 30 * STEP_S, end), STEP_S)
        if len(times):
            yield times, simulation.advance(times)


def _groups(devices: list[Device], times: Floats, frame: Frame) -> Iterator[LayoutGroup]:
    order = sorted(range(len(devices)), key=lambda row: devices[row].template_version.layout_id)
    for layout_id, members in groupby(
        order, key=lambda row: devices[row].template_version.layout_id
    ):
        rows = list(members)
        layout = devices[rows[0]].template_version.layout
        count = len(times) * len(rows)
        yield LayoutGroup(
            layout_id=layout_id,
            device_ids=np.tile(np.array([devices[row].pk for row in rows], np.int64), len(times)),
            site_ids=np.tile(
                np.array([devices[row].site_id for row in rows], np.int64), len(times)
            ),
            at=np.repeat(times, len(rows)),
            values=_columns(frame, layout.value_codes, rows, len(times)).astype(np.float32),
            counters=_columns(frame, layout.counter_codes, rows, len(times)),
            quality=np.zeros(count, np.uint8),
            flags=[None] * count,
        )


def _columns(frame: Frame, codes: list[str], rows: list[int], steps: int) -> Floats:
    """[steps × rows, codes], time-major; NaN for what the model does not know."""
    missing = np.full((steps, len(rows)), np.nan)
    columns = [frame[code][:, rows] if code in frame else missing for code in codes]
    if not columns:
        return np.empty((steps * len(rows), 0))
    return np.stack(columns, axis=-1).reshape(steps * len(rows), len(codes))

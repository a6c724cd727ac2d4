"""The demo's past: samples of a month through the ingest door, judged by the real rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices import ingest
from devices.drivers import BIT_FUNCTION_CODES, Profile
from devices.drivers.simulator import SimDevice
from devices.drivers.simulator.faults import FaultBook
from devices.drivers.simulator.model import Frame, Simulation
from devices.drivers.simulator.noise import Floats, uniform
from devices.ingest import Batch, LayoutGroup
from devices.models import Device
from devices.services.simulation import device_name, simulated_gateways
from devices.states import Quality
from reports.services.demo.document import MINUTE_S, MINUTE_SITES, QUARTER_S, Demo
from reports.services.demo.incidents import Incident

# Devices that are sampled every quarter of an hour are in so many groups, each at its own minute.
PHASES = 8
SLICE = timedelta(hours=2)
_LOCAL_S, _DAY_S = 8 * 3600, 86_400
# Streams of chance: samples that are lost, that are bad, and which point of them.
_LOST, _BAD, _PART, _CARE = range(70, 74)
BAD_SHARE = 0.0015
# How many samples get lost on the way, from the most careful installation to the worst.
LOST_SHARE = (0.0006, 0.022)


@dataclass(slots=True)
class Crowd:
    """Devices that are sampled at the same moments, with everything that happens to them."""

    devices: list[Device]
    profiles: list[Profile]
    simulation: Simulation
    book: FaultBook
    outages: list[Incident]
    step_s: int
    phase_s: float

    def times(self, start: float, end: float) -> Floats:
        """Moments of samples from start up to before end."""
        first = np.ceil((start - self.phase_s) / self.step_s) * self.step_s + self.phase_s
        return np.arange(first, end, self.step_s)


class Past:
    """Samples from the beginning of the demo's history on, a slice after the other."""

    def __init__(self, *, demo: Demo, incidents: list[Incident]) -> None:
        self.rows = 0
        self._until = demo.begins_at
        self._crowds = list(_crowds(demo, incidents))

    def slices(self, *, until: datetime) -> Iterator[datetime]:
        """Store and judge what comes up to a moment; yields the end of each slice."""
        while self._until < until:
            start = self._until.timestamp()
            day_end = (np.floor((start + _LOCAL_S) / _DAY_S) + 1) * _DAY_S - _LOCAL_S
            end = min(float(day_end), until.timestamp())
            pieces = [piece for crowd in self._crowds for piece in _pieces(crowd, start, end)]
            at = self._until
            stop = datetime.fromtimestamp(end, UTC)
            while at < stop:
                following = min(at + SLICE, stop)
                self._take_in(pieces, at, following)
                self._until = at = following
                yield following

    def left_behind(self) -> dict[str, Any]:
        """What the simulator needs to go on where the past ends; see World.recall()."""
        left: dict[str, Any] = {}
        faults: list[dict[str, Any]] = []
        for crowd in self._crowds:
            left |= crowd.simulation.left_behind()
            crowd.book.forget_past(self._until.timestamp())
            faults += crowd.book.remember()
        return {"left": left, "faults": faults}

    def _take_in(self, pieces: list[LayoutGroup], start: datetime, end: datetime) -> None:
        groups = []
        pieces = sorted(pieces, key=lambda piece: piece.layout_id)
        for _layout, same in groupby(pieces, key=lambda piece: piece.layout_id):
            parts = [_between(piece, start.timestamp(), end.timestamp()) for piece in same]
            parts = [part for part in parts if len(part)]
            if parts:
                groups.append(_joined(parts))
        if groups:
            taken = ingest.ingest(Batch(groups), now=end, is_live=False, with_subscribers=True)
            self.rows += taken.stored


def _crowds(demo: Demo, incidents: list[Incident]) -> Iterator[Crowd]:
    simulated = {
        one.name: one for gateway in simulated_gateways() for one in gateway.devices if one.name
    }
    places = {site.pk: number for number, site in enumerate(demo.sites)}
    parts: dict[int, list[Device]] = {}
    for device in demo.devices:
        is_quick = device.site.number in MINUTE_SITES
        parts.setdefault(-1 if is_quick else places[device.site_id] % PHASES, []).append(device)
    for phase, devices in sorted(parts.items()):
        models = [simulated[device_name(device_id=device.pk)] for device in devices]
        step_s = MINUTE_S if phase < 0 else QUARTER_S
        yield _crowd(demo, incidents, devices, models, step_s, (113.0 * phase + 137) % step_s)


def _crowd(  # noqa: PLR0913 - what it consists of
    demo: Demo,
    incidents: list[Incident],
    devices: list[Device],
    models: list[SimDevice],
    step_s: int,
    phase_s: float,
) -> Crowd:
    ids = {device.pk for device in devices}
    mine = [one for one in incidents if one.devices[0].pk in ids]
    book = FaultBook()
    for one in mine:
        for target in one.targets:
            facts = {
                "duration_s": (one.ends_at - one.begins_at).total_seconds(),
                "level": one.level,
                "phase": one.phase,
                "ramp_s": one.ramp_s,
            }
            book.start(one.fault, target, at=one.begins_at.timestamp(), facts=facts)
    return Crowd(
        devices=devices,
        profiles=[model.profile for model in models],
        simulation=Simulation(models, faults=book),
        book=book,
        outages=[one for one in mine if one.is_of_line],
        step_s=step_s,
        phase_s=phase_s,
    )


def _pieces(crowd: Crowd, start: float, end: float) -> Iterator[LayoutGroup]:
    """The samples of a day by layout, without those that got lost."""
    times = crowd.times(start, end)
    if not len(times):
        return
    crowd.book.forget_past(start - QUARTER_S)
    frame = crowd.simulation.advance(times)
    kept = _kept(crowd, times)
    order = sorted(range(len(crowd.devices)), key=lambda row: _layout_id(crowd.devices[row]))
    for layout_id, members in groupby(order, key=lambda row: _layout_id(crowd.devices[row])):
        rows = list(members)
        yield _group(crowd, layout_id, rows, times, frame).take(kept[:, rows].ravel())


def _layout_id(device: Device) -> int:
    return device.template_version.layout_id


def _kept(crowd: Crowd, times: Floats) -> NDArray[np.bool_]:
    """Which samples came, [times, devices]: some are lost, none come while a line is dead."""
    ids = np.array([device.pk for device in crowd.devices])
    care = (uniform(ids, 0, _CARE) + 1) / 2
    share = LOST_SHARE[0] + (LOST_SHARE[1] - LOST_SHARE[0]) * care**3
    chance = (uniform(ids, np.floor(times)[:, None].astype(np.int64), _LOST) + 1) / 2
    kept = chance >= share
    rows = {device.pk: row for row, device in enumerate(crowd.devices)}
    for outage in crowd.outages:
        is_out = (times >= outage.begins_at.timestamp()) & (times < outage.ends_at.timestamp())
        for device in outage.devices:
            kept[is_out, rows[device.pk]] = False
    return kept


def _group(
    crowd: Crowd, layout_id: int, rows: list[int], times: Floats, frame: Frame
) -> LayoutGroup:
    layout = crowd.devices[rows[0]].template_version.layout
    profile = crowd.profiles[rows[0]]
    count = len(times) * len(rows)
    ids = np.tile(np.array([crowd.devices[row].pk for row in rows], np.int64), len(times))
    group = LayoutGroup(
        layout_id=layout_id,
        device_ids=ids,
        site_ids=np.tile(
            np.array([crowd.devices[row].site_id for row in rows], np.int64), len(times)
        ),
        at=np.repeat(times, len(rows)),
        values=_columns(frame, profile, layout.value_codes, rows).astype(np.float32),
        counters=_columns(frame, profile, layout.counter_codes, rows),
        quality=np.zeros(count, np.uint8),
        flags=[None] * count,
    )
    _spoil(group)
    return group


def _columns(frame: Frame, profile: Profile, codes: list[str], rows: list[int]) -> Floats:
    """[times × rows, codes], time by time, as the registers of the meter show them."""
    steps = len(next(iter(frame.values())))
    if not codes:
        return np.empty((steps * len(rows), 0))
    missing = np.full((steps, len(rows)), np.nan)
    columns = [
        _shown(profile, code, frame[code][:, rows]) if code in frame else missing for code in codes
    ]
    return np.stack(columns, axis=-1).reshape(steps * len(rows), len(codes))


def _shown(profile: Profile, code: str, values: Floats) -> Floats:
    """Values in the steps of the register, so that live ones go on without a jump."""
    register = next(one for one in profile.registers if one.code == code)
    raw = (values - register.offset) / register.scale
    if register.type == "float32":
        raw = raw.astype(np.float32).astype(np.float64)
    elif register.function_code not in BIT_FUNCTION_CODES:
        raw = np.rint(raw)
    return raw * register.scale + register.offset


def _spoil(group: LayoutGroup) -> None:
    """A few samples are bad, whole or at one point."""
    moments = np.floor(group.at).astype(np.int64)
    chance = (uniform(group.device_ids, moments, _BAD) + 1) / 2
    for row in np.flatnonzero(chance < BAD_SHARE):
        width = group.values.shape[1]
        if chance[row] < BAD_SHARE / 3:
            group.values[row], group.counters[row] = np.nan, np.nan
            group.quality[row] = Quality.BAD
            continue
        part = float(uniform(int(group.device_ids[row]), int(moments[row]), _PART))
        place = int((part + 1) / 2 * width)
        bits = np.zeros(width + group.counters.shape[1], np.bool_)
        bits[place] = True
        group.values[row, place] = np.nan
        group.quality[row] = Quality.PARTIAL
        group.flags[row] = np.packbits(bits, bitorder="little").tobytes()


def _between(group: LayoutGroup, start: float, end: float) -> LayoutGroup:
    return group.take((group.at >= start) & (group.at < end))


def _joined(parts: list[LayoutGroup]) -> LayoutGroup:
    if len(parts) == 1:
        return parts[0]
    return LayoutGroup(
        layout_id=parts[0].layout_id,
        device_ids=np.concatenate([part.device_ids for part in parts]),
        site_ids=np.concatenate([part.site_ids for part in parts]),
        at=np.concatenate([part.at for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        counters=np.concatenate([part.counters for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
        flags=[flag for part in parts for flag in part.flags],
    )

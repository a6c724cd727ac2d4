"""What judging an hour found: rows made, rows that go on, and the hours to be rolled up anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devices import history, selectors
from devices.drivers.judging import LEAST_KWH, STEPS_EXPECTED, leading
from devices.history.codec import Floats, Ints
from devices.models import Device, FlaggedStretch, PointCode, Register
from devices.states import FlagKind

Marks = NDArray[np.bool_]
_HOUR = timedelta(hours=1)
_ZERO = datetime.fromtimestamp(0, UTC)


def moment(at_us: int) -> datetime:
    """A moment of microseconds since 1970."""
    return _ZERO + timedelta(microseconds=int(at_us))


@dataclass(slots=True, kw_only=True)
class Finds:
    """Stretches of some devices: those that were known about the hour, and what becomes of them."""

    hour: datetime
    now: datetime
    points: dict[str, PointCode]
    devices: dict[int, Device]
    known: list[FlaggedStretch]
    made: list[FlaggedStretch] = field(default_factory=list)
    changed: dict[int, FlaggedStretch] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    again: set[datetime] = field(default_factory=set)
    _of: dict[tuple[int, str, str], list[FlaggedStretch]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in sorted(self.known, key=lambda row: row.start_at):
            self._of.setdefault((row.device_id, row.code, row.kind), []).append(row)

    def save(self) -> None:
        """Write rows, and note the hours whose readers see something else now."""
        FlaggedStretch.objects.filter(pk__in=self.gone).delete()
        FlaggedStretch.objects.bulk_create(self.made, ignore_conflicts=True)
        FlaggedStretch.objects.bulk_update(
            self.changed.values(),
            ["end_at", "count", "low", "high", "is_excluded", "held_at", "held_value"],
        )
        if self.again:
            history.note_reopened(sorted(self.again))

    def of(self, pk: int, code: str, kind: FlagKind) -> list[FlaggedStretch]:
        """The known stretches of a point of one kind, oldest first."""
        return self._of.get((pk, code, kind), [])

    def add(  # noqa: PLR0913
        self, pk: int, code: str, kind: FlagKind, at_us: Ints, values: Floats, **facts: object
    ) -> FlaggedStretch | None:
        """A stretch of these samples, unless it is known."""
        start, end = moment(at_us[0]), moment(at_us[-1])
        if any(row.start_at <= start <= row.end_at for row in self.of(pk, code, kind)):
            return None
        numbers = values[~np.isnan(values)]
        row = FlaggedStretch(
            device_id=pk,
            code=code,
            kind=kind,
            start_at=start,
            end_at=end,
            count=len(at_us),
            low=float(numbers.min()) if len(numbers) else None,
            high=float(numbers.max()) if len(numbers) else None,
            found_at=self.now,
            **facts,
        )
        self.put(row)
        return row

    def put(self, row: FlaggedStretch) -> None:
        """A new stretch."""
        self.made.append(row)
        key = row.device_id, row.code, row.kind
        self._of[key] = sorted([*self._of.get(key, []), row], key=lambda row: row.start_at)
        self.note(row, row.start_at)

    def take_back(self, row: FlaggedStretch) -> None:
        """A stretch that was known is none."""
        self.gone.append(row.pk)
        self._of[row.device_id, row.code, row.kind].remove(row)
        self.note(row, row.start_at)

    def extend(self, row: FlaggedStretch, at_us: Ints, values: Floats) -> None:
        """The stretch goes on with these samples."""
        since = row.end_at
        row.end_at, row.count = moment(at_us[-1]), row.count + len(at_us)
        numbers = [float(v) for v in values if not np.isnan(v)]
        if numbers:
            row.low = min([*numbers, *([] if row.low is None else [row.low])])
            row.high = max([*numbers, *([] if row.high is None else [row.high])])
        self.change(row, since)

    def change(self, row: FlaggedStretch, since: datetime) -> None:
        """Have a row written; from `since` on readers see something else."""
        if row.pk:
            self.changed[row.pk] = row
        self.note(row, since)

    def note(self, row: FlaggedStretch, since: datetime) -> None:
        if row.is_excluded and row.kind != FlagKind.INVALID:
            self.again |= set(history.hours_of(since, row.end_at))

    # Values that stand still

    def standing(self, pk: int, code: str) -> FlaggedStretch | None:
        """What stood still up to this hour, if anything did."""
        rows = [r for r in self.of(pk, code, FlagKind.FROZEN) if r.start_at < self.hour]
        return rows[-1] if rows and self.hour - _HOUR <= rows[-1].end_at < self.hour else None

    def stood(
        self,
        pk: int,
        code: str,
        present: tuple[Ints, Floats],
        led: tuple[Ints, Floats],
        *,
        is_still: bool,
    ) -> None:
        """Take in an hour's samples of a point (with those of the hour before): still, or not any more."""
        row, (at_us, values) = self.standing(pk, code), present
        held = np.nan if row is None or row.low is None else row.low
        if row is not None and (count := leading(values, held)):
            same = np.flatnonzero(values[:count] == held)
            self.extend(row, at_us[same], values[same])
        elif is_still:
            row = self._begin(pk, code, *led)
        hours = self.points[code].frozen_after_h
        if row is None or hours is None or row.is_excluded:
            return
        if row.end_at - row.start_at >= timedelta(hours=hours):
            row.is_excluded = True
            self.change(row, row.start_at)

    def _begin(self, pk: int, code: str, at_us: Ints, values: Floats) -> FlaggedStretch | None:
        """From the first of the equal samples at the end on, also in the hour before."""
        there = ~np.isnan(values)
        at_us, values = at_us[there], values[there]
        other = np.flatnonzero(values != values[-1])
        first = int(other[-1]) + 1 if len(other) else 0
        return self.add(pk, code, FlagKind.FROZEN, at_us[first:], values[first:], is_excluded=False)

    def should_move(self, code: str, pks: Sequence[int], power: Floats, held: Floats) -> Marks:
        """Where a counter that stood still should have moved, by the mean power of the hour (kW)."""
        fits = np.zeros(len(pks), np.bool_)
        asked = np.flatnonzero(~np.isnan(held) & (power > LEAST_KWH)).tolist()
        factors = self._factors() if asked else {}
        for number in asked:
            device = self.devices[pks[number]]
            factor = factors.get((device.template_version_id, code), 1.0)
            ratio = self._ratio(device.pk, code)
            fits[number] = power[number] >= STEPS_EXPECTED * abs(factor) * ratio
        return fits

    def _ratio(self, pk: int, code: str) -> float:
        return selectors.counters(device_ids=[pk], code=code)[pk].segments[-1].factor

    def _factors(self) -> dict[tuple[int, str], float]:
        versions = {device.template_version_id for device in self.devices.values()}
        rows = Register.objects.filter(version__in=versions, point__kind="ctr")
        return {
            (version, code): factor
            for version, code, factor in rows.values_list("version", "point__code", "factor")
        }

    # Samples without a valid number

    def invalid(self, pk: int, code: str, at_us: Ints, *, is_first: bool) -> None:
        """A run of invalid samples; at the beginning of the hour it may go on with the one before."""
        rows = [r for r in self.of(pk, code, FlagKind.INVALID) if r.start_at < self.hour]
        nothing = np.empty(0)
        if is_first and rows and self._is_next(rows[-1], at_us):
            self.extend(rows[-1], at_us, nothing)
            return
        self.add(pk, code, FlagKind.INVALID, at_us, nothing)

    def _is_next(self, row: FlaggedStretch, at_us: Ints) -> bool:
        """Whether hardly more than a period lies between."""
        device = self.devices[row.device_id]
        if row.end_at >= self.hour:
            return False
        return moment(at_us[0]) - row.end_at <= 2 * timedelta(seconds=device.period_s)

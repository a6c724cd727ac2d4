"""Samples set right by people: looked at first, laid over as a whole, taken back as a whole.

What came stays as it came. The hours that a repair touches are rolled up anew, as after late samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from core.errors import Changed, Invalid
from devices import history
from devices.history import raw
from devices.history.codec import Floats, Ints
from devices.history.overlay import Laid, lay
from devices.models import Repair, Retention
from devices.selectors import DevicePoint
from devices.states import PointKind, Quality, RepairKind
from sites.models import User

# A month with the hour by which clocks may be set back.
LONGEST = timedelta(days=31, hours=1)
MOST_SHEET_ROWS = 5000
# A line is drawn between good samples that lie no farther away than this.
NEIGHBOUR = timedelta(hours=24)
MOST = 1e12
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants of the samples from start to end, both included.

    value: of VALUE. values: of SHEET, by microseconds since 1970; its period is theirs.
    """

    point: DevicePoint
    kind: RepairKind
    start: datetime
    end: datetime
    reason: str = ""
    value: float | None = None
    values: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A sample: when, as it came, as it is read now and as it would be; None where there is no number."""

    at_us: int
    stored: float | None
    present: float | None
    quality: Quality
    after: float | None = None

    @property
    def at_s(self) -> float:
        return self.at_us / 1e6


def samples(*, point: DevicePoint, start: datetime, end: datetime) -> list[Line]:
    """The samples of a point over a period, both ends included, as they came and as they are read.

    Raises Invalid for a period that is too long or none.
    """
    _require_period(start, end)
    at_us, stored, present, quality = _read(point, start, end)
    return [
        Line(int(at), known(was), known(now), Quality(int(mark)))
        for at, was, now, mark in zip(at_us, stored, present, quality, strict=True)
    ]


def preview(*, wanted: Wanted, now: datetime) -> list[Line]:
    """The samples with what they would be. Raises Invalid, as `repair` does."""
    row, (at_us, stored, present, quality) = _row(wanted, now)
    laid = Laid(
        row.device_id,
        row.code,
        row.kind,
        history.micros_of(row.start_at),
        history.micros_of(row.end_at),
        row.line_us,
        row.line,
        row.at_us,
        row.values,
    )
    after, marks = lay([laid], row.device_id, [row.code], at_us, stored[:, None])
    touched = (at_us >= laid.start_us) & (at_us <= laid.end_us)
    if row.kind == RepairKind.SHEET:
        touched = marks[:, 0] == Quality.SUBSTITUTED
    new = np.where(touched, after[:, 0], present)
    return [
        Line(int(at), known(was), known(now_), Quality(int(mark)), known(then))
        for at, was, now_, mark, then in zip(at_us, stored, present, quality, new, strict=True)
    ]


@transaction.atomic
def repair(*, wanted: Wanted, by: User, now: datetime) -> Repair:
    """Lay it over the samples; they stay as they came.

    Raises Invalid: no reason, no samples there, a value that is none, no neighbours for a line.
    """
    if not wanted.reason.strip():
        raise Invalid(fields={"reason": [_("请填写原因。")]})
    row, _samples = _row(wanted, now)
    row.by, row.made_at, row.reason = by, now, wanted.reason.strip()
    row.save()
    history.note_reopened(history.hours_of(row.start_at, row.end_at))
    return row


@transaction.atomic
def undo_repair(*, repair: Repair, reason: str, by: User, now: datetime) -> Repair:
    """Take a repair back; its row stays. Raises Changed when somebody was first, Invalid without a reason."""
    if not reason.strip():
        raise Invalid(fields={"reason": [_("请填写原因。")]})
    row = Repair.objects.select_for_update().get(pk=repair.pk)
    if row.is_undone:
        raise Changed(_("该次修正已撤销。"))
    row.undone_at, row.undone_by, row.undone_reason = now, by, reason.strip()
    row.save(update_fields=["undone_at", "undone_by", "undone_reason"])
    history.note_reopened(history.hours_of(row.start_at, row.end_at))
    return row


def known(value: float) -> float | None:
    """A number for people: None for NaN."""
    return None if np.isnan(value) else float(value)


def _row(wanted: Wanted, now: datetime) -> tuple[Repair, tuple[Ints, Floats, Floats, Ints]]:
    """The repair, not saved, and the samples of its period."""
    start, end = wanted.start, wanted.end
    _require_period(start, end)
    oldest = now - timedelta(days=Retention.days_of(Retention.Kind.BLOCKS))
    if start < oldest or end > now:
        raise Invalid(fields={"start": [_("时段须在样本保留期内，且不晚于现在。")]})
    found = _read(wanted.point, start, end)
    at_us, stored, _present, _quality = found
    if not len(at_us):
        raise Invalid(fields={"start": [_("该时段内没有样本。缺失的样本不能修正。")]})
    row = Repair(
        device_id=wanted.point.device_id,
        code=wanted.point.code,
        kind=wanted.kind,
        start_at=start,
        end_at=end,
        count=len(at_us),
    )
    if wanted.kind in (RepairKind.BAD, RepairKind.KEEP):
        row.count = int(np.count_nonzero(~np.isnan(stored)))
        if not row.count:
            raise Invalid(fields={"kind": [_("该时段内的样本本来就没有数值，请置数或插值。")]})
    elif wanted.kind == RepairKind.VALUE:
        value = _sane(wanted.value, wanted.point, "value")
        row.line_us = [history.micros_of(start), history.micros_of(end) + 1]
        row.line = [value, value]
    elif wanted.kind == RepairKind.INTERPOLATE:
        row.line_us, row.line = _between(wanted)
    else:
        _sheet(row, wanted, at_us)
    return row, found


def _require_period(start: datetime, end: datetime) -> None:
    if not timedelta() <= end - start <= LONGEST:
        words = _("结束时间不能早于开始时间，时段不超过 %(days)d 天。")
        raise Invalid(fields={"end": [words % {"days": LONGEST.days}]})


def _read(point: DevicePoint, start: datetime, end: datetime) -> tuple[Ints, Floats, Floats, Ints]:
    """Times (µs), samples as they came, as they are read, and the quality of each."""
    layouts = raw.layouts_with({point.code})
    asked = point.device_id, [point.code], layouts, start, end + _TICK
    stored = raw.rows(*asked, as_stored=True)
    present = raw.rows(*asked, with_quality=True)
    at_us = np.rint(stored[:, 0] * 1e6).astype(np.int64)
    return at_us, stored[:, 1], present[:, 1], present[:, 2].astype(np.int64)


def _sane(value: float | None, point: DevicePoint, name: str) -> float:
    """A number that the point may have. Raises Invalid."""
    if value is None or not isfinite(value) or abs(value) > MOST:
        raise Invalid(fields={name: [_("请填写数值。")]})
    if point.point.kind == PointKind.EVENT and value not in (0.0, 1.0):
        raise Invalid(fields={name: [_("状态量只能为 0 或 1。")]})
    if point.point.kind == PointKind.COUNTER and value < 0:
        raise Invalid(fields={name: [_("累计量不能为负。")]})
    return float(value)


def _between(wanted: Wanted) -> tuple[list[int], list[float]]:
    """The good samples before and after, as a line. Raises Invalid."""
    if wanted.point.point.kind == PointKind.EVENT:
        raise Invalid(fields={"kind": [_("状态量不能插值。")]})
    sides = []
    for start, end, place in (
        (wanted.start - NEIGHBOUR, wanted.start, -1),
        (wanted.end + _TICK, wanted.end + NEIGHBOUR, 0),
    ):
        layouts = raw.layouts_with({wanted.point.code})
        read = raw.rows(wanted.point.device_id, [wanted.point.code], layouts, start, end)
        read = read[~np.isnan(read[:, 1])]
        if not len(read):
            raise Invalid(fields={"kind": [_("前后 24 小时内须各有一个有效样本才能插值。")]})
        sides.append((round(read[place, 0] * 1e6), float(read[place, 1])))
    (first_us, first), (last_us, last) = sides
    return [first_us, last_us], [first, last]


def _sheet(row: Repair, wanted: Wanted, at_us: Ints) -> None:
    """The values of a sheet, each on a sample. Raises Invalid."""
    given = sorted(wanted.values.items())
    if not given or len(given) > MOST_SHEET_ROWS:
        words = _("须有 1 至 %(most)d 个新值。")
        raise Invalid(fields={"rows": [words % {"most": MOST_SHEET_ROWS}]})
    there = set(at_us.tolist())
    if any(at not in there for at, _value in given):
        raise Invalid(fields={"rows": [_("有的时间没有样本。缺失的样本不能修正。")]})
    row.at_us = [at for at, _value in given]
    row.values = [_sane(value, wanted.point, "rows") for _at, value in given]
    row.count = len(given)

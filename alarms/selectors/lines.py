"""Lines of the alarm list: what a row and a sheet show, gathered for a whole page at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from alarms.models import Alarm
from alarms.states import HANDLING, UNDO, Handling, Move
from core.quick import address
from core.sparks import HEIGHT, WIDTH, Spark, spark
from devices import history, live
from devices.history import Slice
from devices.live import LatestPoint
from devices.models import PointCode
from sites.models import Access, User, access_for
from sites.rules import Ability

_WAYS_BACK = frozenset(UNDO.values())
TREND = timedelta(hours=1)
TREND_SLICES = 30
# What a person most likely does next, by handling; archiving waits for the plant.
_NEXT: dict[str, Move] = {
    Handling.UNVERIFIED: Move.VERIFY,
    Handling.VERIFIED: Move.CREATE_ORDER,
    Handling.IGNORED: Move.VERIFY,
}


@dataclass(slots=True)
class AlarmLine:
    """One alarm for one person. Measured values are None where he may not see their class."""

    alarm: Alarm
    point: PointCode | None
    may_see_value: bool
    moves: tuple[str, ...]
    order: Any | None
    now: datetime
    latest: LatestPoint | None = None
    trend: Spark | None = None

    @property
    def key(self) -> tuple[int, str] | None:
        """Device and code of what is measured, when the person may see it."""
        code = self.alarm.point_code or self.alarm.worst_code
        if not (self.may_see_value and self.alarm.device_id and code and self.point):
            return None
        return self.alarm.device_id, code

    @property
    def period_s(self) -> int:
        """How often its device is read, for telling old values."""
        return self.alarm.device.period_s if self.alarm.device else 60

    @property
    def current(self) -> float | None:
        """The newest value."""
        return self.latest.value if self.latest else None

    @property
    def pk(self) -> int:
        return self.alarm.pk

    @property
    def label(self) -> str:
        return f"{self.alarm.rule.label} {self.alarm.site.label}"

    @property
    def url(self) -> str:
        return address("alarms:alarm-detail", self.alarm.pk)

    @property
    def css(self) -> str:
        """Classes of the row: the edge's colour, not yet looked at, over."""
        alarm = self.alarm
        words = ["alarm-row", f"e-{alarm.severity}"]
        words += ["unread"] if alarm.handling == Handling.UNVERIFIED else []
        words += [] if alarm.is_active else ["is-over"]
        return " ".join(words)

    @property
    def value(self) -> float | None:
        return self.alarm.value if self.may_see_value else None

    @property
    def limit(self) -> float | None:
        return self.alarm.limit if self.may_see_value else None

    @property
    def peak(self) -> float | None:
        return self.alarm.peak if self.may_see_value else None

    @property
    def ended_at(self) -> datetime | None:
        """When it recovered; None while it is active."""
        return None if self.alarm.is_active else self.alarm.recovered_at

    @property
    def lasted_s(self) -> float:
        """From the last raising to the recovery, or to now."""
        return ((self.ended_at or self.now) - self.alarm.last_raised_at).total_seconds()

    @property
    def handler(self) -> str:
        """Who has it in hand: the assignee of its order, else whoever verified it."""
        person = (self.order.assignee if self.order else None) or self.alarm.verified_by
        return str(person) if person else ""

    @property
    def next_move(self) -> str:
        """What to offer first: a move that the person may make, `order` to look at it, or ''."""
        alarm = self.alarm
        if not alarm.is_active and Move.ARCHIVE in self.moves and self.order is None:
            return Move.ARCHIVE.value
        if self.order is not None:
            return "order"
        wanted = _NEXT.get(alarm.handling)
        return wanted.value if wanted in self.moves else ""


def lines_of(alarms: Sequence[Alarm], *, user: User, now: datetime) -> list[AlarmLine]:
    """Lines of alarms that came with their places and orders: one query for all their points."""
    codes = {alarm.point_code or alarm.worst_code for alarm in alarms} - {""}
    points = PointCode.objects.in_bulk(codes, field_name="code") if codes else {}
    access = access_for(user)
    return [_line(alarm, points, access, now) for alarm in alarms]


def _line(alarm: Alarm, points: dict[str, PointCode], access: Access, now: datetime) -> AlarmLine:
    point = points.get(alarm.point_code or alarm.worst_code)
    return AlarmLine(
        alarm=alarm,
        point=point,
        may_see_value=point is None or point.data_class in access.data_classes(alarm.site),
        moves=moves_of(alarm, access),
        order=next((order for order in alarm.orders.all() if order.is_open), None),
        now=now,
    )


def moves_of(alarm: Alarm, access: Access) -> tuple[str, ...]:
    """The moves to offer: in the table from here, held on this site, archiving once recovered."""
    moves = (
        edge.move.value
        for edge in HANDLING.moves_from(alarm.handling)
        if edge.ability
        and edge.move not in _WAYS_BACK
        and access.can(Ability(edge.ability), alarm.site)
    )
    return tuple(move for move in moves if move != Move.ARCHIVE or not alarm.is_active)


def measure(
    lines: Sequence[AlarmLine], *, now: datetime, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> None:
    """Give lines their newest value and their last hour, drawn in a box of width × height.

    One read of each kind for all of them.
    """
    keys = {line.key for line in lines if line.key is not None}
    if not keys:
        return
    site_of = {line.key[0]: line.alarm.site_id for line in lines if line.key is not None}
    codes = {code for _device, code in keys}
    found = live.latest_points(device_ids=site_of.keys(), codes=codes, site_of=site_of)
    newest = {
        (device_id, point.code): point for device_id, points in found.items() for point in points
    }
    slices = history.trends(points=list(keys), start=now - TREND, end=now, slices=TREND_SLICES)
    for line in lines:
        if line.key is not None:
            line.latest = newest.get(line.key)
            line.trend = trend_of(slices.get(line.key, []), line.alarm.limit, size)


def trend_of(slices: Sequence[Slice], limit: float | None, size: tuple[int, int]) -> Spark | None:
    """A small curve that keeps every slice's lowest and highest; missing slices are gaps."""
    count = TREND_SLICES
    runs = []
    for run in _runs(slices):
        points = []
        for one in run:
            at = one.number / count
            points += [(at, one.low), (at + 0.5 / count, one.high)]
        runs.append(points)
    return spark(runs, limit=limit, width=size[0], height=size[1])


def _runs(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Slices that follow each other at the pace of their neighbours; a longer step is a gap.

    A device that is read every quarter of an hour has no gaps between its quarters.
    """
    steps = [later.number - one.number for one, later in pairwise(slices)]
    runs: list[list[Slice]] = [list(slices[:1])]
    for place, (step, one) in enumerate(zip(steps, slices[1:], strict=True)):
        beside = [*steps[max(place - 1, 0) : place], *steps[place + 1 : place + 2]]
        if step >= 2 * max(beside, default=1):
            runs.append([])
        runs[-1].append(one)
    return runs

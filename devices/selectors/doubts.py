"""Flagged stretches of points, and what was repaired of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet

from core.errors import NotFound
from devices.models import Device, FlaggedStretch, JudgedHour, Repair
from devices.selectors.points import DevicePoint, device_for, points_for
from devices.states import FlagKind, PointKind
from sites import selectors as site_selectors
from sites.models import Site, User
from sites.rules import Ability

Row = TypeVar("Row", FlaggedStretch, Repair)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A flagged stretch of a point that the person may see; `repair`: the latest that lies over it."""

    stretch: FlaggedStretch
    device: Device
    point: DevicePoint
    repair: Repair | None

    @property
    def kind(self) -> FlagKind:
        return FlagKind(self.stretch.kind)

    @property
    def start(self) -> datetime:
        return self.stretch.start_at

    @property
    def end(self) -> datetime:
        return self.stretch.end_at


def doubts_of_site(
    *, user: User, site: Site, start: datetime, end: datetime, device_id: int | None = None
) -> list[Doubt]:
    """Flagged stretches that touch a half-open period, the newest first; six queries.

    site: as site_for gives it.
    """
    rows = list(
        _within(FlaggedStretch.objects.filter(device__site=site), start, end, device_id).filter(
            is_excluded=True
        )
    )
    devices = list(
        Device.objects.filter(pk__in={row.device_id for row in rows}).select_related(
            "site__enterprise", "site__team", "template_version__layout"
        )
    )
    points = points_for(user=user, devices=devices) if devices else {}
    known = {(pk, point.code): point for pk, some in points.items() for point in some}
    by_pk = {device.pk: device for device in devices}
    repairs = list(
        _within(Repair.objects.filter(device__in=by_pk, undone_at=None), start, end, device_id)
    )
    return [
        Doubt(row, by_pk[row.device_id], known[row.device_id, row.code], _over(row, repairs))
        for row in rows
        if (row.device_id, row.code) in known
    ]


def _within(
    rows: QuerySet[Row], start: datetime, end: datetime, device_id: int | None = None
) -> QuerySet[Row]:
    rows = rows.filter(end_at__gte=start, start_at__lt=end)
    return rows if device_id is None else rows.filter(device=device_id)


def _over(row: FlaggedStretch, repairs: Iterable[Repair]) -> Repair | None:
    """The latest repair that covers a stretch as a whole."""
    mine = (r for r in repairs if (r.device_id, r.code) == (row.device_id, row.code))
    over = [r for r in mine if r.start_at <= row.start_at and r.end_at >= row.end_at]
    return max(over, key=lambda repair: repair.pk, default=None)


def points_to_repair(*, user: User, device: Device) -> list[DevicePoint]:
    """The points of a device whose samples the person may set right; none that is text."""
    points = points_for(user=user, devices=[device])[device.pk]
    return [point for point in points if point.point.kind != PointKind.ATTRIBUTE]


def device_to_repair(*, user: User, pk: int) -> Device:
    """The device, for somebody who may set its samples right. Raises NotFound, Forbidden."""
    return device_for(user=user, pk=pk, ability=Ability.REPAIR_DATA)


def may_repair(*, user: User, site: Site) -> bool:
    """Whether to offer it."""
    return site_selectors.may(user=user, ability=Ability.REPAIR_DATA, site=site)


def repairs_of(
    *, user: User, device: Device, most: int | None = None
) -> list[tuple[Repair, DevicePoint]]:
    """Repairs of the points that the person may see, the newest first, undone ones too."""
    points = {point.code: point for point in points_for(user=user, devices=[device])[device.pk]}
    rows = device.repairs.filter(code__in=points).select_related("by", "undone_by")
    return [(row, points[row.code]) for row in rows[:most]]


def repair_for(*, user: User, pk: int) -> Repair:
    """A repair, for those who may set the samples of its point right. Raises NotFound, Forbidden."""
    row = Repair.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound
    device = device_to_repair(user=user, pk=row.device_id)
    if row.code not in {point.code for point in points_for(user=user, devices=[device])[device.pk]}:
        raise NotFound
    return row


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a part of a curve: its words, from and to (epoch seconds), and numbers left out."""

    words: str
    start: float
    end: float
    low: float | None = None
    high: float | None = None
    is_repair: bool = False


def said_of(
    *, points: Collection[tuple[int, str]], start: datetime, end: datetime
) -> dict[tuple[int, str], list[Said]]:
    """What is flagged and repaired of points in a half-open period, in order of time; two queries."""
    ids = {device_id for device_id, _code in points}
    found: dict[tuple[int, str], list[Said]] = {}
    flagged = FlaggedStretch.objects.filter(device__in=ids, is_excluded=True)
    for row in _within(flagged, start, end):
        words, facts = row.get_kind_display(), (row.start_at.timestamp(), row.end_at.timestamp())
        found.setdefault((row.device_id, row.code), []).append(
            Said(words, *facts, row.low, row.high)
        )
    for row in _within(Repair.objects.filter(device__in=ids, undone_at=None), start, end):
        facts = row.start_at.timestamp(), row.end_at.timestamp()
        found.setdefault((row.device_id, row.code), []).append(
            Said(row.get_kind_display(), *facts, is_repair=True)
        )
    return {key: sorted(found.get(key, []), key=lambda one: one.start) for key in set(points)}


# Unless somebody said that they are right.
_NOT_KEPT = (
    " NOT EXISTS (SELECT FROM devices_repair repair WHERE repair.device_id = flagged.device_id"
    " AND repair.code = flagged.code AND repair.kind = 'keep' AND repair.undone_at IS NULL"
    " AND repair.start_at <= flagged.start_at AND repair.end_at >= flagged.start_at)"
)


def last_judged() -> datetime | None:
    """The latest hour whose samples were all judged."""
    rows = JudgedHour.objects.filter(is_done=True).order_by("-hour")
    return rows.values_list("hour", flat=True).first()


def with_flags(*, start: datetime, end: datetime) -> set[int]:
    """Devices of which samples are flagged in a half-open period; one query."""
    rows = FlaggedStretch.objects.raw(
        "SELECT DISTINCT ON (device_id) id, device_id FROM devices_flaggedstretch flagged"  # noqa: S608
        f" WHERE is_excluded AND end_at >= %s AND start_at < %s AND {_NOT_KEPT}",
        [start, end],
    )
    return {row.device_id for row in rows}


def not_to_judge(*, since: datetime) -> dict[int, list[str]]:
    """Points that have stood still up to now, by device: no rule follows them; one query."""
    rows = FlaggedStretch.objects.raw(
        "SELECT id, device_id, code FROM devices_flaggedstretch flagged"  # noqa: S608
        f" WHERE is_excluded AND kind = %s AND end_at >= %s AND {_NOT_KEPT}",
        [FlagKind.FROZEN, since],
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.device_id, []).append(row.code)
    return found

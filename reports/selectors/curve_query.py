"""What an address of the curves page says: points, period, comparison. The address holds all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.errors import Invalid, NotFound
from core.filters import YEARS
from core.time import day_bounds, local_day
from devices import selectors
from devices.models import Device
from devices.selectors import DevicePoint, FormulaPoint
from sites.models import Site, User

MOST_POINTS = 12
LONGEST = timedelta(days=367)
SHORTEST = timedelta(seconds=30)
USUAL = "24h"
RANGES: dict[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
}
# Days of the calendar, in the site's zone.
CALENDAR = ("today", "yesterday")
COMPARED: dict[str, int] = {"day": 1, "week": 7}
_DERIVED = re.compile(r"x([1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CurveQuery:
    """Points in the order chosen; a period in UTC; by how many days the comparison lies back.

    `range` is the name of a period that moves along with now, '' for a fixed one. `totals`: with
    the sum of those points that can be added.
    """

    points: tuple[DevicePoint | FormulaPoint, ...]
    devices: Mapping[int, Device]
    zone: str
    start: datetime
    end: datetime
    range: str = ""
    compare: str = ""
    days_back: int = 0
    totals: bool = False

    def params(self) -> list[tuple[str, str]]:
        """The address's parameters that say the same again."""
        pairs = [("point", point.id) for point in self.points]
        if self.range:
            pairs.append(("range", self.range))
        else:
            pairs += [("from", _iso(self.start)), ("to", _iso(self.end))]
        pairs += [("compare", self.compare)] if self.compare else []
        return [*pairs, ("totals", "1")] if self.totals else pairs

    @property
    def measured(self) -> list[DevicePoint]:
        """The points of devices among them."""
        return [one for one in self.points if isinstance(one, DevicePoint)]

    @property
    def derived(self) -> list[FormulaPoint]:
        """The derived points among them."""
        return [one for one in self.points if isinstance(one, FormulaPoint)]

    @property
    def site(self) -> Site | None:
        """Where the first point is."""
        return _site(self.points, self.devices)

    @property
    def text(self) -> str:
        return urlencode(self.params())

    def without(self, point: Any) -> CurveQuery:
        return replace(self, points=tuple(one for one in self.points if one != point))

    def over(self, start: datetime, end: datetime) -> CurveQuery:
        """The same over another period, no longer than the longest."""
        start = max(start, end - LONGEST)
        return replace(self, range="", start=start, end=end)

    def local(self, at: datetime) -> str:
        """A moment as a form's field takes it."""
        return f"{at.astimezone(ZoneInfo(self.zone)):%Y-%m-%dT%H:%M}"


def query_of(*, user: User, given: QueryDict, now: datetime, most: int = MOST_POINTS) -> CurveQuery:
    """The query of an address.

    Raises NotFound for points that do not exist or are not the person's to see, Invalid for
    nonsense.
    """
    points, devices = picked(user=user, texts=given.getlist("point"), most=most)
    site = _site(points, devices)
    zone = site.timezone if site else user.timezone
    name = given.get("range", "")
    if given.get("from") or given.get("to"):
        start, end = _fixed(given, zone)
        name = ""
    else:
        name = name or USUAL
        start, end = _named(name, zone, now)
    compare = given.get("compare", "")
    days = days_between(compare, start, zone)
    totals = given.get("totals", "") == "1"
    return CurveQuery(points, devices, zone, start, end, name, compare, days, totals)


def picked(
    *, user: User, texts: list[str], most: int = MOST_POINTS
) -> tuple[tuple[DevicePoint | FormulaPoint, ...], dict[int, Device]]:
    """Points by public id, and the devices of those that are measured, in a few queries."""
    texts = list(dict.fromkeys(texts))
    if len(texts) > most:
        raise Invalid(fields={"point": [_("最多选择 %(most)d 个测点。") % {"most": most}]})
    derived_ids = {int(match[1]) for text in texts if (match := _DERIVED.fullmatch(text))}
    pairs = [text.partition(":") for text in texts if not _DERIVED.fullmatch(text)]
    ids = {pk for pk, _colon, _code in pairs}
    if not all(pk.isascii() and pk.isdigit() and len(pk) < 19 for pk in ids):
        raise NotFound
    devices = {
        device.pk: device
        for device in Device.objects.visible_to(user)
        .filter(pk__in=ids)
        .with_place()
        .select_related("site__enterprise", "template_version__layout", "bus__gateway", "source")
    }
    known = selectors.points_for(user=user, devices=list(devices.values()))
    found: dict[str, DevicePoint | FormulaPoint] = {
        point.id: point for several in known.values() for point in several
    }
    if derived_ids:
        found |= {one.id: one for one in selectors.derived_points(user=user, ids=derived_ids)}
    if not found.keys() >= set(texts):
        raise NotFound
    points = tuple(found[text] for text in texts)
    order = dict.fromkeys(one.device_id for one in points if isinstance(one, DevicePoint))
    return points, {pk: devices[pk] for pk in order}


def _site(
    points: tuple[DevicePoint | FormulaPoint, ...], devices: Mapping[int, Device]
) -> Site | None:
    if not points:
        return None
    first = points[0]
    return first.row.site if isinstance(first, FormulaPoint) else devices[first.device_id].site


def days_between(compare: str, start: datetime, zone: str) -> int:
    """How many calendar days the comparison lies back. Raises Invalid."""
    if not compare:
        return 0
    if compare in COMPARED:
        return COMPARED[compare]
    day = local_day(start, zone)
    if compare == "month":
        last = day.replace(day=1) - timedelta(days=1)
        return (day - last.replace(day=min(day.day, last.day))).days
    try:
        days = (day - date.fromisoformat(compare)).days
    except ValueError:
        days = 0
    if not 0 < days <= 10 * 366:
        raise Invalid(fields={"compare": [_("对比日期须早于所选时段。")]})
    return days


def _named(name: str, zone: str, now: datetime) -> tuple[datetime, datetime]:
    if name in RANGES:
        return now - RANGES[name], now
    if name not in CALENDAR:
        raise Invalid(fields={"range": [_("请选择有效的选项。")]})
    day = local_day(now, zone) - timedelta(days=CALENDAR.index(name))
    return day_bounds(day, zone)


def _fixed(given: QueryDict, zone: str) -> tuple[datetime, datetime]:
    start, end = _moment(given, "from", zone), _moment(given, "to", zone)
    if not SHORTEST <= end - start <= LONGEST:
        raise Invalid(fields={"to": [_("结束时间须晚于开始时间，时段不超过一年。")]})
    return start, end


def _moment(given: QueryDict, name: str, zone: str) -> datetime:
    """A moment of the address; without an offset it is meant in the site's zone."""
    text = given.get(name, "")
    try:
        # An unescaped plus sign arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
        if at.year not in YEARS:
            raise ValueError(text)
    except ValueError:
        words = [_("请输入 ISO 8601 格式的日期或时间。")]
        raise Invalid(fields={name: words}) from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def around(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """A period about a stretch, with half as much again on both sides, at least half an hour."""
    room = max((end - start) / 2, timedelta(minutes=30))
    return max(start - room, end + room - LONGEST), end + room

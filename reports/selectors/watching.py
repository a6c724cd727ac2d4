"""What one connection may watch, and the rows that it is sent."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from devices import live
from devices.models import Device, PointCode
from devices.states import Quality
from sites.models import Grant, Site, User, access_for
from sites.rules import Ability

# What one page can ask for; a tree of thousands is not read by anybody at once.
MOST_DEVICES = 500
MOST_POINTS = 5000

# Device id, point code, value (None when bad), time (epoch seconds), quality (Quality).
Row = tuple[int, str, float | None, float, int]


@dataclass(frozen=True, slots=True)
class Rights:
    """A person as of now, the sites that he sees (None: all), when one of his grants ends."""

    user: User
    site_ids: frozenset[int] | None
    ends_at: datetime | None

    def cover(self, site_id: int) -> bool:
        """Whether the person sees this site."""
        return self.site_ids is None or site_id in self.site_ids


@dataclass(frozen=True, slots=True)
class Wish:
    """What a page asks for: whole devices, single points as (device id, code), topics."""

    devices: frozenset[int] = frozenset()
    points: frozenset[tuple[int, str]] = frozenset()
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Watch:
    """What of a wish is granted, by device; the rest is named as refused."""

    codes: Mapping[int, frozenset[str]] = field(default_factory=dict)
    site_of: Mapping[int, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


def rights(*, user_id: int, now: datetime) -> Rights | None:
    """What the person may see now, asked anew; None when the account is closed."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    ends = Grant.objects.filter(user=user, ends_at__gt=now).in_force(now)
    sees_all = access_for(user).has_everywhere(Ability.VIEW)
    sites = Site.objects.none() if sees_all else Site.objects.visible_to(user)
    return Rights(
        user=user,
        site_ids=None if sees_all else frozenset(sites.order_by().values_list("pk", flat=True)),
        ends_at=ends.order_by("ends_at").values_list("ends_at", flat=True).first(),
    )


def watch(*, user: User, wish: Wish) -> Watch:
    """The part of a wish that the person may see: devices of his sites, points of his classes."""
    wanted = wish.devices | {device for device, _code in wish.points}
    devices = (
        Device.objects.visible_to(user)
        .filter(pk__in=wanted)
        .select_related("site__enterprise", "site__team", "template_version__layout")
    )
    class_of = dict(PointCode.objects.values_list("code", "data_class"))
    access = access_for(user)
    codes: dict[int, frozenset[str]] = {}
    site_of: dict[int, int] = {}
    for device in devices:
        layout = device.template_version.layout
        known = frozenset((*layout.value_codes, *layout.counter_codes))
        classes = access.data_classes(device.site)
        allowed = frozenset(code for code in known if class_of.get(code) in classes)
        asked = frozenset(code for pk, code in wish.points if pk == device.pk)
        codes[device.pk] = allowed if device.pk in wish.devices else allowed & asked
        site_of[device.pk] = device.site_id
    return Watch(codes=codes, site_of=site_of, refused=_refused(wish, codes))


def _refused(wish: Wish, codes: Mapping[int, frozenset[str]]) -> tuple[str, ...]:
    devices = [str(pk) for pk in sorted(wish.devices) if pk not in codes]
    points = [f"{pk}:{code}" for pk, code in sorted(wish.points) if code not in codes.get(pk, ())]
    return (*devices, *points)


def snapshot(*, codes: Mapping[int, Collection[str]]) -> list[Row]:
    """The newest value of every watched point; what was never sampled is left out."""
    found = live.latest_points(device_ids=list(codes))
    return [
        row
        for device_id, points in found.items()
        for row in _rows(device_id, points, codes.get(device_id, ()))
    ]


def changes(*, packed: Mapping[int, bytes], codes: Mapping[int, frozenset[str]]) -> str:
    """Rows of newly packed samples as a JSON list; a register that this cycle did not read has no
    news. '' when nothing is new.
    """
    told = (_told(pk, data, codes.get(pk, frozenset())) for pk, data in packed.items())
    rows = ", ".join(text for text in told if text)
    return f"[{rows}]" if rows else ""


@lru_cache(maxsize=2048)
def _told(device_id: int, data: bytes, codes: frozenset[str]) -> str:
    """The rows of one sample without the brackets: many sockets watch the same device."""
    rows = _rows(device_id, live.points_of(live.unpack(data)), codes)
    return ", ".join(json.dumps(row) for row in rows)


def _rows(
    device_id: int, points: Iterable[live.LatestPoint], codes: Collection[str]
) -> Iterable[Row]:
    for point in points:
        if point.code not in codes:
            continue
        if point.value is None and point.quality == Quality.GOOD:
            continue
        is_good = point.quality == Quality.GOOD
        value = round(point.value, 6) if is_good and point.value is not None else None
        yield device_id, point.code, value, round(point.at, 3), int(point.quality)


def parse_wish(message: Mapping[str, Any]) -> Wish:
    """The wish of a message. Raises ValueError when it is malformed or too large."""
    devices = frozenset(_key(pk) for pk in _listed(message, "devices", MOST_DEVICES))
    points = frozenset(_point(text) for text in _listed(message, "points", MOST_POINTS))
    topics = frozenset(str(topic) for topic in _listed(message, "topics", 20))
    if len(devices | {pk for pk, _code in points}) > MOST_DEVICES:
        raise ValueError("too many devices")
    return Wish(devices=devices, points=points, topics=topics)


def _listed(message: Mapping[str, Any], name: str, most: int) -> list[Any]:
    given = message.get(name, [])
    if not isinstance(given, list) or len(given) > most:
        raise ValueError(f"{name}: not a list of at most {most}")
    return given


def _key(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise ValueError("not an id")
    return value


def _point(value: Any) -> tuple[int, str]:
    device, _, code = str(value).partition(":")
    if not device.isascii() or not device.isdigit() or not 0 < len(code) <= 24:
        raise ValueError("not a point")
    return _key(int(device)), code

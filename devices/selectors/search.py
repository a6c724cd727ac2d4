"""The search over sites, devices, points and derived points by Chinese, code, English, pinyin and initials."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from core.search import matching, rank, rank_of, words_of
from devices.models import Device, PointCode, PointOverride
from devices.selectors.derived import FormulaPoint, find_derived
from devices.selectors.points import DevicePoint, points_for
from sites.models import Circuit, Room, Site, User, access_for
from sites.rules import DataClass

SITE_COLUMNS = ("search_text", "enterprise__search_text")
# Names of points that single devices say differently; more hits than this are not looked at.
_MOST_OVERRIDES = 200


@dataclass(frozen=True, slots=True)
class FoundPoint:
    """One point of a device, named as the device names it."""

    device: Device
    point: DevicePoint


@dataclass(slots=True)
class Found:
    """What was found, best first; `has_more` names the kinds of which there is more."""

    sites: list[Site] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    points: list[FoundPoint] = field(default_factory=list)
    derived: list[FormulaPoint] = field(default_factory=list)
    has_more: list[str] = field(default_factory=list)


def search(*, user: User, text: str, limit: int = 8) -> Found:
    """Sites, devices in service, their points, and derived points in which every word of the text occurs.

    A word may be in the thing's own name or in the name of the place where it is; of a point at
    least one word is its own. A whole name or code comes before a beginning, that before an inside.
    Devices come with site__enterprise, room, circuit, bus__gateway and template_version__layout.
    """
    words = words_of(text)
    if not words:
        return Found()
    sites = list(_sites(user, words)[: limit + 1])
    devices = list(_devices(user, words)[: limit + 1])
    points = _points(user, words, limit + 1)
    derived = find_derived(user=user, text=text, limit=limit + 1)
    more: dict[str, list[Any]] = {
        "sites": sites,
        "devices": devices,
        "points": points,
        "derived": derived,
    }
    return Found(
        sites[:limit],
        devices[:limit],
        points[:limit],
        derived[:limit],
        [kind for kind, rows in more.items() if len(rows) > limit],
    )


def _sites(user: User, words: list[str]) -> QuerySet[Site]:
    sites = Site.objects.visible_to(user).select_related("enterprise__town", "team")
    for word in words:
        sites = sites.filter(matching(word, SITE_COLUMNS))
    return sites.order_by(rank(words), "number")


def _said_by_place(words: Iterable[str]) -> Q:
    """Devices that say each word themselves or by the place where they are.

    The places are asked in subqueries: each name is compared once, not once per device.
    """
    condition = Q()
    for word in words:
        own = matching(word, ["search_text"])
        sites = Site.objects.filter(matching(word, SITE_COLUMNS))
        condition &= (
            own
            | Q(site__in=sites.order_by().values("pk"))
            | Q(room__in=Room.objects.filter(own).order_by().values("pk"))
            | Q(circuit__in=Circuit.objects.filter(own).order_by().values("pk"))
        )
    return condition


def _in_service(user: User) -> QuerySet[Any]:
    return (
        Device.objects.visible_to(user)
        .in_service()
        .with_place()
        .select_related("site__enterprise", "template_version__layout", "bus__gateway", "source")
    )


def _devices(user: User, words: list[str]) -> QuerySet[Any]:
    found = _in_service(user).filter(_said_by_place(words))
    return found.order_by(rank(words), "site__number", "code", "pk")


def _points(user: User, words: list[str], limit: int) -> list[FoundPoint]:
    dictionary = list(PointCode.objects.all())
    named: dict[tuple[int, int], str] = {
        (row.device_id, row.point_id): row.search_text
        for row in PointOverride.objects.visible_to(user).filter(_any_of(words), is_enabled=True)[
            :_MOST_OVERRIDES
        ]
    }
    condition = _having(user, words, dictionary) | Q(pk__in={device for device, _point in named})
    devices = list(
        _in_service(user).filter(condition).order_by("site__number", "code", "pk")[:limit]
    )
    found = []
    for device_id, points in points_for(user=user, devices=devices).items():
        device = next(device for device in devices if device.pk == device_id)
        place = _place_text(device)
        for point in points:
            text = point.point.search_text + named.get((device_id, point.point.pk), "")
            own = [word for word in words if word in text]
            if own and all(word in own or word in place for word in words):
                found.append((rank_of(own, text), FoundPoint(device, point)))
    # Sorting is stable: within a rank the order of devices, then of the dictionary.
    return [hit for _rank, hit in sorted(found, key=lambda pair: pair[0])][:limit]


def _any_of(words: list[str]) -> Q:
    condition = Q()
    for word in words:
        condition |= matching(word, ["search_text"])
    return condition


def _having(user: User, words: list[str], dictionary: list[PointCode]) -> Q:
    """Devices with a matching point of a class that the person sees there.

    Words that the point does not say itself must be said by the device's place.
    """
    wanted: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for point in dictionary:
        rest = tuple(word for word in words if word not in point.search_text)
        if len(rest) < len(words):
            wanted.setdefault((point.data_class, rest), []).append(point.code)
    access = access_for(user)
    condition = Q(pk__in=[])
    for (data_class, rest), codes in wanted.items():
        layout = "template_version__layout__"
        has_one = Q(**{f"{layout}value_codes__overlap": codes}) | Q(
            **{f"{layout}counter_codes__overlap": codes}
        )
        allowed = access.site_q("site__", data_class=DataClass(data_class))
        condition |= allowed & has_one & _said_by_place(rest)
    return condition


def _place_text(device: Device) -> str:
    places = (device, device.circuit, device.room, device.site, device.site.enterprise)
    return "".join(place.search_text for place in places if place is not None)

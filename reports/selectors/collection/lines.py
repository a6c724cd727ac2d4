"""Lines and devices that need a look: the slowest, and those that do not answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import Q

from core.quick import address
from core.search import matching, words_of
from devices.drivers.pace import SLOWEST
from devices.models import Bus, Device
from reports.selectors.collection.shards import ShardLine

_GATEWAY = "gateway"
_DEVICE = "device"


@dataclass(frozen=True, slots=True)
class SlowBus:
    """One of the slowest lines; milliseconds from question to answer."""

    bus: Bus
    shard: str
    mean_ms: float
    peak_ms: float


@dataclass(frozen=True, slots=True)
class AwayLine:
    """A gateway that cannot be reached, or a device that keeps silent, and when it is asked next.

    next_s: seconds from now; 0 when it is asked as soon as it is due.
    """

    kind: str
    row: Any
    shard: str
    failures: int
    next_s: float

    @property
    def is_gateway(self) -> bool:
        return self.kind == _GATEWAY

    @property
    def gateway(self) -> Any:
        """The gateway itself, or the one that speaks for the device."""
        return self.row.gateway if self.is_gateway else self.row.bus.gateway

    @property
    def label(self) -> str:
        """Of the device, or of the line."""
        if self.is_gateway:
            return f"{self.row.gateway.label} #{self.row.number}"
        return str(self.row.label)

    @property
    def url(self) -> str:
        """Its page."""
        if self.is_gateway:
            return address("reports:gateway-detail", self.row.gateway_id)
        return f"{address('reports:live')}?device={self.row.pk}"


def slow_buses(shards: Iterable[ShardLine]) -> list[SlowBus]:
    """The slowest lines of all shards, in one query."""
    found = [
        (mean_ms, peak_ms, key, shard.name)
        for shard in shards
        if shard.told
        for key, mean_ms, peak_ms in shard.told.lines.slowest
    ]
    found = sorted(found, reverse=True)[:SLOWEST]
    rows = _buses(key for _mean, _peak, key, _shard in found)
    return [
        SlowBus(rows[key], shard, mean_ms, peak_ms)
        for mean_ms, peak_ms, key, shard in found
        if key in rows
    ]


@dataclass(frozen=True, slots=True)
class _Told:
    kind: str
    key: int
    failures: int
    next_s: float
    shard: str


def away_lines(
    shards: Sequence[ShardLine], *, now: datetime, kind: str = "", shard: str = "", text: str = ""
) -> "AwayRows":
    """Those that do not answer, of a kind, of a shard, found by words; named page by page."""
    said = [
        each
        for line in shards
        if line.told and shard in {"", line.name}
        for each in _told_of(line, now)
        if kind in {"", each.kind}
    ]
    return AwayRows(_found(said, text) if text.strip() else said)


def _told_of(line: ShardLine, now: datetime) -> Iterable[_Told]:
    says = line.told
    if says is None:
        return
    passed_s = max(0.0, now.timestamp() - says.at)
    for kind, rows in ((_GATEWAY, says.lines.away), (_DEVICE, says.lines.silent)):
        for key, failures, next_s in rows:
            yield _Told(kind, key, failures, max(0.0, next_s - passed_s), line.name)


class AwayRows:
    """A sequence for a paginator, which asks the tables for the names of its slice alone."""

    def __init__(self, told: Sequence[_Told]) -> None:
        self._told = told

    def __len__(self) -> int:
        return len(self._told)

    def __getitem__(self, place: slice) -> list[AwayLine]:
        shown = self._told[place]
        buses = _buses(each.key for each in shown if each.kind == _GATEWAY)
        devices = _devices(each.key for each in shown if each.kind == _DEVICE)
        rows: dict[str, dict[int, Any]] = {_GATEWAY: buses, _DEVICE: devices}
        return [
            AwayLine(each.kind, row, each.shard, each.failures, each.next_s)
            for each in shown
            if (row := rows[each.kind].get(each.key)) is not None
        ]


def _found(said: list[_Told], text: str) -> list[_Told]:
    """Those whose names, or whose site's, hold every word."""
    words = words_of(text)
    if not words:
        return []
    device = (matching(word, ("search_text", "site__search_text")) for word in words)
    columns = ("gateway__search_text", "gateway__site__search_text")
    bus = (matching(word, columns) for word in words)
    keys = {kind: {each.key for each in said if each.kind == kind} for kind in (_DEVICE, _GATEWAY)}
    fits = {
        _DEVICE: _ids(Device.objects.filter(pk__in=keys[_DEVICE]), device),
        _GATEWAY: _ids(Bus.objects.filter(pk__in=keys[_GATEWAY]), bus),
    }
    return [each for each in said if each.key in fits[each.kind]]


def _ids(rows: Any, conditions: Iterable[Q]) -> set[int]:
    return set(rows.filter(reduce(and_, conditions)).order_by().values_list("pk", flat=True))


def _buses(keys: Iterable[int]) -> dict[int, Bus]:
    rows = Bus.objects.filter(pk__in=set(keys)).select_related("gateway__site")
    return {row.pk: row for row in rows.order_by()}


def _devices(keys: Iterable[int]) -> dict[int, Device]:
    rows = Device.objects.filter(pk__in=set(keys)).select_related("site", "bus__gateway")
    return {row.pk: row for row in rows.order_by()}

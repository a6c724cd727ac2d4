"""Latest values: packed in Redis, one hash per site, and pushed to whoever watches the site.

A cache of what was stored: losing it loses nothing, the next cycle fills it again.
"""

import logging
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import redis
from channels.layers import get_channel_layer
from django.conf import settings
from numpy.typing import NDArray

from core.loop import run
from core.patience import Patience
from devices.history import Batch, LayoutGroup, positions
from devices.models import Device
from devices.states import Quality

logger = logging.getLogger(__name__)

WATCHED_KEY = "live:watched"
REDIS_PATIENCE_S = 2.0

_HEAD = struct.Struct("<diBHH")
# Marks the field that keeps the last sample of registers that are not read in every cycle.
_SLOW = b"s"

Packed = dict[int, dict[bytes, bytes]]
Found = list[tuple[bytes, bytes | None]]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest sample of a device, with its time (epoch seconds) and quality, never without."""

    at: float
    layout_id: int
    values: NDArray[np.float32]
    counters: NDArray[np.float64]
    quality: int
    flags: bytes = b""


@dataclass(frozen=True, slots=True)
class LatestPoint:
    """One point of it. `value` is None while it was never sampled, or when it is bad."""

    code: str
    value: float | None
    at: float
    quality: Quality


class StoreState:
    """The connection, and whether it failed last time: an outage is told once, and its end once."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None
        self.patience = Patience()

    @property
    def client(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=REDIS_PATIENCE_S,
                socket_connect_timeout=REDIS_PATIENCE_S,
            )
        return self._client

    def is_up(self) -> None:
        if self.patience.answered():
            logger.info("live.redis_up")

    def is_down(self, reason: Exception) -> None:
        if self.patience.is_missing():
            logger.warning("live.redis_down reason=%s", reason)


store_state = StoreState()


def store(batch: Batch, *, now: datetime) -> Packed:
    """Keep the newest sample of every device; the part of it that somebody watches.

    An outage of Redis is logged, once, and returns nothing: readings must not wait for it.
    """
    if not store_state.patience.may_ask():
        return {}
    packed = pack(batch)
    try:
        pipeline = store_state.client.pipeline(transaction=False)
        for site_id, devices in packed.items():
            pipeline.hset(_key(site_id), mapping=devices)  # type: ignore[arg-type]
        pipeline.zrangebyscore(WATCHED_KEY, now.timestamp(), "+inf")
        watched = {int(site_id) for site_id in pipeline.execute()[-1]}
    except redis.RedisError as reason:
        store_state.is_down(reason)
        store_state.patience.failed()
        return {}
    store_state.is_up()
    return {site_id: devices for site_id, devices in packed.items() if site_id in watched}


def publish(watched: Packed) -> None:
    """Send to the group of each site what changed there; a failure is logged and forgotten."""
    layer = get_channel_layer()
    if layer is None or not watched:
        return

    async def send_all() -> None:
        for site_id, devices in watched.items():
            values = {
                field.decode(): data for field, data in devices.items() if not field.endswith(_SLOW)
            }
            message = {"type": "site.values", "site": site_id, "devices": values}
            await layer.group_send(f"site.{site_id}", message)

    try:
        run(send_all(), timeout_s=REDIS_PATIENCE_S)
    except (redis.RedisError, OSError, TimeoutError) as reason:
        store_state.is_down(reason)


def show(batch: Batch, *, now: datetime) -> None:
    """Show samples that are safe, but not in the tables yet."""
    publish(store(batch, now=now))


def watch(site_id: int, *, until: datetime) -> None:
    """Ask for a site's values in its group until a moment; consumers renew it while they listen."""
    pipeline = store_state.client.pipeline(transaction=False)
    pipeline.zadd(WATCHED_KEY, {str(site_id): until.timestamp()}, gt=True)
    # What nobody renewed for an hour is of no use.
    pipeline.zremrangebyscore(WATCHED_KEY, "-inf", until.timestamp() - 3600)
    pipeline.execute()


def latest(
    *,
    site_id: int | None = None,
    device_ids: Collection[int] | None = None,
    site_of: Mapping[int, int] | None = None,
) -> dict[int, Latest]:
    """The newest sample by device, of a whole site or of some devices; what has none is left out.

    Empty while Redis is away. site_of: the devices' sites, when the caller knows them.
    """
    return {key[0]: sample for key, sample in _read(site_id, device_ids, site_of) if not key[1]}


def latest_points(
    *,
    device_ids: Collection[int],
    codes: Collection[str] | None = None,
    site_of: Mapping[int, int] | None = None,
) -> dict[int, list[LatestPoint]]:
    """The newest value of every point by device, each with its own time, in the layout's order.

    A register that is read seldom keeps the value, and the time, of its last reading. codes: only
    these points; site_of: the devices' sites, when the caller knows them.
    """
    fresh: dict[int, Latest] = {}
    seldom: dict[int, Latest] = {}
    for (device_id, is_slow), sample in _read(None, device_ids, site_of):
        (seldom if is_slow else fresh)[device_id] = sample
    result = {}
    for device_id, sample in fresh.items():
        older = {point.code: point for point in points_of(seldom.get(device_id), codes)}
        result[device_id] = [
            older.get(point.code, point)
            if point.value is None and point.quality == Quality.GOOD
            else point
            for point in points_of(sample, codes)
        ]
    return result


def points_of(sample: Latest | None, codes: Collection[str] | None = None) -> Iterator[LatestPoint]:
    """The points of a sample, all or those of some codes; one that was not sampled has no value and
    good quality.
    """
    if sample is None:
        return
    layout = positions([sample.layout_id]).get(sample.layout_id)
    if layout is None:
        return
    known = layout.value_codes + layout.counter_codes
    numbers = [*sample.values.tolist(), *sample.counters.tolist()]
    for place, (code, number) in enumerate(zip(known, numbers, strict=True)):
        if codes is not None and code not in codes:
            continue
        is_bad = sample.quality == Quality.BAD or _flagged(sample.flags, place)
        yield LatestPoint(
            code=code,
            value=None if number != number else number,  # noqa: PLR0124 - NaN
            at=sample.at,
            quality=Quality.BAD if is_bad else Quality.GOOD,
        )


def forget(*, site_id: int, device_ids: Iterable[int]) -> None:
    """Drop devices from a site's latest values, when they moved or went."""
    fields = [field for pk in device_ids for field in (_field(pk), _field(pk) + _SLOW)]
    if fields:
        store_state.client.hdel(_key(site_id), *fields)


def pack(batch: Batch) -> Packed:
    """By site, then by field of the hash; a later row of a device replaces an earlier one."""
    packed: Packed = {}
    for group in batch.groups:
        rows = _pack_rows(group)
        sites = group.site_ids.tolist()
        for site_id, device_id, row in zip(sites, group.device_ids.tolist(), rows, strict=True):
            fields = packed.setdefault(site_id, {})
            fields[_field(device_id)] = row
            if group.has_slow:
                fields[_field(device_id) + _SLOW] = row
    return packed


def unpack(data: bytes) -> Latest:
    """What `pack` made of one row."""
    at, layout_id, quality, values, counters = _HEAD.unpack_from(data)
    middle = _HEAD.size + 4 * values
    end = middle + 8 * counters
    return Latest(
        at=at,
        layout_id=layout_id,
        values=np.frombuffer(data, "<f4", values, _HEAD.size),
        counters=np.frombuffer(data, "<f8", counters, middle),
        quality=quality,
        flags=data[end:],
    )


@lru_cache(maxsize=256)
def _row_type(values: int, counters: int) -> np.dtype[Any]:
    return np.dtype(
        [
            ("at", "<f8"),
            ("layout", "<i4"),
            ("quality", "u1"),
            ("values_size", "<u2"),
            ("counters_size", "<u2"),
            ("values", "<f4", (values,)),
            ("counters", "<f8", (counters,)),
        ]
    )


def _pack_rows(group: LayoutGroup) -> list[bytes]:
    values, counters = group.values.shape[1], group.counters.shape[1]
    rows = np.empty(len(group), _row_type(values, counters))
    rows["at"] = group.at
    rows["layout"] = group.layout_id
    rows["quality"] = group.quality
    rows["values_size"], rows["counters_size"] = values, counters
    rows["values"], rows["counters"] = group.values, group.counters
    data, size = rows.tobytes(), rows.itemsize
    packed = [data[start : start + size] for start in range(0, len(data), size)]
    if any(group.flags):
        return [row + (flags or b"") for row, flags in zip(packed, group.flags, strict=True)]
    return packed


def _read(
    site_id: int | None,
    device_ids: Collection[int] | None,
    site_of: Mapping[int, int] | None = None,
) -> Iterator[tuple[tuple[int, bool], Latest]]:
    try:
        found = _of_site(site_id) if site_id is not None else _of_devices(device_ids or (), site_of)
    except redis.RedisError as reason:
        store_state.is_down(reason)
        return
    wanted = None if device_ids is None else set(device_ids)
    for field, data in found:
        is_slow = field.endswith(_SLOW)
        device_id = int(field.removesuffix(_SLOW))
        if data is not None and (wanted is None or device_id in wanted):
            yield (device_id, is_slow), unpack(data)


def _of_site(site_id: int) -> Found:
    found: dict[bytes, bytes] = store_state.client.hgetall(_key(site_id))  # type: ignore[assignment]
    return list(found.items())


def _of_devices(device_ids: Collection[int], site_of: Mapping[int, int] | None) -> Found:
    by_site: dict[int, list[bytes]] = {}
    if site_of is None:
        rows = Device.objects.filter(pk__in=device_ids).values_list("pk", "site_id")
        site_of = dict(rows)
    for device_id, site_id in site_of.items():
        fields = by_site.setdefault(site_id, [])
        fields += [_field(device_id), _field(device_id) + _SLOW]
    pipeline = store_state.client.pipeline(transaction=False)
    for site_id, fields in by_site.items():
        pipeline.hmget(_key(site_id), fields)
    answers = zip(by_site.values(), pipeline.execute(), strict=True)
    return [pair for fields, row in answers for pair in zip(fields, row, strict=True)]


def _key(site_id: int) -> str:
    return f"live:site:{site_id}"


def _field(device_id: int) -> bytes:
    return b"%d" % device_id


def _flagged(flags: bytes, place: int) -> bool:
    return place // 8 < len(flags) and bool(flags[place // 8] >> place % 8 & 1)

"""Devices that a source speaks of, and its samples as a batch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from devices import live
from devices.history import Batch, LayoutGroup
from devices.models import DataSource, Device, PointOverride, Register
from devices.rules import Refusal, Sample
from devices.services.sampling import flags_of
from devices.states import Quality

# A sample that is newer than all others of its device is shown and judged, unless it is older than
# this: as far back as the rules make up for what nobody evaluated (ADR 10).
NEWS_S = 6 * 3600.0


@dataclass(slots=True, eq=False)
class FedVersion:
    """The points of a template version by position: values, then counters.

    low, high: what the template believes, at the side where the meter tells it.
    """

    layout_id: int
    places: dict[str, int]
    split: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(slots=True, eq=False)
class FedDevice:
    """A device at the source's site, in use by the source or not."""

    pk: int
    site_id: int
    source_id: int | None
    is_polled: bool
    is_enabled: bool
    version: FedVersion
    newest: float = float("-inf")
    disabled: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Row:
    """A sample on its way into the history; `at_us` in microseconds since 1970."""

    device: FedDevice
    at_us: int
    values: Mapping[str, float | None]
    is_bad: bool
    is_known: bool = False


def devices_of(
    *, source: DataSource, samples: Iterable[Sample | Refusal]
) -> dict[int | str, list[FedDevice]]:
    """The devices that samples name, by id and by code, of the source's site alone."""
    named = {sample.device for sample in samples if isinstance(sample, Sample)}
    ids = [name for name in named if isinstance(name, int)]
    codes = [name for name in named if isinstance(name, str)]
    rows = list(
        Device.objects.filter(Q(pk__in=ids) | Q(code__in=codes), site=source.site_id).values_list(
            "pk",
            "code",
            "site_id",
            "source_id",
            "bus_id",
            "is_enabled",
            "last_seen_at",
            "template_version_id",
            "template_version__values_are",
            "template_version__layout_id",
            "template_version__layout__value_codes",
            "template_version__layout__counter_codes",
        )
    )
    versions = _versions({row[7]: row[8:] for row in rows})
    found: dict[int | str, list[FedDevice]] = defaultdict(list)
    for pk, code, site_id, source_id, bus_id, is_enabled, seen_at, version_id, *_map in rows:
        device = FedDevice(
            pk, site_id, source_id, bus_id is not None, is_enabled, versions[version_id]
        )
        if seen_at is not None:
            device.newest = seen_at.timestamp()
        found[pk].append(device)
        if code:
            found[code].append(device)
    _complete({row[0]: found[row[0]][0] for row in rows})
    return found


def batches_of(rows: Sequence[Row], *, now: datetime) -> tuple[Batch, Batch]:
    """What is to be stored, and the part of it that is news; rows of a device in time order.

    A repeated sample that is the newest of its device is handed on again: the first time may have
    ended between the commit and the telling.
    """
    by_version: dict[int, list[Row]] = defaultdict(list)
    oldest = now.timestamp() - NEWS_S
    for row in sorted(rows, key=lambda row: row.at_us):
        if not row.is_known or _is_news(row, oldest):
            by_version[id(row.device.version)].append(row)
    groups, news = [], []
    for some in by_version.values():
        for group, is_news in _groups(some, oldest):
            groups.append(group)
            if is_news.any():
                news.append(group.take(is_news))
    return Batch(groups), Batch(news)


def _is_news(row: Row, oldest: float) -> bool:
    at = row.at_us / 1e6
    return at >= row.device.newest and at >= oldest


def _groups(rows: list[Row], oldest: float) -> Iterable[tuple[LayoutGroup, NDArray[np.bool_]]]:
    """Rows of one version in arrays; apart those of devices whose last row has every point.

    Such a row is kept as the last known value of points that later rows may leave out.
    """
    version = rows[0].device.version
    given = np.array([list(map(row.values.get, version.places)) for row in rows], np.float64)
    sampled: NDArray[np.bool_] = np.isfinite(given)
    connected: NDArray[np.bool_] = np.ones(given.shape, np.bool_)
    for place, row in enumerate(rows):
        connected[place, row.device.disabled] = False
    sampled &= connected
    is_bad = np.array([[row.is_bad] for row in rows], np.bool_)
    bad: NDArray[np.bool_] = np.logical_and(
        sampled, is_bad | (given < version.low) | (given > version.high)
    )
    given[bad | ~connected] = np.nan
    quality = np.full(len(rows), Quality.GOOD, np.uint8)
    quality[bad.any(axis=1)] = Quality.PARTIAL
    quality[bad.any(axis=1) & (bad == sampled).all(axis=1)] = Quality.BAD
    is_full = (sampled == connected).all(axis=1)
    last = {row.device.pk: bool(is_full[place]) for place, row in enumerate(rows)}
    ends_full = np.array([last[row.device.pk] for row in rows], np.bool_)
    group = LayoutGroup(
        layout_id=version.layout_id,
        device_ids=np.array([row.device.pk for row in rows], np.int64),
        site_ids=np.array([row.device.site_id for row in rows], np.int64),
        at=np.array([row.at_us for row in rows], np.float64) / 1e6,
        values=given[:, : version.split].astype(np.float32),
        counters=np.ascontiguousarray(given[:, version.split :]),
        quality=quality,
        flags=flags_of(bad),
    )
    is_news = np.array([_is_news(row, oldest) for row in rows], np.bool_)
    for mask, has_slow in ((ends_full, True), (~ends_full, False)):
        if mask.any():
            part = group.take(mask)
            part.has_slow = has_slow
            yield part, is_news[mask]


def _versions(facts: Mapping[int, Sequence[object]]) -> dict[int, FedVersion]:
    limits: dict[int, dict[str, tuple[float | None, float | None]]] = defaultdict(dict)
    registers = Register.objects.filter(version__in=facts)
    for pk, code, low, high in registers.values_list(
        "version_id", "point__code", "minimum", "maximum"
    ):
        limits[pk][code] = low, high
    found = {}
    for pk, (values_are, layout_id, value_codes, counter_codes) in facts.items():
        codes = [*value_codes, *counter_codes]  # type: ignore[misc]
        # Limits of the secondary side say nothing about primary values.
        known = limits[pk] if values_are == "primary" else {}
        found[pk] = FedVersion(
            layout_id=layout_id,  # type: ignore[arg-type]
            places={code: place for place, code in enumerate(codes)},
            split=len(value_codes),  # type: ignore[arg-type]
            low=_limits([known.get(code, (None, None))[0] for code in codes], -np.inf),
            high=_limits([known.get(code, (None, None))[1] for code in codes], np.inf),
        )
    return found


def _limits(given: Sequence[float | None], default: float) -> NDArray[np.float64]:
    return np.array([default if limit is None else limit for limit in given], np.float64)


def _complete(devices: Mapping[int, FedDevice]) -> None:
    """The time of the newest sample that is shown, and the points that are not connected."""
    for pk, sample in live.latest(device_ids=devices.keys()).items():
        devices[pk].newest = max(devices[pk].newest, sample.at)
    missing = PointOverride.objects.filter(device__in=devices, is_enabled=False)
    for pk, code in missing.values_list("device_id", "point__code"):
        place = devices[pk].version.places.get(code)
        if place is not None:
            devices[pk].disabled.append(place)

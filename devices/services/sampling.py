"""Reads to samples: decoded per template version, brought to the primary side, in arrays."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from devices.drivers import DeviceRead
from devices.history import Batch, LayoutGroup
from devices.services.plan import Ask, Plan, PlannedDevice
from devices.states import Quality


def samples(reads: Iterable[DeviceRead], plan: Plan) -> Batch:
    """The samples of the reads that brought data; reads of devices that left the plan are skipped.

    Rows of one device keep the order of the reads.
    """
    by_ask: dict[int, list[DeviceRead]] = {}
    for read in reads:
        if read.blocks is not None:
            by_ask.setdefault(id(read.asked), []).append(read)
    groups = [
        group
        for key, some in by_ask.items()
        if (ask := plan.asks.get(key)) is not None
        and (group := _group(ask, some, plan)) is not None
    ]
    return Batch(groups)


def _group(ask: Ask, reads: list[DeviceRead], plan: Plan) -> LayoutGroup | None:
    version, known = ask.version, plan.devices
    pairs = [
        (read, device)
        for read in reads
        if (device := known.get(read.device_id)) is not None and device.version is version
    ]
    if not pairs:
        return None
    devices = [device for _read, device in pairs]
    values, counters, quality, bad = ask.decoder.decode([read.blocks for read, _device in pairs])  # type: ignore[misc]
    if version.by_ct.any() or version.by_pt.any():
        _to_primary(ask, devices, values, counters)
    if any(device.disabled is not None for device in devices):
        _disconnect(devices, values, counters, quality, bad)
    return LayoutGroup(
        layout_id=version.layout_id,
        device_ids=np.array([device.pk for device in devices], np.int64),
        site_ids=np.array([device.site_id for device in devices], np.int64),
        at=np.array([read.at for read, _device in pairs], np.float64),
        values=values,
        counters=counters,
        quality=quality,
        flags=flags_of(bad),
        has_slow=ask.has_slow,
    )


def _to_primary(
    ask: Ask,
    devices: list[PlannedDevice],
    values: NDArray[np.float32],
    counters: NDArray[np.float64],
) -> None:
    """Secondary side to primary: voltage by PT, current by CT, power and energy by both."""
    version, split = ask.version, values.shape[1]
    ct = np.array([[device.ct] for device in devices])
    pt = np.array([[device.pt] for device in devices])
    factor = np.where(version.by_ct, ct, 1.0) * np.where(version.by_pt, pt, 1.0)
    values *= factor[:, :split].astype(np.float32)
    counters *= factor[:, split:]


def _disconnect(
    devices: list[PlannedDevice],
    values: NDArray[np.float32],
    counters: NDArray[np.float64],
    quality: NDArray[np.uint8],
    bad: NDArray[np.bool_],
) -> None:
    """Points that are not connected are not sampled, and not bad."""
    split = values.shape[1]
    for row, device in enumerate(devices):
        places = device.disabled
        if places is None:
            continue
        values[row, places[places < split]] = np.nan
        counters[row, places[places >= split] - split] = np.nan
        bad[row, places] = False
        if not bad[row].any():
            quality[row] = Quality.GOOD


def flags_of(bad: NDArray[np.bool_]) -> list[bytes | None]:
    """Per row: which positions are bad; None when all are good."""
    flags: list[bytes | None] = [None] * len(bad)
    rows = np.flatnonzero(bad.any(axis=1))
    if len(rows):
        bits = np.packbits(bad[rows], axis=1, bitorder="little")
        for row, line in zip(rows.tolist(), bits, strict=True):
            flags[row] = line.tobytes()
    return flags

"""Samples on their way through the real door: stored, then followed by the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alarms.models import Alarm, Rule
from alarms.services import watching
from alarms.states import Condition
from alarms.tests.factories import NOW
from devices.history import Batch, append, prepare
from devices.models import Device
from devices.states import Quality
from devices.tests.factories import VALUE_CODES
from devices.tests.samples import make_batch

# A device on which nothing is wrong.
CALM: dict[str, float] = {
    "Ua": 230.0, "Ub": 230.0, "Uc": 230.0, "Ia": 50.0, "Ib": 50.0, "Ic": 50.0, "P": 30.0,
    "PF": 0.95, "F": 50.0, "IR": 20.0, "T1": 30.0, "DI1": 1.0,
}  # fmt: skip


def at(seconds: float) -> datetime:
    """A moment of the story."""
    return NOW + timedelta(seconds=seconds)


def sample(
    rows: Sequence[tuple[Device, float, Mapping[str, float]]],
    *,
    quality: int = Quality.GOOD,
) -> Batch:
    """One batch: (device, seconds into the story, what differs from CALM)."""
    facts = [CALM | dict(differs) for _device, _at, differs in rows]
    return make_batch(
        layout_id=rows[0][0].template_version.layout_id,
        device_ids=[device.pk for device, _at, _values in rows],
        site_ids=[device.site_id for device, _at, _values in rows],
        at=[at(seconds).timestamp() for _device, seconds, _values in rows],
        values=[[values[code] for code in VALUE_CODES] for values in facts],
        counters=[[0.0, 0.0] for _row in rows],
        quality=[quality] * len(rows),
    )


def keep(batch: Batch) -> None:
    """Store a batch as ingest does, without anybody following it."""
    prepare(batch)
    append(batch)


def follow(
    device: Device,
    seconds: float,
    *,
    quality: int = Quality.GOOD,
    is_stored: bool = True,
    **differs: float,
) -> None:
    """Store one sample of one device and let the rules follow it."""
    batch = sample([(device, seconds, differs)], quality=quality)
    if is_stored:
        keep(batch)
    watching.evaluate(batch=batch, now=at(seconds))


def active(rule: Rule, device: Device) -> list[Alarm]:
    """Active alarms of the rule on the device."""
    return list(
        Alarm.objects.filter(rule=rule, device=device, condition=Condition.ACTIVE).order_by("pk")
    )

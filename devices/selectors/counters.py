"""How the counters of devices are to be read: their meters, ratios and the capacity of their place."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from math import inf, nan, sqrt
from typing import Any

from devices.drivers.counters import Counter, Segment
from devices.models import CounterReading, Device, Meter, Ratio

# Units that both ratios multiply.
_BY_BOTH = ("kWh", "kvarh", "kVAh")


def counters(
    *, device_ids: Collection[int], code: str, extra: Mapping[int, "Planned"] | None = None
) -> dict[int, Counter]:
    """By device, for `drivers.counters.steps` over its stored readings; four queries.

    extra: exchanges as if they had been made, by device, for a preview.
    """
    meters: dict[int, list[Meter]] = defaultdict(list)
    for meter in Meter.objects.filter(device__in=device_ids).order_by("installed_at"):
        meters[meter.device_id].append(meter)
    readings = {
        row.meter_id: row
        for row in CounterReading.objects.filter(meter__device__in=device_ids, point__code=code)
    }
    ratios: dict[int, list[Ratio]] = defaultdict(list)
    for ratio in Ratio.objects.filter(device__in=device_ids).order_by("valid_from"):
        ratios[ratio.device_id].append(ratio)
    devices = Device.objects.filter(pk__in=device_ids).select_related(
        "circuit__transformer", "site", "template_version"
    )
    return {
        device.pk: Counter(
            _segments(
                _ends(meters[device.pk], readings, (extra or {}).get(device.pk)),
                ratios[device.pk] if device.template_version.values_are == "secondary" else [],
            ),
            most_kw(device),
        )
        for device in devices
    }


class Planned:
    """An exchange that is being thought of."""

    def __init__(self, *, at: datetime, first: float | None, last: float | None) -> None:
        self.at_s = at.timestamp()
        self.first = nan if first is None else first
        self.last = nan if last is None else last


def most_kw(device: Device) -> float | None:
    """The capacity of the place: of its circuit, else of its transformer; None when neither is known."""
    circuit = device.circuit
    if circuit is None:
        return None
    if circuit.rated_current_a:
        nominal = circuit.nominal_voltage_v or device.site.nominal_voltage_v
        return sqrt(3) * nominal * circuit.rated_current_a / 1000
    return float(circuit.transformer.rated_kva) if circuit.transformer else None


def _ends(
    meters: list[Meter], readings: Mapping[int, CounterReading], extra: Planned | None
) -> list[dict[str, Any]]:
    """The meters as segments with factor 1; the first one reaches back, gaps belong to the one before."""
    found: list[dict[str, Any]] = []
    for meter in meters:
        row = readings.get(meter.pk)
        found.append(
            {
                "start_s": meter.installed_at.timestamp(),
                "first": nan if row is None or row.first is None else row.first,
                "last": nan if row is None or row.last is None else row.last,
                "rolls_at": meter.rolls_at,
            }
        )
    if not found:
        found.append({"start_s": -inf})
    found[0]["start_s"] = -inf
    if extra is not None:
        found[-1]["last"] = extra.last
        found.append({"start_s": extra.at_s, "first": extra.first})
    for one, after in zip(found, found[1:], strict=False):
        one["end_s"] = after["start_s"]
    return found


def _segments(ends: list[dict[str, Any]], ratios: list[Ratio]) -> tuple[Segment, ...]:
    """The meters, cut where the ratio changes."""
    changes = sorted(
        {edge.timestamp() for r in ratios for edge in (r.valid_from, r.valid_to) if edge}
    )
    found = []
    for one in ends:
        start, end = one["start_s"], one.get("end_s", inf)
        cuts = [start, *(at for at in changes if start < at < end), end]
        for number, (begin, until) in enumerate(zip(cuts, cuts[1:], strict=False)):
            facts = {
                **one,
                "start_s": begin,
                "end_s": until,
                "factor": _factor(ratios, begin),
                "is_same_meter": number > 0,
            }
            if number > 0:
                facts["first"] = nan
            if number < len(cuts) - 2:
                facts["last"] = nan
            found.append(Segment(**facts))
    return tuple(found)


def _factor(ratios: list[Ratio], at_s: float) -> float:
    for ratio in ratios:
        end = inf if ratio.valid_to is None else ratio.valid_to.timestamp()
        if ratio.valid_from.timestamp() <= at_s < end:
            return ratio.ct * ratio.pt
    return 1.0

"""Devices of one place with their key values: what a site or a room shows at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from devices import live, selectors
from devices.models import Device
from devices.selectors import DevicePoint
from devices.states import Quality
from reports.selectors.device_table import GONE_PERIODS, STALE_PERIODS
from reports.selectors.limits import Limit, limits_on, passed
from reports.selectors.tree import State, leaves
from sites.models import User

MOST = 200


@dataclass(frozen=True, slots=True)
class Key:
    """A column: the first of the codes that a device has, or the highest of all of them."""

    name: str
    label: str
    unit: str
    codes: tuple[str, ...]
    takes_highest: bool = False


@dataclass(slots=True)
class Value:
    """One key value: of which point, with its time."""

    point: DevicePoint
    value: float | None
    at_s: float
    is_stale: bool
    limits: list[Limit] = field(default_factory=list)
    passed: Limit | None = None


@dataclass(slots=True)
class Line:
    """One device; `values` by the column's name. `at`: of its newest value."""

    device: Device
    state: State
    period_s: float
    at: datetime | None = None
    values: dict[str, Value] = field(default_factory=dict)

    @property
    def is_abnormal(self) -> bool:
        return bool(
            self.state.alarms or self.state.offline or any(v.passed for v in self.values.values())
        )


def keys() -> list[Key]:
    """The columns."""
    return [
        Key("voltage", _("线电压"), "V", ("Uab", "Ull_avg", "Ua")),
        Key("current", _("最大相电流"), "A", ("Ia", "Ib", "Ic"), takes_highest=True),
        Key("power", _("有功功率"), "kW", ("P",)),
        Key("factor", _("功率因数"), "", ("PF",)),
        Key("residual", _("剩余电流"), "mA", ("IR",)),
        Key("heat", _("最高温度"), "°C", ("T1", "T2", "T3", "T4"), takes_highest=True),
    ]


def summary(*, user: User, devices: Sequence[Device], now: datetime) -> list[Line]:
    """A line per device, in the order given; only points that the person may see.

    devices: in service, with site__enterprise, site__team, bus__gateway, source and the layout selected.
    """
    ids = [device.pk for device in devices]
    points = selectors.points_for(user=user, devices=devices)
    latest = live.latest_points(device_ids=ids)
    limits = limits_on(device_ids=ids)
    columns = keys()
    lines = []
    for leaf in leaves(devices):
        device = leaf.device
        line = Line(device, leaf.state, float(device.period_s))
        newest = {point.code: point for point in latest.get(device.pk, [])}
        known = {point.code: point for point in points[device.pk]}
        oldest = now.timestamp() - GONE_PERIODS * line.period_s
        for key in columns:
            value = _value(key, known, newest, oldest)
            if value is None:
                continue
            value.is_stale = now.timestamp() - value.at_s > STALE_PERIODS * line.period_s
            value.limits = limits.get(device.pk, {}).get(value.point.code, [])
            value.passed = passed(value.limits, value.value)
            line.values[key.name] = value
        times = [point.at for point in newest.values() if point.code in known]
        line.at = datetime.fromtimestamp(max(times), tz=now.tzinfo) if times else None
        lines.append(line)
    return lines


def _value(
    key: Key,
    known: dict[str, DevicePoint],
    newest: dict[str, live.LatestPoint],
    oldest: float,
) -> Value | None:
    found: list[Value] = []
    for code in key.codes:
        point, sample = known.get(code), newest.get(code)
        if point is None:
            continue
        is_good = sample is not None and sample.quality == Quality.GOOD and sample.at >= oldest
        value = sample.value if sample is not None and is_good else None
        found.append(Value(point, value, sample.at if sample else 0.0, is_stale=True))
    if not found:
        return None
    good = [value for value in found if value.value is not None]
    if key.takes_highest and good:
        return max(good, key=lambda one: one.value or 0.0)
    return good[0] if good else found[0]

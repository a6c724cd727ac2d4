"""What went wrong in the demo's past, and what goes wrong just now: faults and lost links by seed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from devices.models import Device, Gateway
from devices.services.simulation import bus_name, device_name
from reports.services.demo.document import MINUTE_SITES, Demo

# How often things happen by the hour, local time.
ANY_TIME = (1,) * 24
AT_WORK = (0, 0, 0, 0, 0, 0, 1, 3, 8, 10, 9, 6, 4, 7, 9, 8, 6, 4, 2, 1, 1, 0, 0, 0)
UNDER_LOAD = (1, 1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 9, 7, 8, 10, 9, 7, 6, 5, 4, 3, 2, 1, 1)
AT_NIGHT = (4, 5, 6, 6, 5, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4)
LINES = ("dead_gateway", "dead_meter")
LOCAL = timedelta(hours=8)
# Apart on the same device, so that one does not hide the other.
REST = timedelta(hours=5)
MINUTE_SHARE = 0.22


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of incident: how often in all the district, how long, how strong.

    needs: a point that shows it. whole: it hits every device behind the gateway.
    """

    fault: str
    per_day: float
    minutes: tuple[float, float]
    level: tuple[float, float] = (1.0, 1.0)
    hours: Sequence[int] = ANY_TIME
    needs: str = "Ua"
    whole: bool = False
    with_incomers: bool = True
    ramp_s: float = 0.0


KINDS = (
    Kind(fault="door_open", per_day=3.4, minutes=(33, 85), hours=AT_WORK, needs="DI2"),
    Kind(fault="residual_step", per_day=1.6, minutes=(35, 150), level=(165, 235), needs="IR"),
    Kind(fault="residual_step", per_day=0.4, minutes=(35, 120), level=(300, 430), needs="IR"),
    Kind(
        fault="hot_joint",
        per_day=0.9,
        minutes=(60, 320),
        level=(50, 74),
        hours=UNDER_LOAD,
        needs="T1",
        ramp_s=900,
    ),
    Kind(
        fault="hot_joint",
        per_day=0.1,
        minutes=(50, 110),
        level=(86, 104),
        hours=UNDER_LOAD,
        needs="T1",
        ramp_s=1500,
    ),
    Kind(
        fault="overload",
        per_day=0.65,
        minutes=(50, 110),
        level=(0.93, 0.97),
        hours=UNDER_LOAD,
        needs="Ia",
        with_incomers=False,
        ramp_s=300,
    ),
    Kind(
        fault="overload",
        per_day=0.3,
        minutes=(40, 75),
        level=(1.04, 1.12),
        hours=UNDER_LOAD,
        needs="Ia",
        with_incomers=False,
        ramp_s=300,
    ),
    Kind(fault="harmonics", per_day=0.55, minutes=(45, 150), level=(4.0, 5.6), needs="THD_Ua"),
    Kind(
        fault="high_voltage",
        per_day=0.35,
        minutes=(40, 120),
        level=(0.044, 0.058),
        hours=AT_NIGHT,
        whole=True,
    ),
    Kind(
        fault="low_voltage",
        per_day=0.3,
        minutes=(35, 60),
        level=(0.09, 0.105),
        hours=UNDER_LOAD,
        whole=True,
    ),
    Kind(fault="breaker_trip", per_day=0.35, minutes=(20, 70), needs="DI1", with_incomers=False),
    Kind(
        fault="phase_loss", per_day=0.07, minutes=(32, 50), level=(0.96, 0.98), with_incomers=False
    ),
    Kind(fault="dead_gateway", per_day=0.75, minutes=(20, 190), whole=True),
    Kind(fault="dead_meter", per_day=0.55, minutes=(35, 420), with_incomers=False),
)
# What is wrong just now: place in KINDS, minutes since it began, minutes that it will last.
PRESENT = (
    (2, 34, 160), (1, 330, 95), (3, 190, 150), (4, 44, 25), (5, 260, 80), (7, 95, 60),
    (0, 38, 20), (3, 480, 200), (8, 415, 90), (10, 37, 30), (11, 57, 45), (12, 145, 240),
    (13, 560, 600),
)  # fmt: skip
# One site whose line is poor: a long outage on most days.
POOR_SITE = "S-0016"


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """One fault on the devices it acts on. ends_at may lie ahead."""

    fault: str
    devices: tuple[Device, ...]
    gateway: Gateway
    begins_at: datetime
    ends_at: datetime
    level: float
    phase: str
    ramp_s: float

    @property
    def is_of_line(self) -> bool:
        """Whether nothing is heard meanwhile."""
        return self.fault in LINES

    @property
    def targets(self) -> list[str]:
        """What the simulator calls them."""
        if self.fault == "dead_gateway":
            return [bus_name(bus_id=self.devices[0].bus_id or 0)]
        return [device_name(device_id=device.pk) for device in self.devices]


@dataclass(slots=True)
class _Draw:
    """Chance, and who is busy until when."""

    demo: Demo
    random: Random
    busy: dict[int, list[tuple[datetime, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def is_free(self, device: Device, begin: datetime, end: datetime) -> bool:
        return all(end + REST < one or begin > other + REST for one, other in self.busy[device.pk])


def incidents(*, demo: Demo) -> list[Incident]:
    """All of them in the order of time, the same for the same seed and equipment."""
    draw = _Draw(demo, Random(demo.seed))  # noqa: S311 - nothing secret
    share = demo.size.busy * len(demo.devices) / 200
    found = []
    if demo.size.sites >= len(PRESENT):
        for number, ago, ahead in PRESENT:
            begin = demo.now - timedelta(minutes=ago)
            found += _place(draw, KINDS[number], begin, timedelta(minutes=ago + ahead))
    for kind in KINDS:
        for begin in _moments(draw, kind, share):
            found += _place(
                draw, kind, begin, timedelta(minutes=draw.random.uniform(*kind.minutes))
            )
    found += _poor_line(draw)
    return sorted(found, key=lambda one: (one.begins_at, one.devices[0].pk))


def _moments(draw: _Draw, kind: Kind, share: float) -> Iterator[datetime]:
    """Beginnings over the past, more at some hours; none in the last hours, which are told apart."""
    days = draw.demo.size.days
    midnight = (draw.demo.now + LOCAL).replace(hour=0, minute=0, second=0, microsecond=0) - LOCAL
    count = int(kind.per_day * share * days + draw.random.random())
    for _number in range(count):
        day = draw.random.randrange(int(days) + 1)
        hour = draw.random.choices(range(24), kind.hours)[0]
        begin = midnight - timedelta(days=day) + timedelta(hours=hour + draw.random.random())
        is_past = begin < draw.demo.now - timedelta(hours=4)
        if is_past and begin > draw.demo.now - timedelta(days=days - 0.1):
            yield begin


def _place(draw: _Draw, kind: Kind, begin: datetime, length: timedelta) -> list[Incident]:
    """The incident on a device that can show it and has nothing else; none when there is none."""
    end = begin + length
    fitting = [one for one in draw.demo.devices if _fits(kind, one)]
    weights = [_weakness(draw.demo, kind, one) for one in fitting]
    for chosen in draw.random.choices(fitting, weights, k=12) if fitting else ():
        hit = _hit(draw.demo, kind, chosen)
        if len(hit) <= 4 and all(draw.is_free(one, begin, end) for one in hit):
            for one in hit:
                draw.busy[one.pk].append((begin, end))
            level = round(draw.random.uniform(*kind.level), 3)
            phase = draw.random.choice("abc")
            return [_incident(kind, hit, begin, end, level, phase)]
    return []


def _incident(  # noqa: PLR0913 - what it consists of
    kind: Kind, hit: list[Device], begin: datetime, end: datetime, level: float, phase: str
) -> Incident:
    bus = hit[0].bus
    if bus is None:
        raise ValueError(f"device {hit[0].pk} has no line")
    return Incident(
        fault=kind.fault,
        devices=tuple(hit),
        gateway=bus.gateway,
        begins_at=begin,
        ends_at=end,
        level=level,
        phase=phase,
        ramp_s=kind.ramp_s,
    )


def _fits(kind: Kind, device: Device) -> bool:
    if not kind.with_incomers and device.circuit and device.circuit.kind == "incomer":
        return False
    is_monitor = device.template_version.template.kind != "meter"
    if is_monitor and kind.fault not in {"residual_step", "hot_joint", "dead_meter"}:
        return False
    return kind.needs in device.template_version.layout.value_codes or kind.fault in LINES


def _hit(demo: Demo, kind: Kind, chosen: Device) -> list[Device]:
    if not kind.whole:
        return [chosen]
    return [one for one in demo.devices if one.bus_id == chosen.bus_id]


def _weakness(demo: Demo, kind: Kind, device: Device) -> float:
    """Old plant fails more often; and what is sampled every minute is looked at more."""
    weak = (1.0, 0.4, 2.2, 0.7, 1.4)[device.site_id % 5]
    if kind.fault == "dead_gateway":
        # Mostly one gateway of several: a site is seldom silent as a whole.
        buses = {one.bus_id for one in demo.devices if one.site_id == device.site_id}
        return weak * (5 if len(buses) > 1 else 1)
    if device.site.number in MINUTE_SITES:
        measured = sum(one.site.number in MINUTE_SITES for one in demo.devices)
        weak += MINUTE_SHARE * (len(demo.devices) - measured) / max(1, measured)
    return weak


def _poor_line(draw: _Draw) -> Iterator[Incident]:
    poor = [one for one in draw.demo.devices if one.site.number == POOR_SITE]
    kind = next(one for one in KINDS if one.fault == "dead_gateway")
    for day in range(1, int(draw.demo.size.days)):
        if not poor or day % 4 == 0:
            continue
        begin = draw.demo.now - timedelta(days=day, hours=draw.random.uniform(-8, 8))
        end = begin + timedelta(hours=draw.random.uniform(2, 5))
        if end < draw.demo.now and all(draw.is_free(one, begin, end) for one in poor):
            for one in poor:
                draw.busy[one.pk].append((begin, end))
            yield _incident(kind, poor, begin, end, 1.0, "a")

"""A small district: gateways with meters at their places, showing what alarms nobody.

The benchmark meter is one block of 120 registers with 36 values and 4 counters, under real point
codes, so that the shipped rules judge them; raw numbers are scaled into the normal range.
"""

from collections.abc import Sequence

from benchmarks.inside.addresses import address
from devices.drivers.simulator.bench import BLOCK_REGISTERS, COUNTERS, bench_profile
from devices.models import (
    Bus,
    Device,
    DeviceTemplate,
    Gateway,
    Layout,
    PointCode,
    Register,
    TemplateVersion,
)
from sites.models import Circuit, Enterprise, Room, Site, Transformer

# Point, middle of what it shows, and how far it goes to either side.
VALUES: tuple[tuple[str, float, float], ...] = (
    *((f"U{phase}", 231.0, 4.0) for phase in "abc"),
    *((f"U{phases}", 400.0, 5.0) for phases in ("ab", "bc", "ca")),
    ("Uln_avg", 231.0, 4.0),
    ("Ull_avg", 400.0, 5.0),
    ("F", 50.0, 0.05),
    *((f"I{phase}", 100.0, 20.0) for phase in "abc"),
    ("In", 5.0, 1.0),
    *((f"P{phase}", 20.0, 4.0) for phase in ("a", "b", "c", "")),
    *((f"Q{phase}", 5.0, 1.0) for phase in ("a", "b", "c", "")),
    *((f"S{phase}", 21.0, 4.0) for phase in ("a", "b", "c", "")),
    *((f"PF{phase}", 0.95, 0.01) for phase in ("a", "b", "c", "")),
    ("IR", 60.0, 20.0),
    *((f"T{number}", 35.0, 5.0) for number in range(1, 5)),
    ("UnbU", 0.5, 0.2),
    ("UnbI", 5.0, 2.0),
)
COUNTER_CODES = ("EPI", "EPE", "EQI", "EQE")
# The raw value of the benchmark meter's n-th register lies between 100 + n and 108 + n.
_RAW_MIDDLE, _RAW_HALF = 104.0, 5.0


def bench_version() -> TemplateVersion:
    """The benchmark meter's template."""
    template = DeviceTemplate.objects.create(
        key="benchmark", vendor="基准", vendor_en="Benchmark", model="40", is_simulated=True
    )
    layout = Layout.objects.create(
        key="benchmark",
        value_codes=[code for code, _middle, _half in VALUES],
        counter_codes=list(COUNTER_CODES),
    )
    version = TemplateVersion.objects.create(
        template=template,
        number=1,
        layout=layout,
        checksum="benchmark",
        max_gap=40,
        max_read_registers=BLOCK_REGISTERS,
    )
    served = bench_profile().registers
    lines = []
    for number, (code, middle, half) in enumerate(VALUES):
        factor = half / _RAW_HALF
        lines.append((code, served[number], factor, middle - (_RAW_MIDDLE + number) * factor))
    for code, register in zip(COUNTER_CODES, served[-COUNTERS:], strict=True):
        lines.append((code, register, register.scale, 0.0))
    points = PointCode.objects.in_bulk(field_name="code")
    Register.objects.bulk_create(
        Register(
            version=version,
            point=points[code],
            function_code=register.function_code,
            address=register.address,
            type=register.type,
            factor=factor,
            offset=offset,
        )
        for code, register, factor, offset in lines
    )
    return version


def build(
    *, shard: int, gateways: int, versions: Sequence[TemplateVersion], port: int
) -> list[Device]:
    """One site per gateway, one device of each version behind it, each on a circuit of its own."""
    enterprise = Enterprise.objects.create(number=f"BENCH-{shard}", name="基准企业")
    sites = Site.objects.bulk_create(
        Site(
            enterprise=enterprise,
            number=f"B{shard}-{n}",
            name=f"B{shard}-{n}",
            state=Site.State.OPERATION,
            nominal_voltage_v=400,
        )
        for n in range(gateways)
    )
    rooms = Room.objects.bulk_create(Room(site=site, name="1") for site in sites)
    transformers = Transformer.objects.bulk_create(
        Transformer(room=room, name="T1", rated_kva=1000) for room in rooms
    )
    boxes = Gateway.objects.bulk_create(
        Gateway(site=site, name="G", host=address(n), shard=shard, period_s=1, is_simulated=True)
        for n, site in enumerate(sites)
    )
    buses = Bus.objects.bulk_create(Bus(gateway=box, port=port, timeout_ms=5000) for box in boxes)
    units = [(n, unit) for n in range(gateways) for unit in range(1, len(versions) + 1)]
    circuits = Circuit.objects.bulk_create(
        Circuit(
            room=rooms[n],
            transformer=transformers[n],
            code=f"N{unit}",
            name=f"N{unit}",
            rated_current_a=400,
        )
        for n, unit in units
    )
    return Device.objects.bulk_create(
        Device(
            site=sites[n],
            room=rooms[n],
            circuit=circuit,
            bus=buses[n],
            unit_id=unit,
            template_version=versions[unit - 1],
            code=f"D{n}-{unit}",
            name=f"D{n}-{unit}",
            is_simulated=True,
        )
        for (n, unit), circuit in zip(units, circuits, strict=True)
    )

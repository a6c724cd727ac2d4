"""Rows of collecting for tests: equipment in service, with a template version of few points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from django.utils import timezone

from devices import history
from devices.drivers import Words
from devices.drivers.points import load_points
from devices.drivers.simulator.still import answer
from devices.models import (
    Acceptance,
    Bus,
    ClockSetting,
    ControlOperation,
    DataSource,
    DerivedPoint,
    Device,
    DeviceClock,
    DeviceTemplate,
    FlaggedStretch,
    Gateway,
    Layout,
    Lockout,
    MeterExchange,
    MqttBroker,
    MqttMapping,
    PointCode,
    Register,
    Repair,
    TemplateOutput,
    TemplateVersion,
    TrialRead,
)
from devices.selectors import DevicePoint
from devices.services import (
    brokers,
    commissioning,
    control_journal,
    derived,
    exchanges,
    lockouts,
    repairs,
    sources,
    templates,
)
from devices.services.plan import planned_version
from devices.states import CONTROL, FlagKind, PointKind, RepairKind
from devices.tests.samples import make_batch
from sites.models import Room, Site, User
from sites.rules import DataClass
from sites.tests.factories import make_site

VALUE_CODES = ("Ua", "Ub", "Uc", "Ia", "Ib", "Ic", "P", "PF", "F", "IR", "T1", "DI1")
COUNTER_CODES = ("EPI", "EPE")

# code prefix: unit, kind, group, class of data
_FACTS = {
    "U": ("V", PointKind.INSTANT, "voltage", DataClass.SAFETY),
    "IR": ("mA", PointKind.INSTANT, "residual", DataClass.SAFETY),
    "I": ("A", PointKind.INSTANT, "current", DataClass.LOAD),
    "PF": ("", PointKind.INSTANT, "power", DataClass.LOAD),
    "P": ("kW", PointKind.INSTANT, "power", DataClass.LOAD),
    "F": ("Hz", PointKind.INSTANT, "voltage", DataClass.SAFETY),
    "T": ("°C", PointKind.INSTANT, "temperature", DataClass.SAFETY),
    "DI": ("", PointKind.EVENT, "state", DataClass.SAFETY),
    "DO": ("", PointKind.EVENT, "state", DataClass.SAFETY),
    "E": ("kWh", PointKind.COUNTER, "energy", DataClass.ENERGY),
}
_numbers = count(1)


def _point(code: str) -> dict[str, Any]:
    """What a point is by its code."""
    prefix = next((known for known in _FACTS if code.startswith(known)), "U")
    unit, kind, group, data_class = _FACTS[prefix]
    return {
        "name": f"测点 {code}",
        "name_en": f"Point {code}",
        "unit": unit,
        "kind": kind,
        "group": group,
        "phase": code[-1] if code[-1] in "abc" else "",
        "data_class": data_class,
    }


def make_point(code: str, **facts: Any) -> PointCode:
    """The point of the dictionary, made when it is not there."""
    return PointCode.objects.get_or_create(code=code, defaults=_point(code) | facts)[0]


def make_points(codes: Sequence[str]) -> dict[str, PointCode]:
    """Points of the dictionary by their codes, those that are not there made at once."""
    known = PointCode.objects.in_bulk(codes, field_name="code")
    missing = [code for code in dict.fromkeys(codes) if code not in known]
    made = PointCode.objects.bulk_create(PointCode(code=code, **_point(code)) for code in missing)
    return known | {point.code: point for point in made}


def make_layout(
    *,
    value_codes: Sequence[str] = VALUE_CODES,
    counter_codes: Sequence[str] = COUNTER_CODES,
) -> Layout:
    """The layout of these points in this order."""
    text = "\n".join((",".join(value_codes), ",".join(counter_codes)))
    layout, _made = Layout.objects.get_or_create(
        key=sha256(text.encode()).hexdigest(),
        defaults={"value_codes": list(value_codes), "counter_codes": list(counter_codes)},
    )
    return layout


def make_template_version(
    *,
    value_codes: Sequence[str] = VALUE_CODES,
    counter_codes: Sequence[str] = COUNTER_CODES,
    **facts: Any,
) -> TemplateVersion:
    """A published version: input registers from 0 on, one float32 each."""
    number = next(_numbers)
    template = DeviceTemplate.objects.create(
        key=f"test-{number}", vendor="测试", vendor_en="Test", model=f"T{number}"
    )
    version = TemplateVersion.objects.create(
        template=template,
        number=1,
        layout=make_layout(value_codes=value_codes, counter_codes=counter_codes),
        checksum=f"{number:064d}",
        **facts,
    )
    codes = (*value_codes, *counter_codes)
    points = make_points(codes)
    Register.objects.bulk_create(
        Register(
            version=version,
            point=points[code],
            function_code=4,
            address=2 * position,
            type="float32",
            unit=_point(code)["unit"],
        )
        for position, code in enumerate(codes)
    )
    return version


def make_library_version(key: str = "simulated") -> TemplateVersion:
    """The version of a template that ships, with the whole dictionary."""
    templates.save_points(load_points(templates.LIBRARY / templates.POINTS_FILE))
    text = (templates.LIBRARY / f"{key}.yaml").read_text(encoding="utf-8")
    return templates.import_template(text).version


def make_output(version: TemplateVersion, **facts: Any) -> TemplateOutput:
    """An output of a version: coil 0, tried on a device."""
    defaults: dict[str, Any] = {
        "code": "DO1",
        "name": "继电器输出 1",
        "name_en": "Relay output 1",
        "function_code": 5,
        "on_address": 0,
        "on_values": [1],
        "off_address": 0,
        "off_values": [0],
        "state_function_code": 1,
        "state_address": 0,
        "state_on": 1,
        "state_off": 0,
        "settle_ms": 300,
        "confidence": "confirmed",
    }
    return TemplateOutput.objects.create(version=version, **(defaults | facts))


def make_gateway(*, site: Site | None = None, **facts: Any) -> Gateway:
    """A simulated gateway on the loopback."""
    number = next(_numbers)
    defaults = {"name": f"网关 {number}", "host": "127.0.0.1", "is_simulated": True}
    return Gateway.objects.create(site=site or make_site(), **(defaults | facts))


def make_bus(*, gateway: Gateway | None = None, **facts: Any) -> Bus:
    """A bus with a short time-out."""
    gateway = gateway or make_gateway()
    number = gateway.buses.count() + 1
    return Bus.objects.create(
        gateway=gateway, **({"number": number, "port": 1502, "timeout_ms": 300} | facts)
    )


def make_device(
    *,
    site: Site | None = None,
    bus: Bus | None = None,
    template_version: TemplateVersion | None = None,
    **facts: Any,
) -> Device:
    """A device on a bus of its site, at the next free unit address."""
    bus = bus or make_bus(gateway=make_gateway(site=site))
    number = next(_numbers)
    defaults = {
        "name": f"设备 {number}",
        "code": f"D{number}",
        "unit_id": bus.devices.count() + 1,
        "is_simulated": True,
    }
    return Device.objects.create(
        site=bus.gateway.site,
        bus=bus,
        template_version=template_version or make_template_version(),
        **(defaults | facts),
    )


def make_source(*, site: Site | None = None, **facts: Any) -> tuple[DataSource, str]:
    """A data source and the plain text of its key."""
    source = DataSource(**({"name": f"平台 {next(_numbers)}"} | facts), site=site or make_site())
    return source, sources.create_source(source=source, now=timezone.now())


def make_fed_device(*, source: DataSource, **facts: Any) -> Device:
    """A device whose samples the source sends."""
    number = next(_numbers)
    defaults = {"name": f"设备 {number}", "code": f"D{number}"}
    version = facts.pop("template_version", None) or make_template_version()
    return Device.objects.create(
        site=source.site, source=source, template_version=version, **(defaults | facts)
    )


def make_derived(*, site: Site, by: User, formula: str, **facts: Any) -> DerivedPoint:
    """A derived point, made by somebody who maintains the site."""
    name = f"计算 {next(_numbers)}"
    return derived.create_derived(
        site=site, facts={"name": name} | facts | {"formula": formula}, by=by
    )


def make_broker(*, source: DataSource, password: str = "", **facts: Any) -> MqttBroker:
    """A broker of a source; nobody bridges it by itself."""
    broker = MqttBroker(**({"host": "127.0.0.1"} | facts), source=source)
    brokers.save_broker(broker=broker, password=password)
    return broker


def make_mapping(*, broker: MqttBroker, **facts: Any) -> MqttMapping:
    """Objects with a time in milliseconds, a topic per device."""
    defaults = {
        "topic": "plant/{device}/data",
        "form": "object",
        "time_path": "ts",
        "time_form": "ms",
        "points": "ua = Ua\nep = EPI",
    }
    mapping = MqttMapping(**(defaults | facts), broker=broker)
    mapping.full_clean(exclude=["broker"])
    mapping.save()
    return mapping


def make_faults(text: str) -> dict[str, Any]:
    """Messages that could not be read, as a bridge writes them down."""
    at = timezone.now().isoformat()
    facts = {"count": 3, "about": text[:40], "topic": "plant/7/data", "example": text, "at": at}
    return {"payload_unreadable": facts}


def make_strangers(key: str) -> dict[str, Any]:
    """A device that is none of the source's, as a bridge writes it down."""
    facts = {"count": 2, "code": "device_unknown", "topic": "plant/7/data"}
    return {key: {**facts, "at": timezone.now().isoformat()}}


# A load that no check objects to, at the primary side.
HEALTHY: Mapping[str, float] = {
    **dict.fromkeys(("Ua", "Ub", "Uc"), 231.0),
    **dict.fromkeys(("Ia", "Ib", "Ic"), 20.0),
    "P": 13.167,
    "PF": 0.95,
    "F": 50.01,
    "IR": 21.0,
    "T1": 31.5,
    "DI1": 1.0,
    "EPI": 1234.5,
    "EPE": 0.0,
}


def words_of(version: TemplateVersion, values: Mapping[str, float]) -> list[Words | None]:
    """What a meter that has these values would answer to a trial, block by block."""
    planned = planned_version(version)
    return answer(planned.profile, planned.asks[-1].blocks, values)


def make_trial(device: Device, values: Mapping[str, float] = HEALTHY, **facts: Any) -> TrialRead:
    """The device was read on trial and showed these values."""
    setting = commissioning.setting_of(device)
    assert setting is not None
    return commissioning.record_read(
        device=device,
        setting=setting,
        words=words_of(device.template_version, values),
        by=None,
        at=timezone.now(),
        **facts,
    )


def make_acceptance(device: Device) -> Acceptance:
    """The device was read and accepted."""
    seen_at = make_trial(device).read_at
    return commissioning.accept(device=device, seen_at=seen_at, by=None, now=timezone.now())


def make_clock(device: Device, *, result: str = "", **facts: Any) -> DeviceClock:
    """Its clock was read a moment ago; result: what became of setting it yesterday, '' for nothing."""
    version = device.template_version
    if not version.clock:
        version.clock = {"function_code": 3, "address": 100, "format": "six_words"} | {
            "year_base": 0,
            "word_order": "big",
            "zone": "site",
            "write_code": 16,
            "write_address": 100,
            "confidence": "own",
        }
        version.save(update_fields=["clock"])
    now = timezone.now()
    if result:
        ClockSetting.objects.create(
            device=device, at=now - timedelta(days=1), before_s=90.0, after_s=0.4, result=result
        )
    usual = {"due_at": now + timedelta(days=1), "checked_at": now, "drift_s": 0.0}
    return DeviceClock.objects.create(device=device, **(usual | facts))


def make_operation(*, device: Device, operator: User, **facts: Any) -> ControlOperation:
    """An operation that waits for its guardian, for an hour: no gateway is asked."""
    now = timezone.now()
    output = device.template_version.outputs.first() or make_output(device.template_version)
    defaults: dict[str, Any] = {
        "number": f"YK-20261126-{next(_numbers):04d}",
        "line": "a line",
        "wanted": True,
        "present": False,
        "present_at": now,
        "reason": "检修前停电",
        "permit_number": "CZP-0042",
        "state": CONTROL.initial,
        "selected_at": now,
        "due_at": now + timedelta(hours=1),
        "updated_at": now,
    }
    operation = ControlOperation.objects.create(
        site=device.site,
        device=device,
        output=output,
        output_code=output.code,
        operator=operator,
        **(defaults | facts),
    )
    control_journal.opened(operation, by=operator, door="web", now=now)
    return operation


def make_lockout(*, room: Room, by: User, **facts: Any) -> Lockout:
    """Somebody works in a room."""
    usual = {"worker": "张师傅", "reason": "更换接触器", "permit_number": "GZP-7"}
    work = lockouts.Work(site=room.site, room=room, device=None, **(usual | facts))
    return lockouts.lock_out(work=work, by=by, now=timezone.now())


def make_flag(device: Device, code: str = "Ua", **facts: Any) -> FlaggedStretch:
    """Six hours and a half in which a point stood still, up to an hour ago, as services.judging writes it."""
    end = timezone.now() - timedelta(hours=1)
    defaults = {
        "kind": FlagKind.FROZEN,
        "start_at": end - timedelta(hours=6, minutes=30),
        "end_at": end,
        "count": 390,
        "low": 231.7,
        "high": 231.7,
        "found_at": end,
    }
    return FlaggedStretch.objects.create(device=device, code=code, **(defaults | facts))


def make_repair(device: Device, by: User, code: str = "Ua", **facts: Any) -> Repair:
    """A sample of two days ago, marked bad by somebody."""
    at = (timezone.now() - timedelta(days=2)).replace(microsecond=0)
    layout = device.template_version.layout
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[device.pk],
        at=[at.timestamp()],
        values=[[231.7] * len(layout.value_codes)],
        counters=[[1000.0] * len(layout.counter_codes)],
    )
    history.prepare(batch)
    history.append(batch)
    point = DevicePoint(device.pk, code, code, PointCode.objects.get(code=code))
    defaults = {"kind": RepairKind.BAD, "start": at, "end": at, "reason": "模块重启"}
    wanted = repairs.Wanted(point=point, **(defaults | facts))
    return repairs.repair(wanted=wanted, by=by, now=timezone.now())


def make_exchange(device: Device, **facts: Any) -> MeterExchange:
    """Its meter was exchanged a minute ago."""
    now = timezone.now()
    known: dict[str, Any] = {
        "at": now - timedelta(minutes=1),
        "serial": f"SN-{next(_numbers)}",
        "reason": "到期轮换",
        "last": {"EPI": 1234.5},
        "first": {"EPI": 0.5},
    }
    wanted = exchanges.Exchange(**known | facts)
    return exchanges.exchange_meter(device=device, exchange=wanted, by=None, now=now)

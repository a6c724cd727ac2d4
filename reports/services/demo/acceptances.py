"""How the demo's devices were commissioned, and the one meter that was exchanged."""

from datetime import datetime, timedelta
from math import sqrt

from devices import history
from devices.drivers.simulator.still import answer
from devices.models import Device
from devices.services import commissioning, exchanges
from devices.services.exchanges import Exchange
from devices.services.plan import planned_version
from reports.services.demo.document import Demo
from sites.models import Site

# So long ago, site by site, and all before the past that is told begins.
OLDEST, STEP = timedelta(days=370), timedelta(days=5)
LOAD_SHARE, POWER_FACTOR = 0.4, 0.94
EXCHANGED_AGO = timedelta(days=12)
REASON = "通信模块损坏，更换后置入原表码"  # not translated


def accept_devices(*, demo: Demo) -> None:
    """Read and accepted once, in every site that is in operation."""
    by = demo.users["admin"]
    running = [site.pk for site in demo.sites if site.state == Site.State.OPERATION]
    for device in demo.devices:
        if device.site_id not in running:
            continue
        at = demo.now - OLDEST + running.index(device.site_id) * STEP
        setting = commissioning.setting_of(device)
        if setting is None:
            continue
        version = planned_version(device.template_version)
        values = _values(device)
        words = answer(version.profile, version.asks[-1].blocks, values)
        trial = commissioning.record_read(device=device, setting=setting, words=words, by=by, at=at)
        note = "现场复核无误" if trial.objections else ""  # not translated
        commissioning.accept(device=device, seen_at=at, by=by, now=at, note=note)


def exchange_one(*, demo: Demo, now: datetime) -> None:
    """A feeder's meter was exchanged for one that was set to go on from the old reading."""
    at = (now - min(EXCHANGED_AGO, (now - demo.begins_at) / 2)).replace(second=0, microsecond=0)
    meters = [one for one in demo.devices if one.template_version.template.key == "simulated"]
    for device in meters[1:]:
        found = history.counters_at(
            device_ids=[device.pk], code="EPI", moments=[at], within=timedelta(hours=1)
        )
        reading = round(float(found[device.pk][0]), 2)
        if reading == reading:
            wanted = Exchange(
                at=at,
                serial=f"SN{demo.seed % 10_000:04d}900001",
                reason=REASON,
                last={"EPI": reading},
                first={"EPI": reading},
            )
            by = demo.users["admin"]
            exchanges.exchange_meter(device=device, exchange=wanted, by=by, now=at)
            return


def _values(device: Device) -> dict[str, float]:
    """A quiet load in the middle of its range."""
    phase_v = device.site.phase_nominal_v
    rated_a = device.circuit.rated_current_a if device.circuit else None
    amperes = LOAD_SHARE * (rated_a or 100.0)
    apparent = phase_v * amperes / 1000
    active, reactive = apparent * POWER_FACTOR, apparent * sqrt(1 - POWER_FACTOR**2)
    found = {"F": 50.0, "PF": POWER_FACTOR, "P": 3 * active, "Q": 3 * reactive, "S": 3 * apparent}
    for phase, line in zip("abc", ("ab", "bc", "ca"), strict=True):
        found |= {f"U{phase}": phase_v, f"U{line}": phase_v * sqrt(3), f"I{phase}": amperes}
        found |= {f"P{phase}": active, f"Q{phase}": reactive, f"S{phase}": apparent}
        found |= {f"PF{phase}": POWER_FACTOR}
    temperatures = dict.fromkeys(("T1", "T2", "T3", "T4", "T_oil", "T_amb"), 32.0)
    return (
        found
        | temperatures
        | {
            "IR": 24.0,
            "Uln_avg": phase_v,
            "Ull_avg": phase_v * sqrt(3),
            "I_avg": amperes,
            "EPI": 12.0,
        }
    )

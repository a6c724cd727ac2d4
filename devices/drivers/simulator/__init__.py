"""Meters that do not exist: a Modbus TCP server of its own, with a load model and faults.

Independent of the driver it serves: it speaks the protocol from the standard's text, so that a
misunderstanding on one side shows. Everything it says is simulated or replayed, and the templates
it answers for say so.
"""

from dataclasses import dataclass, field
from typing import Literal

from devices.drivers import Profile

CHINA_OFFSET_S = 8 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class SimDevice:
    """A meter behind a gateway.

    name: how control commands and scripts call it. un_v: nominal phase voltage. rated_kva: what the
    circuit carries at full load. supply: devices of one number share the voltage of their supply.
    feeders: names of the devices below it; then it shows what they take, and the losses.
    beside: name of a device on the same circuit, whose load it shares. is_incomer: it measures an
    incomer, whether or not what is below is measured too.
    replay: name of the measured file it serves instead of the model.
    """

    unit_id: int
    profile: Profile
    name: str = ""
    seed: int = 0
    industry: str = "office"
    rated_kva: float = 100.0
    un_v: float = 220.0
    supply: int = 0
    feeders: tuple[str, ...] = ()
    beside: str = ""
    is_incomer: bool = False
    replay: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SimGateway:
    """One listening address: many on one port need one 127.x.y.z each.

    With a registration it does not listen: it dials host and port, says it, and answers as a DTU
    does, with `heartbeat` every half minute.
    """

    name: str
    host: str = "127.0.0.1"
    port: int
    devices: list[SimDevice] = field(default_factory=list)
    registration: bytes = b""
    heartbeat: bytes = b""
    framing: Literal["rtu", "mbap"] = "rtu"

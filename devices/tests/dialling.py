"""DTUs and serial servers for tests: a door in the test's own loop, meters that say who they are."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from devices.drivers.dialin import DtuProfile
from devices.drivers.dialin.door import Door
from devices.drivers.dialin.strangers import Patience
from devices.drivers.simulator.dialing import DialingDtu, DtuSetup
from devices.tests.simulated import until

HOST = "127.0.0.1"
BEAT = bytes.fromhex("FFFF8080")
PLAIN = DtuProfile(key="plain", registration="ascii", heartbeat=BEAT)
SOON_S = 0.15


class Meter:
    """Every register holds unit · 1000 + address, so a value shows which question it answers."""

    def __init__(self, unit_id: int) -> None:
        self.is_silent = False
        self.delay_s = 0.0
        self.unit_id = unit_id
        self.coils: dict[int, bool] = {}
        self.settings: dict[int, int] = {}

    def registers(self, function_code: int, address: int, count: int) -> bytes:
        return b"".join(
            self.settings.get(at, expected(self.unit_id, at)).to_bytes(2, "big")
            for at in range(address, address + count)
        )

    def bits(self, function_code: int, address: int, count: int) -> bytes:
        number = sum(
            self.coils.get(address + place, (address + place) % 3 == 0) << place
            for place in range(count)
        )
        return number.to_bytes((count + 7) // 8, "little")

    def write_bits(self, address: int, values: list[bool]) -> None:
        self.coils.update(enumerate(values, address))

    def write_registers(self, address: int, values: list[int]) -> None:
        self.settings.update(enumerate(values, address))


def expected(unit_id: int, address: int) -> int:
    return (unit_id * 1000 + address) % 0x10000


def make_dtu(registration: bytes = b"DTU00000001", **facts: object) -> DialingDtu:
    """A DTU with the meters 1 to 5, not yet dialling."""
    setup = {"heartbeat": BEAT, "units": {unit: Meter(unit) for unit in range(1, 6)}, **facts}
    return DialingDtu(DtuSetup(registration=registration, **setup))


class Clock:
    """Monotonic seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def opened(
    known: Mapping[str, DtuProfile] | Sequence[str] = ("DTU00000001",),
    *,
    clock: Clock | None = None,
    patience: Patience | None = None,
) -> AsyncIterator[Door]:
    """A door on any free port; ids without a profile are plain."""
    timing = {} if clock is None else {"clock": clock}
    door = Door(HOST, 0, patience=patience, **timing)
    door.admit(known if isinstance(known, Mapping) else dict.fromkeys(known, PLAIN))
    await door.open()
    try:
        yield door
    finally:
        await door.close()


async def dialled(door: Door, dtu: DialingDtu, dtu_id: str, *, glued: bytes = b"") -> None:
    """Dial and wait until it is in."""
    before = door.session(dtu_id)
    await dtu.dial(HOST, door.port, glued=glued)
    await until(lambda: door.session(dtu_id) not in (None, before))


async def shown_out(dtu: DialingDtu) -> None:
    """Wait until the door has hung up."""
    await asyncio.wait_for(dtu.gone.wait(), 5)

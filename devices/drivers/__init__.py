"""Speaking to meters: plain Python, no framework. Shapes that every driver shares live here.

A profile says what a device holds, a plan says which blocks to read, a transport reads them, a bus
owner decides when, a decoder turns words into values in the units of the point dictionary.
"""

import errno
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, overload

RegisterType = Literal[
    "bool",
    "bits",
    "uint8hi",
    "uint8lo",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
]
Order = Literal["big", "little"]
PollClass = Literal["fast", "slow", "daily"]
Side = Literal["primary", "secondary"]

WORDS: dict[str, int] = {
    "bool": 1,
    "bits": 1,
    "uint8hi": 1,
    "uint8lo": 1,
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "int64": 4,
    "uint64": 4,
    "float32": 2,
}
BIT_FUNCTION_CODES = (1, 2)


class Registers(Sequence[int]):
    """Words of 16 bits as they came, big-endian; made numbers of when somebody asks for one.

    Whole batches are decoded from the bytes, so that of nearly all words no number is ever made.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __len__(self) -> int:
        return len(self.raw) >> 1

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> list[int]: ...

    def __getitem__(self, place: int | slice) -> int | list[int]:
        return self._numbers()[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._numbers() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._numbers())

    def _numbers(self) -> list[int]:
        return list(struct.unpack(f">{len(self)}H", self.raw))


Words = Sequence[int]


class DriverError(Exception):
    """A device or its line did not do what was asked; `error` is the stable word for it."""

    error = "failed"


class BusTimeout(DriverError):
    """The device kept silent; the connection was given up, so a late answer finds nobody."""

    error = "timeout"


class BusRefused(DriverError):
    """No connection to the gateway, or it was lost before an answer came."""

    error = "refused"


class BusStarved(BusRefused):
    """No connection, because this machine or process can open no more: no fault of the gateway."""

    error = "no_sockets"


_STARVED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


def no_connection(error: OSError) -> BusRefused:
    """What it means that a connection could not be made; a TimeoutError is an OSError too."""
    kind = BusStarved if error.errno in _STARVED else BusRefused
    return kind(str(error) or "no connection in time")


class BusMalformed(DriverError):
    """An answer that is no answer to the question: wrong length, function or frame."""

    error = "short"


class BusClosed(DriverError):
    """The bus was taken out of the plan, or the process is stopping."""

    error = "closed"


class BusLost(DriverError):
    """The connection broke after a write was sent: the device may have acted or not."""

    error = "lost"


class BusExpired(DriverError):
    """A write whose time was over when its turn came; nothing was sent."""

    error = "expired"


class BusException(DriverError):
    """The device answered with a Modbus exception code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.error = f"exception:{code}"
        super().__init__(self.error)


# Words for a write that never left: there was no connection, or its time was over before its turn.
UNSENT = frozenset({BusRefused.error, BusStarved.error, BusExpired.error})


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """Where one point sits and how its raw number becomes a value.

    value = raw · scale + offset, in `unit`, which is the unit that is stored. invalid: raw bit
    patterns (unsigned, orders undone) that mean "no value". minimum and maximum are in `unit`;
    a value outside is bad. bit: position in the word for type "bits", 0 the least significant.
    """

    code: str
    unit: str
    function_code: int
    address: int
    type: RegisterType
    byte_order: Order = "big"
    word_order: Order = "big"
    bit: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    invalid: tuple[int, ...] = ()
    poll_class: PollClass = "fast"
    is_counter: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def count(self) -> int:
        """Registers, or bits for function codes 1 and 2."""
        return WORDS[self.type]

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.count


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A version of a device's register map.

    max_gap: unused registers that a block may read in order to save a request. forbidden: ranges
    (function code, first, last), both ends included, that no block may touch.
    """

    key: str
    version: int
    registers: tuple[Register, ...]
    max_read_registers: int = 120
    max_gap: int = 8
    forbidden: tuple[tuple[int, int, int], ...] = ()
    values_are: Side = "primary"

    @cached_property
    def value_codes(self) -> tuple[str, ...]:
        """Codes of the value array, in order: every register that is no counter."""
        return tuple(register.code for register in self.registers if not register.is_counter)

    @cached_property
    def counter_codes(self) -> tuple[str, ...]:
        """Codes of the counter array, in order."""
        return tuple(register.code for register in self.registers if register.is_counter)


@dataclass(frozen=True, slots=True)
class Block:
    """One read request; count is in registers, or in bits for function codes 1 and 2."""

    function_code: int
    address: int
    count: int


@dataclass(slots=True)
class DeviceRead:
    """What came of reading a device once.

    at: epoch seconds of the first answer, or of the failure. blocks: raw words per planned block,
    None for a block that failed; None as a whole when nothing was read. asked: the blocks of the
    job; a late read may belong to an earlier plan than the present one. error: None, or the first
    thing that went wrong:

    - timeout: the device kept silent and is now in back-off
    - backoff: not asked, because it is in back-off
    - refused: the gateway cannot be reached, or the connection broke
    - no_sockets: this process or machine can open no more connections
    - exception:<code>: the device refused a block
    - short: the answer does not fit the question
    - late: not asked, because the previous question is still under way
    - closed: the bus left the plan before the device's turn
    - lost: the connection broke after a write was sent
    - expired: a write came to its turn too late and was not sent
    """

    device_id: int
    at: float
    blocks: list[Words | None] | None = None
    error: str | None = None
    asked: tuple[Block, ...] = ()

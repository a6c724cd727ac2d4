"""Simulated devices as the protocol sees them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle

import numpy as np

from devices.drivers.simulator import CHINA_OFFSET_S
from devices.drivers.simulator.faults import Fault
from devices.drivers.simulator.image import Image
from devices.drivers.simulator.mbap import (
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    READ_COILS,
    READ_HOLDING,
    Refusal,
)

# Every simulated device has a few coils and settings that can be written and read back.
COILS = 8
FIRST_SETTING, SETTINGS = 60000, 16
# Its clock: year, month, day, hour, minute and second in local time.
FIRST_CLOCK, CLOCK_WORDS = 60100, 6


class ImageUnit:
    """One row of an image, and what has been written to it. clock: epoch seconds."""

    def __init__(
        self,
        image: Image,
        row: int,
        *,
        clock: Callable[[], float] = time.time,
        utc_offset_s: int = CHINA_OFFSET_S,
    ) -> None:
        self.is_silent = False
        self.delay_s = 0.0
        self.write_delay_s = 0.0
        self.refuses_writes = False
        self.ignores_writes = False
        self._image = image
        self._row = row
        self._coils = [False] * COILS
        self._settings = [0] * SETTINGS
        self._clock = clock
        self._utc_offset_s = utc_offset_s
        self._ahead_s = 0.0
        self._drifts: set[int] = set()

    def registers(self, function_code: int, address: int, count: int) -> bytes:
        """Words of the image, or of the settings."""
        column = self._image.column(function_code, address, count)
        if column is not None:
            return self._image.words[self._row, column : column + count].tobytes()
        if function_code == READ_HOLDING and address >= FIRST_CLOCK:
            first = _within(address - FIRST_CLOCK, count, CLOCK_WORDS)
            return b"".join(word.to_bytes(2, "big") for word in self._shown()[first:][:count])
        if function_code == READ_HOLDING:
            first = _within(address - FIRST_SETTING, count, SETTINGS)
            words = self._settings[first : first + count]
            return b"".join(word.to_bytes(2, "big") for word in words)
        raise Refusal(ILLEGAL_ADDRESS)

    def bits(self, function_code: int, address: int, count: int) -> bytes:
        """Bits of the image, or the coils."""
        column = self._image.column(function_code, address, count)
        if column is not None:
            bits = self._image.words[self._row, column : column + count] != 0
        elif function_code == READ_COILS:
            first = _within(address, count, COILS)
            bits = np.array(self._coils[first : first + count])
        else:
            raise Refusal(ILLEGAL_ADDRESS)
        return np.packbits(bits, bitorder="little").tobytes()

    def write_bits(self, address: int, values: list[bool]) -> None:
        """Set coils."""
        if self._keeps():
            return
        first = _within(address, len(values), COILS)
        self._coils[first : first + len(values)] = values

    def write_registers(self, address: int, values: list[int]) -> None:
        """Set settings, or the clock as a whole."""
        if self._keeps():
            return
        if address >= FIRST_CLOCK:
            self._put_clock(address, values)
            return
        first = _within(address - FIRST_SETTING, len(values), SETTINGS)
        self._settings[first : first + len(values)] = values

    def obey(self) -> None:
        """Take writes as a sound device does."""
        self.refuses_writes = self.ignores_writes = False
        self.write_delay_s = 0.0

    def disobey(self, fault: Fault) -> None:
        """Let a fault of outputs or of the clock act; other faults are none of its business."""
        if fault.kind == "output_refuses":
            self.refuses_writes = True
        elif fault.kind == "output_ignores":
            self.ignores_writes = True
        elif fault.kind == "output_late":
            self.write_delay_s = fault.level
        elif fault.kind == "clock_drift" and fault.number not in self._drifts:
            # Once: a clock that is set meanwhile stays right.
            self._drifts.add(fault.number)
            self._ahead_s += fault.level

    def _shown(self) -> list[int]:
        local = datetime.fromtimestamp(self._clock() + self._utc_offset_s + self._ahead_s, UTC)
        return [*local.timetuple()[:6]]

    def _put_clock(self, address: int, values: list[int]) -> None:
        _within(address - FIRST_CLOCK, len(values), CLOCK_WORDS)
        try:
            year, month, day, hour, minute, second = values
            local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError as error:
            raise Refusal(ILLEGAL_VALUE) from error
        self._ahead_s = local.timestamp() - self._utc_offset_s - self._clock()

    def _keeps(self) -> bool:
        """Whether a write changes nothing. Raises Refusal for a unit that is told to refuse."""
        if self.refuses_writes:
            raise Refusal(DEVICE_FAILURE)
        return self.ignores_writes


class BenchUnit:
    """A meter at constant cost: a few prepared answers in turn, whatever the address."""

    def __init__(self, answers: list[bytes]) -> None:
        self.is_silent = False
        self.delay_s = 0.0
        self.write_delay_s = 0.0
        self._answers = cycle(answers)

    def registers(self, function_code: int, address: int, count: int) -> bytes:
        """The next prepared answer."""
        return next(self._answers)[: 2 * count]

    def bits(self, function_code: int, address: int, count: int) -> bytes:
        """It has none."""
        raise Refusal(ILLEGAL_ADDRESS)

    def write_bits(self, address: int, values: list[bool]) -> None:
        """It has none."""
        raise Refusal(ILLEGAL_ADDRESS)

    def write_registers(self, address: int, values: list[int]) -> None:
        """It has none."""
        raise Refusal(ILLEGAL_ADDRESS)


def _within(first: int, count: int, size: int) -> int:
    if first < 0 or first + count > size:
        raise Refusal(ILLEGAL_ADDRESS)
    return first

"""Simulated devices as the protocol sees them."""

from itertools import cycle

import numpy as np

from devices.drivers.simulator.image import Image
from devices.drivers.simulator.mbap import (
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    READ_COILS,
    READ_HOLDING,
    Refusal,
)

# Every simulated device has a few coils and settings that can be written and read back.
COILS = 8
FIRST_SETTING, SETTINGS = 60000, 16


class ImageUnit:
    """One row of an image, and what has been written to it."""

    def __init__(self, image: Image, row: int) -> None:
        self.is_silent = False
        self.delay_s = 0.0
        self.write_delay_s = 0.0
        self.refuses_writes = False
        self.ignores_writes = False
        self._image = image
        self._row = row
        self._coils = [False] * COILS
        self._settings = [0] * SETTINGS

    def registers(self, function_code: int, address: int, count: int) -> bytes:
        """Words of the image, or of the settings."""
        column = self._image.column(function_code, address, count)
        if column is not None:
            return self._image.words[self._row, column : column + count].tobytes()
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
        """Set settings."""
        if self._keeps():
            return
        first = _within(address - FIRST_SETTING, len(values), SETTINGS)
        self._settings[first : first + len(values)] = values

    def obey(self) -> None:
        """Take writes as a sound device does."""
        self.refuses_writes = self.ignores_writes = False
        self.write_delay_s = 0.0

    def disobey(self, fault: str, level: float) -> None:
        """Let a fault of outputs act; other faults are none of its business."""
        if fault == "output_refuses":
            self.refuses_writes = True
        elif fault == "output_ignores":
            self.ignores_writes = True
        elif fault == "output_late":
            self.write_delay_s = level

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

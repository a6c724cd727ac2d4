"""Measured data instead of the model: one CSV per device, served row by row.

A column is a point named with its unit (`Ua_V`, `EPI_kWh`), or one of the names in COLUMNS, or what
`replay.yaml` in the folder says. Rows are told apart by their number, because times may repeat.
"""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from devices.drivers import Profile
from devices.drivers.simulator import CHINA_OFFSET_S
from devices.drivers.simulator.noise import Floats
from devices.drivers.units import Conversion, conversion

TIME_COLUMNS = ("ts_local", "ts_utc", "time", "timestamp", "at")
# Column names of measured sets that are about: point code and the column's unit.
COLUMNS: dict[str, tuple[str, str]] = {
    "v_l1n_V": ("Ua", "V"),
    "v_l2n_V": ("Ub", "V"),
    "v_l3n_V": ("Uc", "V"),
    "v_l12_V": ("Uab", "V"),
    "v_l23_V": ("Ubc", "V"),
    "v_l31_V": ("Uca", "V"),
    "i_l1_A": ("Ia", "A"),
    "i_l2_A": ("Ib", "A"),
    "i_l3_A": ("Ic", "A"),
    "i_n_A": ("In", "A"),
    "v_V": ("Ua", "V"),
    "i_A": ("Ia", "A"),
    "p_kW": ("P", "kW"),
    "q_kvar": ("Q", "kvar"),
    "oil_temp_C": ("T_oil", "°C"),
    "ambient_temp_C": ("T_amb", "°C"),
    "oil_level_pct": ("OilLevel", "%"),
    "winding_temp_flag": ("WTI", "0/1"),
    "oil_temp_alarm": ("OTI_alarm", "0/1"),
    "oil_temp_trip": ("OTI_trip", "0/1"),
    "magnetic_oil_gauge_alarm": ("MOG_alarm", "0/1"),
}
# How a column name may write the unit of a point.
UNIT_WORDS = {"C": "°C", "pct": "%", "flag": "0/1"}


class ReplayError(ValueError):
    """The folder cannot be replayed; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column is, in the unit it is written in."""

    code: str
    unit: str


@dataclass(slots=True)
class Track:
    """One file: values [rows, columns] as written, moments in epoch seconds, and where it stands."""

    name: str
    columns: tuple[Column, ...]
    moments: Floats
    values: Floats
    labels: list[str]
    row: int = 0
    _factors: dict[str, dict[str, tuple[int, Conversion]]] = field(default_factory=dict)

    def go_to(self, row: int) -> None:
        """Serve this row from now on. Raises ReplayError."""
        if not 0 <= row < len(self.moments):
            raise ReplayError(f"{self.name} has rows 0 to {len(self.moments) - 1}, not {row}")
        self.row = row

    def go_to_moment(self, moment: float) -> None:
        """Serve the last row that is not after this moment, or the first."""
        self.row = max(0, int(np.searchsorted(self.moments, moment, side="right")) - 1)

    def advance(self) -> bool:
        """Serve the next row; False when there is none."""
        if self.row + 1 >= len(self.moments):
            return False
        self.row += 1
        return True

    def current(self, profile: Profile) -> dict[str, float]:
        """Values of the present row by code, in the profile's units; NaN where the cell is empty."""
        if profile.key not in self._factors:
            self._factors[profile.key] = self._match(profile)
        cells = self.values[self.row]
        return {
            code: float(cells[number]) * change.factor + change.offset
            for code, (number, change) in self._factors[profile.key].items()
        }

    def position(self) -> dict[str, Any]:
        """Where it stands, for the control socket."""
        return {
            "row": self.row,
            "rows": len(self.moments),
            "time": self.labels[self.row],
            "epoch_s": float(self.moments[self.row]),
        }

    def _match(self, profile: Profile) -> dict[str, tuple[int, Conversion]]:
        units = {register.code: register.unit for register in profile.registers}
        found = {}
        for number, column in enumerate(self.columns):
            if column.code in units:
                change = conversion(raw=column.unit, stored=units[column.code])
                if change is None:
                    raise ReplayError(f"{self.name}: {column.unit} cannot become {column.code}")
                found[column.code] = (number, change)
        return found


def open_folder(folder: Path, *, utc_offset_s: int = CHINA_OFFSET_S) -> dict[str, Track]:
    """Every file of a folder that holds points, by name without endings. Raises ReplayError.

    Files that end in `_derived` are results, not measurements, and are left out. utc_offset_s: zone
    of times that name none.
    """
    if not folder.is_dir():
        raise ReplayError(f"{folder} is no folder")
    settings = _settings(folder / "replay.yaml")
    zone = timezone(timedelta(seconds=utc_offset_s))
    tracks = {}
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")]):
        name = path.name.removesuffix(".gz").removesuffix(".csv")
        if name.endswith("_derived") or name in settings.get("skip", ()):
            continue
        track = _read(path, name, settings.get("files", {}).get(name, {}), zone)
        if track is not None:
            tracks[name] = track
    if not tracks:
        raise ReplayError(f"no CSV in {folder} has a column that is a known point")
    return tracks


def _settings(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ReplayError(f"{path.name}: {error}") from error
    if not isinstance(settings, dict):
        raise ReplayError(f"{path.name}: files: and skip: are wanted")
    return settings


def _read(path: Path, name: str, facts: Mapping[str, Any], zone: timezone) -> Track | None:
    """facts: `time` (column) and `columns` {column: point} or {column: [point, unit]}."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        columns = {
            number: column
            for number, text in enumerate(header)
            if (column := _column(text, facts.get("columns", {}))) is not None
        }
        time_name = facts.get("time") or next((n for n in TIME_COLUMNS if n in header), None)
        if not columns:
            return None
        if time_name not in header:
            raise ReplayError(f"{path.name}: no time column; name it in replay.yaml")
        rows = list(reader)
    if not rows:
        raise ReplayError(f"{path.name}: no rows")
    labels = [row[header.index(time_name)] for row in rows]
    return Track(
        name=name,
        columns=tuple(columns.values()),
        moments=np.array([_moment(text, zone, path.name) for text in labels]),
        values=np.array(
            [[_cell(row, number) for number in columns] for row in rows], dtype=np.float64
        ).reshape(len(rows), len(columns)),
        labels=labels,
    )


def _column(text: str, given: Mapping[str, Any]) -> Column | None:
    if text in given:
        facts = given[text]
        if facts is None:
            return None
        if isinstance(facts, list) and len(facts) == 2:
            return Column(str(facts[0]), str(facts[1]))
        return Column(str(facts), _unit_word(text.rpartition("_")[2]))
    if text in COLUMNS:
        return Column(*COLUMNS[text])
    code, _, word = text.rpartition("_")
    return Column(code, _unit_word(word)) if code and code[0].isupper() else None


def _unit_word(word: str) -> str:
    return UNIT_WORDS.get(word, word)


def _cell(row: list[str], number: int) -> float:
    try:
        return float(row[number])
    except (ValueError, IndexError):
        return float("nan")


def _moment(text: str, zone: timezone, name: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ReplayError(f"{name}: {text!r} is no ISO time") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).timestamp()

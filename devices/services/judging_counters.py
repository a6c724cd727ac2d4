"""Counters that went backwards or rose faster than power and time allow."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from devices import history, selectors
from devices.drivers import judging
from devices.drivers.counters import Counter
from devices.history import raw
from devices.history.codec import Floats, Ints, Rows
from devices.models import FlaggedStretch
from devices.selectors.counters import most_kw
from devices.services.judging_finds import Finds, moment
from devices.states import FlagKind

_KINDS = (FlagKind.BACKWARDS, FlagKind.JUMP)


@dataclass(slots=True)
class Counters:
    """The counters of devices of one layout, over the hour and the one before it."""

    finds: Finds
    rows: Rows
    device: Ints
    pks: list[int]

    def judge(self, layout: history.Positions) -> None:
        """Look closer at counters with an odd step in the hour, and at those that may come back."""
        capacity = np.array([most_kw(self.finds.devices[pk]) or np.nan for pk in self.pks])
        start_us = history.micros_of(self.finds.hour)
        for position, code in enumerate(layout.counter_codes):
            column = self.rows.counters[:, position]
            odd = judging.odd_counters(column, self.rows.at_us, self.device, capacity)
            odd = odd[self.rows.at_us[odd] >= start_us]
            asked = {self.pks[number] for number in self.device[odd].tolist()}
            asked |= {pk for pk in self.pks if self._held(pk, code)}
            if not asked:
                continue
            counters = selectors.counters(device_ids=asked, code=code)
            for pk in sorted(asked):
                mine = (self.device == self.pks.index(pk)) & ~np.isnan(column)
                self._look(pk, code, (self.rows.at_us[mine], column[mine]), counters[pk])

    def _held(self, pk: int, code: str) -> FlaggedStretch | None:
        """The stretch that may still end because the counter comes back to what it was."""
        for kind in _KINDS:
            for row in reversed(self.finds.of(pk, code, kind)):
                if row.held_at is not None and row.start_at < self.finds.hour:
                    return row
        return None

    def _look(self, pk: int, code: str, read: tuple[Ints, Floats], counter: Counter) -> None:
        at_us, values = read
        start_us = history.micros_of(self.finds.hour)
        row = self._held(pk, code)
        # From the last reading before the hour on; or from the last right one.
        first = max(0, int(np.searchsorted(at_us, start_us)) - 1)
        at_us, values = at_us[first:], values[first:]
        if row is not None and row.held_at is not None and row.held_value is not None:
            since = at_us > history.micros_of(row.held_at)
            at_us = np.append(history.micros_of(row.held_at), at_us[since])
            values = np.append(row.held_value, values[since])
        for one in judging.broken((at_us / 1e6).tolist(), values.tolist(), counter):
            part = slice(one.first, one.last + 1)
            if row is not None and one.first == 1:
                self._go_on(row, at_us[part], is_open=one.is_open)
                continue
            kind = FlagKind.BACKWARDS if one.has_fallen else FlagKind.JUMP
            held = {
                "held_at": moment(at_us[one.first - 1]) if one.is_open else None,
                "held_value": float(values[one.first - 1]) if one.is_open else None,
            }
            self.finds.add(pk, code, kind, at_us[part], values[part], **held)

    def _go_on(self, row: FlaggedStretch, at_us: Ints, *, is_open: bool) -> None:
        """It came back: all since it fell was false. Or it has not yet."""
        if is_open:
            return
        row.held_at = row.held_value = None
        end = moment(at_us[-1])
        found = self._stored(row, end)
        row.end_at, row.count = end, len(found)
        row.low, row.high = float(found.min()), float(found.max())
        self.finds.change(row, row.start_at)

    def _stored(self, row: FlaggedStretch, end: datetime) -> Floats:
        """All readings of a stretch, those of hours between among them."""
        until = end + timedelta(microseconds=1)
        layouts = raw.layouts_with({row.code})
        read = raw.rows(row.device_id, [row.code], layouts, row.start_at, until, as_stored=True)
        return read[~np.isnan(read[:, 1]), 1]

"""Samples of closed hours are judged: what is frozen, invalid, backwards or impossible is flagged.

Once an hour is in blocks, and again when late samples came into it or the hour before. What is found
is a row per stretch; readers leave it out, and the hours it touches are rolled up anew. What late
samples contradict is taken back.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction

from devices import history
from devices.drivers import judging
from devices.history.codec import joined
from devices.models import CompactedHour, Device, FlaggedStretch, JudgedHour, PointCode
from devices.services.judging_again import withdraw
from devices.services.judging_counters import Counters
from devices.services.judging_finds import Finds
from devices.services.judging_samples import Samples
from devices.states import FlagKind

logger = logging.getLogger(__name__)

BUDGET_S = 40.0
DEVICES_AT_A_TIME = 200
# Older hours are judged no more, whatever comes into them late.
REACH = timedelta(days=7)
# A counter that fell may come back so late; after that it counts anew.
HELD_FOR = timedelta(hours=24)
_HOUR = timedelta(hours=1)


def judge(*, now: datetime, budget_s: float = BUDGET_S) -> int:
    """Judge the compacted hours that were not, oldest first; how many that were."""
    until_s = time.monotonic() + budget_s
    points = PointCode.objects.exclude(frozen_after_h=None, largest_step=None)
    known = {point.code: point for point in points}
    done = 0
    for hour, rows in _due(now):
        if not _judge(hour, rows, known, now=now, until_s=until_s):
            break
        done += 1
    return done


def _due(now: datetime) -> Iterator[tuple[datetime, int]]:
    done = dict(JudgedHour.objects.filter(is_done=True).values_list("hour", "rows"))
    hours = CompactedHour.objects.filter(hour__gt=now - REACH).order_by("hour")
    for hour, rows in hours.values_list("hour", "rows"):
        if done.get(hour) != rows:
            yield hour, rows


def _judge(
    hour: datetime, rows: int, points: dict[str, PointCode], *, now: datetime, until_s: float
) -> bool:
    """Judge one hour from where the last run stopped; False when time is up before its end."""
    mark, is_new = JudgedHour.objects.get_or_create(hour=hour, defaults={"rows": rows})
    if is_new or mark.rows != rows:
        # The last samples of this hour are the neighbours of the first ones of the next.
        following = JudgedHour.objects.filter(hour=hour + _HOUR)
        following.update(until_device=0, is_done=False)
        mark.rows, mark.until_device, mark.is_done = rows, 0, False
    ids = [pk for pk in history.with_blocks(hour) if pk > mark.until_device]
    for place in range(0, len(ids), DEVICES_AT_A_TIME):
        if time.monotonic() >= until_s:
            return False
        some = ids[place : place + DEVICES_AT_A_TIME]
        with transaction.atomic():
            found = _found(hour, some, points, now)
            found.save()
            mark.until_device = some[-1]
            mark.save()
    with transaction.atomic():
        mark.is_done = True
        mark.save()
        # What had not stood still for long enough, and moved.
        FlaggedStretch.objects.filter(is_excluded=False, end_at__lt=hour - _HOUR).delete()
        JudgedHour.objects.filter(hour__lt=now - 2 * REACH).delete()
    logger.info("judging.done hour=%s devices=%d", hour, len(ids))
    return True


def _found(hour: datetime, ids: list[int], points: dict[str, PointCode], now: datetime) -> Finds:
    present, before = history.stored(hour, ids), history.stored(hour - _HOUR, ids)
    devices = Device.objects.select_related(
        "circuit__transformer", "site", "template_version", "bus__gateway", "source"
    )
    finds = Finds(
        hour=hour,
        now=now,
        points=points,
        devices=devices.in_bulk(ids),
        known=list(
            FlaggedStretch.objects.filter(
                device__in=ids, end_at__gte=hour - HELD_FOR, start_at__lt=hour + _HOUR
            )
        ),
    )
    for layout_id in sorted({layout for _pk, layout in present}):
        pks = [pk for pk, layout in present if layout == layout_id and pk in finds.devices]
        if not pks:
            continue
        layout = history.positions([layout_id])[layout_id]
        some = Samples.of([present[pk, layout_id] for pk in pks], pks)
        led = [
            joined([before[pk, layout_id], present[pk, layout_id]])
            if (pk, layout_id) in before
            else present[pk, layout_id]
            for pk in pks
        ]
        both = Samples.of(led, pks)
        withdraw(finds, layout, both)
        _frozen(finds, layout, some, both)
        _invalid(finds, layout, some)
        _jumped(finds, layout, both)
        Counters(finds, both.rows, both.device, pks).judge(layout)
    return finds


def _frozen(finds: Finds, layout: history.Positions, some: Samples, both: Samples) -> None:
    """What stood still all hour goes on with what stood before, or begins; what moved ends there."""
    loads = [c for c in layout.value_codes if c in {"P", "Ia", "Ib", "Ic", "I_avg"}]
    load = judging.most(
        np.column_stack([np.empty((len(some.rows), 0)), *(some.column(layout, c) for c in loads)]),
        some.starts,
    )
    power = np.full(len(some.pks), np.nan)
    if "P" in layout.value_codes:
        power = judging.mean(some.column(layout, "P"), some.starts)
    codes = [c for c in (*layout.value_codes, *layout.counter_codes) if c in finds.points]
    for code in (code for code in codes if finds.points[code].frozen_after_h):
        column = some.column(layout, code)
        held = judging.still(column[:, None], some.starts)[:, 0]
        if layout.counts(code):
            fits = finds.should_move(code, some.pks, power, held)
        else:
            fits = (load != 0) | (finds.points[code].group == "voltage")
        is_still = ~np.isnan(held) & fits
        asked = set(np.flatnonzero(is_still).tolist())
        asked |= {n for n, pk in enumerate(some.pks) if finds.standing(pk, code)}
        led = both.column(layout, code) if asked else column
        for number in sorted(asked):
            part = some.part(number)
            at_us = some.rows.at_us[part]
            whole = both.part(number)
            finds.stood(
                some.pks[number],
                code,
                (at_us, column[part]),
                (both.rows.at_us[whole], led[whole]),
                is_still=bool(is_still[number]),
            )


def _invalid(finds: Finds, layout: history.Positions, some: Samples) -> None:
    """Runs of samples of which single points had no valid number."""
    codes = (*layout.value_codes, *layout.counter_codes)
    flagged = np.array([flags is not None for flags in some.rows.flags])
    for number in np.unique(some.device[flagged]).tolist():
        part = some.part(number)
        marks = judging.named(some.rows.flags[part], len(codes))
        # A device that answered nothing valid is a gap in its data, not one of its points.
        marks &= ~marks.all(axis=1, keepdims=True)
        at_us = some.rows.at_us[part]
        for place in np.flatnonzero(marks.any(axis=0)).tolist():
            for first, last in judging.runs(marks[:, place]):
                finds.invalid(
                    some.pks[number], codes[place], at_us[first : last + 1], is_first=first == 0
                )


def _jumped(finds: Finds, layout: history.Positions, both: Samples) -> None:
    """Single samples far from both neighbours; the last one of the hour before has them now."""
    for code in layout.value_codes:
        point = finds.points.get(code)
        if point is None or point.largest_step is None:
            continue
        column = both.column(layout, code)
        for row in judging.isolated(column, both.device, point.largest_step).tolist():
            pk = both.pks[int(both.device[row])]
            at_us = both.rows.at_us[row : row + 1]
            finds.add(pk, code, FlagKind.JUMP, at_us, column[row : row + 1])

"""Clocks of meters: read once a day, spread over it, and set where they are off and it is allowed."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import redis
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from core.errors import Invalid
from devices.drivers.clocks import ClockDef, NoTime, next_calm
from devices.models import Device, DeviceClock
from devices.services import clock_running, on_demand
from devices.states import NO_TIME
from sites import selectors as site_selectors
from sites.models import Site, User
from sites.rules import Ability

logger = logging.getLogger(__name__)

AT_ONCE = 300
NEW_AT_ONCE = 5000
SETTINGS_AT_ONCE = 20
READ_PATIENCE_S = 15.0
SET_PATIENCE_S = 8.0
# A question is asked only before then, so that a run with its last one ends within what a task may take.
BUDGET_S = 35.0
DAY_S, QUARTER_S, QUARTERS = 86400, 900, 96
# Turns lie in the middle of a quarter-hour, so that most clocks may be set as soon as they are read.
FIRST_OFFSET_S, OFFSETS_S = 240, 300
# Primes: neighbours on a bus have their turns far from each other.
_QUARTER_STEP, _OFFSET_STEP = 37, 101
TOLERANCE_BOUNDS_S = (5, 3600)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one sweep did."""

    read: int = 0
    failed: int = 0
    set: int = 0


def turn_after(now: datetime, device_id: int) -> datetime:
    """When a device's clock is read next: at its own time of the day (UTC)."""
    quarter = device_id * _QUARTER_STEP % QUARTERS
    slot_s = quarter * QUARTER_S + FIRST_OFFSET_S + device_id * _OFFSET_STEP % OFFSETS_S
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    slot = midnight + timedelta(seconds=slot_s)
    return slot if slot > now else slot + timedelta(seconds=DAY_S)


def take_turns(*, now: datetime, budget_s: float = BUDGET_S) -> Turn:
    """Read the clocks whose turn has come, and set those that are off where it is allowed.

    Devices that are silent wait until they answer again: a clock is no reason to wake them. Where
    many do not answer, what is left after `budget_s` is the next run's.
    """
    until_s = time.monotonic() + budget_s
    enter_new(now=now)
    rows = DeviceClock.objects.readable().filter(
        due_at__lte=now,
        device__is_online=True,
        device__is_enabled=True,
        device__bus__gateway__is_enabled=True,
    )
    rows = rows.select_related("device__site", "device__template_version", "device__bus__gateway")
    by_shard: dict[int, list[DeviceClock]] = defaultdict(list)
    for row in rows.order_by("due_at")[:AT_ONCE]:
        if row.device.bus is not None:
            by_shard[row.device.bus.gateway.poll_shard].append(row)
    done = [
        _read(shard, of_shard, now)
        for shard, of_shard in by_shard.items()
        if time.monotonic() < until_s
    ]
    off = [row for turn_rows in done for row in turn_rows if row.error == ""]
    return Turn(
        read=len(off),
        failed=sum(map(len, done)) - len(off),
        set=_set_all(off, until_s),
    )


def enter_new(*, now: datetime) -> int:
    """A row for each device that has a clock and no row yet; its first turn is within a day."""
    devices = Device.objects.filter(bus__isnull=False, is_enabled=True, clock__isnull=True)
    ids = devices.exclude(template_version__clock={}).values_list("pk", flat=True)
    rows = [DeviceClock(device_id=pk, due_at=turn_after(now, pk)) for pk in ids[:NEW_AT_ONCE]]
    DeviceClock.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _read(shard: int, rows: Sequence[DeviceClock], now: datetime) -> list[DeviceClock]:
    """Ask the owner of the shard for all of them; those that it answered about, with what it said."""
    question = {
        "kind": "clocks",
        "devices": [row.pk for row in rows],
        "until": (now + timedelta(seconds=READ_PATIENCE_S)).timestamp(),
    }
    try:
        answer = on_demand.ask(shard, question, READ_PATIENCE_S)
    except redis.RedisError:
        return []
    reads = answer.get("reads", {})
    answered = [row for row in rows if str(row.pk) in reads]
    for row in answered:
        _take(row, reads[str(row.pk)], now)
    DeviceClock.objects.bulk_update(answered, ["due_at", "checked_at", "drift_s", "error"])
    return answered


def _take(row: DeviceClock, read: on_demand.Answer, now: datetime) -> None:
    """Put what was read into the row."""
    row.due_at = turn_after(now, row.pk)
    row.error = str(read.get("error", ""))[:40]
    if row.error:
        return
    clock = ClockDef.of(row.device.template_version.clock)
    zone = ZoneInfo(row.device.site.timezone)
    try:
        row.drift_s = clock_running.drift_of(clock, read["words"], at=read["at"], zone=zone)
    except NoTime:
        row.drift_s, row.error = None, NO_TIME
    row.checked_at = datetime.fromtimestamp(read["at"], UTC)


def _set_all(rows: Iterable[DeviceClock], until_s: float) -> int:
    """Have those set that may be, until that moment (time.monotonic); how many were.

    Those left over are read again at their next calm moment.
    """
    done = 0
    for row in rows:
        now = datetime.now(UTC)
        clock = ClockDef.of(row.device.template_version.clock)
        reason = clock_running.why_not(row, clock, now=now)
        if reason == "" and done < SETTINGS_AT_ONCE and time.monotonic() < until_s:
            reason = _set(row, now)
            done += reason == ""
        elif reason in ("", "stale"):
            reason = "not_calm"
        if reason == "not_calm":
            # Read again then: a clock is set by what it shows at that moment.
            at = next_calm(now + timedelta(seconds=1), row.drift_s or 0.0)
            DeviceClock.objects.filter(pk=row.pk).update(due_at=at)
    return done


def _set(row: DeviceClock, now: datetime) -> str:
    """'' when the owner of the bus has dealt with it, else its word for why not."""
    assert row.device.bus is not None  # noqa: S101 - the sweep's query has said so
    question = {
        "kind": "set_clock",
        "device": row.pk,
        "until": (now + timedelta(seconds=SET_PATIENCE_S)).timestamp(),
    }
    try:
        answer = on_demand.ask(row.device.bus.gateway.poll_shard, question, SET_PATIENCE_S)
    except redis.RedisError:
        return "no_worker"
    return str(answer.get("error", ""))


@transaction.atomic
def allow(*, site: Site, is_allowed: bool, tolerance_s: int, by: User) -> None:
    """Let the platform set clocks at a site that are off by more than `tolerance_s`, or not.

    Raises Forbidden unless the person manages the site, Invalid outside of 5 to 3600 s.
    """
    site_selectors.require(user=by, ability=Ability.MANAGE_SITE, site=site)
    least, most = TOLERANCE_BOUNDS_S
    if not least <= tolerance_s <= most:
        text = _("请填写 %(least)d 至 %(most)d 之间的整数。")
        raise Invalid(fields={"tolerance_s": [text % {"least": least, "most": most}]})
    locked = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    locked.is_clock_setting_allowed, locked.clock_tolerance_s = is_allowed, tolerance_s
    locked.save(update_fields=["is_clock_setting_allowed", "clock_tolerance_s", "updated_at"])
    if is_allowed:
        # Those that are known to be off need not wait for tomorrow's turn.
        off = DeviceClock.objects.readable().off().filter(device__site=site)
        DeviceClock.objects.filter(pk__in=off.values("pk")).update(due_at=F("checked_at"))
    logger.info("clock.allowed site=%s is_allowed=%s by=%s", site.pk, is_allowed, by.pk)

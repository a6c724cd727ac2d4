"""The owner of the bus reads clocks, and sets one: entered first, written once, read back.

An entry without a result stays "unknown"; the next day's reading tells how far the clock is off.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from devices.drivers import UNSENT, DeviceRead, Words
from devices.drivers.bus import Priority, Write
from devices.drivers.clocks import ClockDef, NoTime, decode, encode, is_calm
from devices.drivers.pool import BusPool, PollJob
from devices.models import ClockSetting, DeviceClock
from devices.services.control_running import job_of
from devices.services.off_loop import in_thread
from devices.services.on_demand import Answer
from devices.services.plan import Plan
from devices.states import ClockResult

logger = logging.getLogger(__name__)

# A write that waits longer for its turn would set a time that has gone by.
SEND_WITHIN_S = 2.0
# How old the reading may be that a clock is set by.
FRESH = timedelta(minutes=2)
# Less than a day, since a device's turn wanders within the sweep's period.
ONCE_IN = timedelta(hours=20)
# A clock that is this near after it was set has taken it: seconds are whole, and answers take time.
TAKEN_WITHIN_S = 3.0


async def answer(pool: BusPool, plan: Plan | None, question: dict[str, Any]) -> Answer:
    """What the owner of a shard says to a question about clocks."""
    if question["kind"] == "clocks":
        return await _read_all(pool, plan, question["devices"])
    return await _set(pool, plan, question["device"])


async def _read_all(pool: BusPool, plan: Plan | None, device_ids: list[int]) -> Answer:
    """The words of many clocks, each device on its own line."""
    reads = await asyncio.gather(*(_read(pool, plan, device_id) for device_id in device_ids))
    return {"reads": dict(zip(map(str, device_ids), reads, strict=True))}


async def _read(pool: BusPool, plan: Plan | None, device_id: int) -> Answer:
    job, clock = _known(plan, device_id)
    if job is None or clock is None:
        return {"error": "not_polled"}
    read = await _ask(pool, job, clock)
    if read.blocks is None or read.blocks[0] is None:
        return {"error": read.error or "failed"}
    return {"words": list(read.blocks[0]), "at": read.at}


async def _set(pool: BusPool, plan: Plan | None, device_id: int) -> Answer:
    job, clock = _known(plan, device_id)
    if job is None or clock is None:
        return {"error": "not_polled"}
    known = clock
    claimed = await in_thread(
        lambda: claim(device_id=device_id, clock=known, plan=plan, now=datetime.now(UTC))
    )
    if isinstance(claimed, str):
        return {"error": claimed}
    zone = ZoneInfo(claimed.device.site.timezone)
    written = await _write(pool, job, clock, zone)
    after_s, unread = await _drift(pool, job, clock, zone)
    result = verdict(written, after_s)
    # No answer to the write is no news when the clock is right.
    error = "" if result == ClockResult.DONE else written or unread
    await in_thread(
        lambda: record(claimed, result=result, after_s=after_s, error=error, now=datetime.now(UTC))
    )
    return {"result": result.value}


async def _write(pool: BusPool, job: PollJob, clock: ClockDef, zone: ZoneInfo) -> str:
    """Send the present time once; the driver's word for what went wrong."""
    now = datetime.now(UTC)
    write = Write(
        function_code=clock.write_code or 0,
        address=clock.write_address or 0,
        values=encode(clock, now, zone=zone),
        until=now.timestamp() + SEND_WITHIN_S,
    )
    request = pool.request(replace(job, blocks=()), Priority.ON_DEMAND, write=write)
    return (await asyncio.wrap_future(request)).error or ""


async def _drift(
    pool: BusPool, job: PollJob, clock: ClockDef, zone: ZoneInfo
) -> tuple[float | None, str]:
    """Seconds that the clock is ahead now, or why it is not known."""
    read = await _ask(pool, job, clock)
    if read.blocks is None or read.blocks[0] is None:
        return None, read.error or "failed"
    try:
        return drift_of(clock, read.blocks[0], at=read.at, zone=zone), ""
    except NoTime:
        return None, ""


async def _ask(pool: BusPool, job: PollJob, clock: ClockDef) -> DeviceRead:
    request = pool.request(replace(job, blocks=(clock.block,)), Priority.ON_DEMAND)
    return await asyncio.wrap_future(request)


def drift_of(clock: ClockDef, words: Words, *, at: float, zone: ZoneInfo) -> float:
    """Seconds that a clock read at `at` (epoch seconds) is ahead. Raises NoTime."""
    moment = datetime.fromtimestamp(at, UTC)
    return round((decode(clock, words, zone=zone, near=moment) - moment).total_seconds(), 1)


def verdict(error: str, after_s: float | None) -> ClockResult:
    """What the read-back makes of a write; `error` says what went wrong with the write."""
    if error in UNSENT:
        return ClockResult.UNSENT
    if after_s is None:
        return ClockResult.UNREAD
    if abs(after_s) <= TAKEN_WITHIN_S:
        return ClockResult.DONE
    return ClockResult.REFUSED if error.startswith("exception:") else ClockResult.KEPT


def why_not(clock: DeviceClock, wanted: ClockDef, *, now: datetime) -> str:
    """What forbids setting this clock, as it was read last; '' when nothing does. Reads the site."""
    site = clock.device.site
    if not site.is_clock_setting_allowed:
        return "off"
    if not wanted.may_be_set or clock.device.unit_id == 0:
        return "unproven"
    if clock.drift_s is None or abs(clock.drift_s) <= site.clock_tolerance_s:
        return "right"
    if clock.checked_at is None or clock.checked_at < now - FRESH:
        return "stale"
    if ClockSetting.objects.filter(device=clock.device_id, at__gt=now - ONCE_IN).exists():
        return "set_before"
    return "" if is_calm(now, clock.drift_s) else "not_calm"


def claim(
    *, device_id: int, clock: ClockDef, plan: Plan | None, now: datetime
) -> ClockSetting | str:
    """Enter a setting before it is sent, once a day; or the word for why it is not done."""
    with transaction.atomic():
        rows = DeviceClock.objects.select_for_update(of=("self",)).select_related("device__site")
        row = rows.filter(pk=device_id).first()
        if row is None:
            return "moved_on"
        planned = plan.devices[device_id].version.pk if plan else None
        if row.device.template_version_id != planned or not row.device.is_enabled:
            return "moved_on"
        if reason := why_not(row, clock, now=now):
            return reason
        return ClockSetting.objects.create(device=row.device, at=now, before_s=row.drift_s)


def record(
    setting: ClockSetting, *, result: ClockResult, after_s: float | None, error: str, now: datetime
) -> None:
    """What became of it; the drift that was read back is the clock's from now on."""
    ClockSetting.objects.filter(pk=setting.pk).update(
        result=result, after_s=after_s, error=error[:40]
    )
    if after_s is not None:
        DeviceClock.objects.filter(pk=setting.device_id).update(drift_s=after_s, checked_at=now)
    logger.info("clock.set device=%s result=%s", setting.device_id, result)


def _known(plan: Plan | None, device_id: int) -> tuple[PollJob | None, ClockDef | None]:
    device = plan.devices.get(device_id) if plan else None
    return job_of(plan, device_id), device.version.clock if device else None

"""The owner of the bus carries out an operation: claimed once, written once, read back.

A claim is a conditional update before the write. Whoever dies after it leaves a claim without a
result: the sweep calls it unknown and reads the output back. Nothing is written a second time,
whatever message comes again.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from core.errors import Changed, MoveRefused
from devices.drivers import UNSENT, Block, BusExpired
from devices.drivers.bus import Priority, Write
from devices.drivers.outputs import StateAt
from devices.drivers.pool import BusPool, PollJob
from devices.models import ControlOperation, Lockout
from devices.rules import Verdict, control_verdict
from devices.selectors.control import why_not
from devices.services import control, on_demand
from devices.services import control_journal as journal
from devices.services.off_loop import in_thread
from devices.services.plan import Plan, line_text
from devices.states import ControlMove, ControlResult, ControlState
from sites.models import User

logger = logging.getLogger(__name__)

STATE_EVERY_S = 0.2
# A claim without a result after so long has lost its process.
STUCK_AFTER = control.JUST_WRITTEN
# How long the sweep goes on asking what became of an unknown one.
ASKED_FOR = timedelta(minutes=10)
SWEPT_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Order:
    """A claimed operation, as far as the bus needs it."""

    operation_id: int
    job: PollJob
    wanted: bool
    present: bool
    write: Write
    state: StateAt
    settle_s: float


async def answer(pool: BusPool, plan: Plan | None, question: dict[str, Any]) -> on_demand.Answer:
    """What the owner of a shard says to a question of remote control."""
    if question["kind"] == "state":
        return await _answer_state(pool, plan, question)
    return await _answer_execute(pool, plan, question)


async def _answer_state(
    pool: BusPool, plan: Plan | None, question: dict[str, Any]
) -> on_demand.Answer:
    job = job_of(plan, question["device"])
    if job is None:
        return {"error": ControlResult.NOT_POLLED.value}
    function_code, address = question["block"]
    job = replace(job, blocks=(Block(function_code, address, 1),))
    read = await asyncio.wrap_future(pool.request(job, Priority.CONTROL))
    if read.blocks is None or read.blocks[0] is None:
        return {"error": read.error or "failed"}
    return {"words": list(read.blocks[0]), "at": read.at}


async def _answer_execute(
    pool: BusPool, plan: Plan | None, question: dict[str, Any]
) -> on_demand.Answer:
    operation_id, by_id = question["operation"], question["by"]
    claimed = await in_thread(
        lambda: claim(
            operation_id=operation_id,
            by_id=by_id,
            door=question["door"],
            plan=plan,
            now=datetime.now(UTC),
        )
    )
    if isinstance(claimed, str):
        return {"error": claimed}
    verdict = await carry_out(pool, claimed)
    await in_thread(
        lambda: record(operation_id=operation_id, verdict=verdict, now=datetime.now(UTC))
    )
    return {"state": verdict.move.value}


def claim(
    *, operation_id: int, by_id: int, door: str, plan: Plan | None, now: datetime
) -> Order | str:
    """Take a confirmed operation for execution, once; or the word for why it is not taken."""
    with transaction.atomic():
        operation = _confirmed(operation_id)
        if operation is None:
            return "moved_on"
        job = job_of(plan, operation.device_id)
        reason = _why_not(operation, plan, job, now)
        if reason or job is None:
            _give_up(operation, reason or ControlResult.NOT_POLLED.value, now)
            return reason or ControlResult.NOT_POLLED.value
        by = User.objects.get(pk=by_id)
        journal.move(operation, ControlMove.EXECUTE, by=by, door=door, now=now, claimed_at=now)
    logger.info("control.claimed number=%s", operation.number)
    return _order(operation, job)


def record(*, operation_id: int, verdict: Verdict, now: datetime) -> None:
    """What became of it; a late word still settles what the sweep has called unknown."""
    for _attempt in range(2):
        operation = ControlOperation.objects.get(pk=operation_id)
        try:
            journal.move(
                operation,
                verdict.move,
                now=now,
                result=verdict.result,
                after=verdict.after,
                finished_at=None if verdict.move == ControlMove.LOSE else now,
            )
        except Changed:
            continue
        except MoveRefused:
            logger.warning("control.recorded_before number=%s", operation.number)
        logger.info("control.ended number=%s result=%s", operation.number, verdict.result)
        return


async def carry_out(pool: BusPool, order: Order) -> Verdict:
    """Read, write once, read back; what is certain is told apart from what is not."""
    before, error = await _state(pool, order)
    if before is None:
        return Verdict(ControlMove.FAIL, error or ControlResult.UNCLEAR.value, None)
    if before != order.present:
        return Verdict(ControlMove.FAIL, ControlResult.CHANGED.value, before)
    written = await asyncio.wrap_future(
        pool.request(replace(order.job, blocks=()), Priority.CONTROL, write=order.write)
    )
    if written.error == BusExpired.error:
        return Verdict(ControlMove.EXPIRE, ControlResult.OVERDUE.value, before)
    if written.error in UNSENT:
        return Verdict(ControlMove.FAIL, written.error, before)
    if written.error and not written.error.startswith("exception:"):
        lost = Verdict(ControlMove.LOSE, written.error, None)
        await in_thread(
            lambda: record(operation_id=order.operation_id, verdict=lost, now=datetime.now(UTC))
        )
    after = await _settled(pool, order)
    return control_verdict(written.error, after=after, wanted=order.wanted)


async def _settled(pool: BusPool, order: Order) -> bool | None:
    """The state as soon as it is the wanted one, or when its time to follow is over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + order.settle_s
    while True:
        after, _error = await _state(pool, order)
        if after == order.wanted or loop.time() >= end:
            return after
        await asyncio.sleep(STATE_EVERY_S)


async def _state(pool: BusPool, order: Order) -> tuple[bool | None, str]:
    job = replace(order.job, blocks=(order.state.block,))
    read = await asyncio.wrap_future(pool.request(job, Priority.CONTROL))
    if read.blocks is None or read.blocks[0] is None:
        return None, read.error or "failed"
    return order.state.decode(read.blocks[0]), ""


def sweep(*, now: datetime) -> int:
    """Expire what was not executed; find out what became of claims that lost their process."""
    done = control.expire_due(now=now)
    stuck = ControlOperation.objects.filter(
        state=ControlState.EXECUTING, claimed_at__lt=now - STUCK_AFTER
    )
    done += journal.each(stuck, ControlMove.LOSE, now=now, result=ControlResult.STUCK.value)
    unknown = ControlOperation.objects.filter(
        state=ControlState.UNKNOWN, claimed_at__gt=now - ASKED_FOR - STUCK_AFTER
    ).order_by("updated_at")
    for operation in unknown.with_place().select_related("device__bus__gateway")[:SWEPT_AT_ONCE]:
        done += _settle(operation, now)
    return done


def _settle(operation: ControlOperation, now: datetime) -> int:
    """Read an unknown one back; a device that cannot be read leaves it unknown."""
    try:
        after, _at = control.read_state(device=operation.device, output=operation.output, now=now)
    except control.ControlRefused:
        return 0
    verdict = control_verdict(operation.result, after=after, wanted=operation.wanted)
    record(operation_id=operation.pk, verdict=verdict, now=now)
    return 1


def _confirmed(operation_id: int) -> ControlOperation | None:
    """The operation under the lock of its site, when it waits for execution."""
    found = ControlOperation.objects.filter(pk=operation_id).values_list("site_id").first()
    if found is None:
        return None
    control.lock_site(found[0])
    rows = ControlOperation.objects.filter(pk=operation_id, state=ControlState.CONFIRMED)
    return rows.with_place().select_related("device__bus__gateway", "device__site").first()


def _why_not(
    operation: ControlOperation, plan: Plan | None, job: PollJob | None, now: datetime
) -> str:
    """What forbids it at the last moment; '' when nothing does."""
    if now >= operation.due_at:
        return ControlResult.OVERDUE.value
    device = operation.device
    is_locked = Lockout.objects.in_force(now).over(device).exists()
    if reason := why_not(device=device, output=operation.output, is_locked=is_locked):
        return str(reason)
    if not control.rights_are_kept(operation):
        return ControlResult.RIGHTS.value
    if plan is None or job is None:
        return ControlResult.NOT_POLLED.value
    specs = (spec for spec in plan.buses if spec.key == job.bus_key)
    lines = {line_text(spec, job.unit_id) for spec in specs}
    planned = plan.devices[operation.device_id].version.pk
    if operation.line not in lines or planned != operation.output.version_id:
        return ControlResult.MOVED.value
    return ""


def _give_up(operation: ControlOperation, reason: str, now: datetime) -> None:
    """Close it, nothing was sent. A device that is not polled just now may be soon."""
    if reason == ControlResult.OVERDUE:
        control.expire_due(now=now, device=operation.device)
    elif reason != ControlResult.NOT_POLLED:
        journal.block([operation], result=reason, by=None, now=now)


def _order(operation: ControlOperation, job: PollJob) -> Order:
    output = operation.output
    command = output.command(is_on=operation.wanted)
    return Order(
        operation_id=operation.pk,
        job=job,
        wanted=operation.wanted,
        present=operation.present,
        write=Write(
            function_code=output.function_code,
            address=command.address,
            values=command.values,
            until=operation.due_at.timestamp(),
        ),
        state=output.state,
        settle_s=output.settle_ms / 1000,
    )


def job_of(plan: Plan | None, device_id: int) -> PollJob | None:
    """Any job of a device, for its bus and address; None when it is not polled."""
    device = plan.devices.get(device_id) if plan else None
    return next((job for job in device.jobs if job is not None), None) if device else None

"""Remote control over a real socket: two people, once, in time, and the truth about the result."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from core.errors import Changed, Forbidden, Invalid, MoveRefused, NotFound
from devices.models import ControlLog, ControlOperation, Device, Lockout
from devices.services import control, control_running, lockouts, on_demand
from devices.services.polling import Poller
from devices.states import ControlMove, ControlState
from devices.tests.meters import listening
from devices.tests.switching import NEVER_S, SHARD, Desk, make_desk, working
from sites import services as site_services
from sites.models import Grant, forget_access
from sites.rules import Role
from sites.tests.factories import make_grant, make_room, make_site, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

HALF_A_MINUTE = timedelta(seconds=30)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with listening() as line:
        yield make_desk(line)


@pytest.fixture
def poller(desk: Desk) -> Iterator[Poller]:
    with working() as running:
        yield running


def moves_of(operation: ControlOperation) -> list[str]:
    return list(operation.log.values_list("move", flat=True))


def refusal(caught: pytest.ExceptionInfo[control.ControlRefused]) -> str:
    return str(caught.value.facts["reason"])


def work(desk: Desk, **facts: object) -> lockouts.Work:
    usual = {"worker": "张师傅", "reason": "更换接触器", "permit_number": "GZP-7"}
    return lockouts.Work(**({"site": desk.site, "room": None, "device": None} | usual | facts))  # type: ignore[arg-type]


def test_two_people_switch_an_output_and_the_read_back_proves_it(
    desk: Desk, poller: Poller
) -> None:
    operation = desk.select()
    assert (operation.present, operation.state) == (False, ControlState.SELECTED)
    assert desk.relay.writes == []

    desk.confirm(operation)
    done = desk.execute(operation)

    assert desk.relay.writes == [(0, True)]
    assert (done.state, done.after, done.result) == (ControlState.DONE, True, "verified")
    assert (done.operator, done.guardian) == (desk.operator, desk.guardian)
    assert moves_of(done) == ["select", "confirm", "execute", "finish"]
    assert done.number.startswith("YK-")


def test_the_operator_is_no_guardian_and_the_guardian_no_operator(
    desk: Desk, poller: Poller
) -> None:
    operation = desk.select()
    with pytest.raises(Forbidden):
        desk.confirm(operation, by=desk.operator)
    with pytest.raises(MoveRefused):
        desk.execute(operation)
    desk.confirm(operation)
    with pytest.raises(Forbidden):
        control.execute(operation_id=operation.pk, by=desk.guardian, door="web", now=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        ControlOperation.objects.filter(pk=operation.pk).update(guardian=desk.operator)

    assert desk.relay.writes == []


def test_half_a_minute_after_selection_it_is_too_late(desk: Desk, poller: Poller) -> None:
    operation = desk.select()
    late_by_a_moment = operation.selected_at + HALF_A_MINUTE
    with pytest.raises(control.ControlRefused) as unconfirmed:
        desk.confirm(operation, now=late_by_a_moment)
    desk.confirm(operation)
    with pytest.raises(control.ControlRefused) as late:
        desk.execute(operation, now=late_by_a_moment)
    # Whatever the clock of the web process says, the owner of the bus looks at its own.
    past = timezone.now()
    ControlOperation.objects.filter(pk=operation.pk).update(due_at=past)
    claimed = control_running.claim(
        operation_id=operation.pk,
        by_id=desk.operator.pk,
        door="web",
        plan=poller.plan,
        now=timezone.now(),
    )
    assert claimed == "overdue"

    operation.refresh_from_db()
    assert {refusal(unconfirmed), refusal(late)} == {"overdue"}
    assert operation.state == ControlState.EXPIRED
    assert desk.relay.writes == []


def test_an_answer_that_is_lost_is_unknown_until_the_read_back_decides(
    desk: Desk, poller: Poller
) -> None:
    desk.relay.write_delay_s = NEVER_S
    operation = desk.select()
    desk.confirm(operation)
    done = desk.execute(operation)

    assert done.state == ControlState.DONE
    assert moves_of(done) == ["select", "confirm", "execute", "lose", "finish"]
    assert desk.relay.writes == [(0, True)]


def test_a_device_that_says_no_or_does_nothing_has_failed(desk: Desk, poller: Poller) -> None:
    desk.relay.refuses_with = 4
    first = desk.select()
    desk.confirm(first)
    refused = desk.execute(first)
    desk.relay.refuses_with, desk.relay.ignores = 0, True
    second = desk.select()
    desk.confirm(second)
    ignored = desk.execute(second)

    assert (refused.state, refused.result) == (ControlState.FAILED, "exception:4")
    assert (ignored.state, ignored.result) == (ControlState.FAILED, "not_followed")
    assert len(desk.relay.writes) == 2


def test_a_device_that_falls_silent_leaves_it_unknown_and_the_sweep_asks_again(
    desk: Desk, poller: Poller
) -> None:
    operation = desk.select()
    desk.confirm(operation)
    order = control_running.claim(
        operation_id=operation.pk,
        by_id=desk.operator.pk,
        door="web",
        plan=poller.plan,
        now=timezone.now(),
    )
    # Killed here: claimed, and nobody knows whether it was written.
    assert isinstance(order, control_running.Order)
    desk.relay.is_silent = True
    later = timezone.now() + timedelta(seconds=61)
    control_running.sweep(now=later)
    operation.refresh_from_db()
    assert (operation.state, operation.result) == (ControlState.UNKNOWN, "stuck")

    question = {
        "kind": "execute",
        "operation": operation.pk,
        "by": desk.operator.pk,
        "door": "web",
        "until": (timezone.now() + HALF_A_MINUTE).timestamp(),
    }
    assert on_demand.ask(SHARD, question, 5.0)["error"] == "moved_on"
    desk.relay.is_silent = False
    control_running.sweep(now=later)

    operation.refresh_from_db()
    assert (operation.state, operation.after) == (ControlState.FAILED, False)
    assert desk.relay.writes == []


def test_a_message_that_comes_twice_writes_once(desk: Desk, poller: Poller) -> None:
    operation = desk.select()
    desk.confirm(operation)
    barrier = Barrier(2)

    def press() -> str:
        barrier.wait(5)
        try:
            return desk.execute(operation).state
        except MoveRefused:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as hands:
        pressed = [hands.submit(press) for _ in range(2)]
        said = sorted(press.result() for press in pressed)

    assert said in (["done", "refused"], ["done", "done"])
    assert desk.relay.writes == [(0, True)]
    assert moves_of(operation).count("execute") == 1


def test_of_two_who_select_one_output_at_once_one_wins(desk: Desk, poller: Poller) -> None:
    barrier = Barrier(2)

    def choose(person: object) -> str:
        barrier.wait(5)
        try:
            return desk.select(by=person).state  # type: ignore[arg-type]
        except control.ControlRefused as refused:
            return str(refused.facts["reason"])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as hands:
        said = sorted(hands.map(choose, [desk.operator, desk.guardian]))

    assert said == ["busy", "selected"]


@pytest.mark.parametrize("place", ["site", "room", "device"])
def test_while_somebody_works_there_nothing_is_switched(
    desk: Desk, poller: Poller, place: str
) -> None:
    room = make_room(site=desk.site)
    Device.objects.filter(pk=desk.device.pk).update(room=room)
    parts = {"site": {}, "room": {"room": room}, "device": {"device": desk.device}}[place]
    operation = desk.select()
    desk.confirm(operation)
    lockout = lockouts.lock_out(work=work(desk, **parts), by=desk.guardian, now=timezone.now())

    with pytest.raises(MoveRefused):
        desk.execute(operation)
    with pytest.raises(control.ControlRefused) as caught:
        desk.select()
    assert refusal(caught) == "locked"
    operation.refresh_from_db()
    assert (operation.state, operation.result) == (ControlState.REFUSED, "locked")
    lockouts.end_lockout(lockout_id=lockout.pk, by=desk.guardian, now=timezone.now())

    assert desk.select().state == ControlState.SELECTED
    assert desk.relay.writes == []


def test_a_lock_out_elsewhere_or_later_is_in_nobodys_way_and_its_planned_end_ends_nothing(
    desk: Desk, poller: Poller
) -> None:
    now = timezone.now()
    soon = now + timedelta(hours=1)
    other = make_room(site=desk.site)
    lockouts.lock_out(work=work(desk, room=other), by=desk.guardian, now=now)
    later = lockouts.lock_out(work=work(desk, starts_at=soon), by=desk.guardian, now=now)
    assert desk.select().state == ControlState.SELECTED

    Lockout.objects.filter(pk=later.pk).update(
        starts_at=now - timedelta(hours=9), planned_end_at=now - timedelta(hours=1)
    )
    with pytest.raises(control.ControlRefused) as caught:
        desk.select()
    assert refusal(caught) == "locked"


def test_a_lock_out_that_comes_in_the_middle_of_a_switching_does_not_hold(
    desk: Desk, poller: Poller
) -> None:
    operation = desk.select()
    desk.confirm(operation)
    control_running.claim(
        operation_id=operation.pk,
        by_id=desk.operator.pk,
        door="web",
        plan=poller.plan,
        now=timezone.now(),
    )

    with pytest.raises(lockouts.BeingExecuted):
        lockouts.lock_out(work=work(desk), by=desk.guardian, now=timezone.now())

    lost = control_running.Verdict(ControlMove.LOSE, "timeout", None)
    control_running.record(operation_id=operation.pk, verdict=lost, now=timezone.now())
    with pytest.raises(lockouts.BeingExecuted):
        lockouts.lock_out(work=work(desk), by=desk.guardian, now=timezone.now())
    assert not Lockout.objects.exists()

    later = timezone.now() + control.JUST_WRITTEN
    assert lockouts.lock_out(work=work(desk), by=desk.guardian, now=later).pk


def test_who_may_lock_out_and_who_may_end_it(desk: Desk) -> None:
    crew, stranger = make_user("crew"), make_user("stranger")
    make_grant(crew, Role.TECHNICIAN, desk.site)
    lockout = lockouts.lock_out(work=work(desk), by=crew, now=timezone.now())

    for person, refused in ((desk.guardian, Forbidden), (stranger, NotFound)):
        with pytest.raises(refused):
            lockouts.end_lockout(lockout_id=lockout.pk, by=person, now=timezone.now())
    lockouts.end_lockout(lockout_id=lockout.pk, by=crew, now=timezone.now())
    with pytest.raises(Changed):
        lockouts.end_lockout(lockout_id=lockout.pk, by=crew, now=timezone.now())
    with pytest.raises(Invalid):
        lockouts.lock_out(work=work(desk, worker=" "), by=crew, now=timezone.now())
    with pytest.raises(ProgrammingError), transaction.atomic():
        lockout.delete()


def test_a_site_is_closed_until_its_manager_opens_it(desk: Desk, poller: Poller) -> None:
    boss = make_user("boss")
    make_grant(boss, Role.MANAGER, desk.site)
    operation = desk.select()
    desk.confirm(operation)
    with pytest.raises(Forbidden):
        control.allow(site=desk.site, is_allowed=False, by=desk.operator, now=timezone.now())
    control.allow(site=desk.site, is_allowed=False, by=boss, now=timezone.now())

    with pytest.raises(MoveRefused):
        desk.execute(operation)
    with pytest.raises(control.ControlRefused) as caught:
        desk.select()

    assert refusal(caught) == "off"
    assert make_site().is_control_allowed is False
    assert desk.relay.writes == []


def test_what_changed_since_the_selection_is_not_switched(desk: Desk, poller: Poller) -> None:
    first = desk.select()
    desk.confirm(first)
    desk.relay.coils[0] = True
    changed = desk.execute(first)
    desk.relay.coils[0] = False
    second = desk.select()
    desk.confirm(second)
    ControlOperation.objects.filter(pk=second.pk).update(line="||elsewhere|502|1")
    with pytest.raises(control.ControlRefused) as moved:
        desk.execute(second)
    third = desk.select()
    desk.confirm(third)
    grant = Grant.objects.get(user=desk.guardian)
    site_services.end_grant(grant=grant, by=make_superuser(), now=timezone.now())
    with pytest.raises(control.ControlRefused) as powerless:
        desk.execute(third)

    assert (changed.state, changed.result) == (ControlState.FAILED, "changed")
    assert (refusal(moved), refusal(powerless)) == ("moved", "rights")
    assert desk.relay.writes == []


def make_superuser():  # type: ignore[no-untyped-def]
    return make_user("root", is_superuser=True)


def test_what_cannot_be_selected_says_why(desk: Desk, poller: Poller) -> None:
    with pytest.raises(control.ControlRefused) as already:
        desk.select(wanted=False)
    desk.relay.is_silent = True
    with pytest.raises(control.ControlRefused) as silent:
        desk.select()
    type(desk.output).objects.filter(pk=desk.output.pk).update(confidence="assumed")
    desk.output.refresh_from_db()
    with pytest.raises(control.ControlRefused) as unproven:
        desk.select()
    request = control.Request(desk.output, True, " ", "")
    with pytest.raises(Invalid):
        control.select(
            device=desk.fresh(), request=request, by=desk.operator, door="web", now=timezone.now()
        )

    reasons = [refusal(caught) for caught in (already, silent, unproven)]
    assert reasons == ["already", "timeout", "unproven"]


def test_without_the_right_nobody_selects_or_confirms(desk: Desk, poller: Poller) -> None:
    crew = make_user("crew")
    make_grant(crew, Role.TECHNICIAN, desk.site)
    operation = desk.select()

    with pytest.raises(Forbidden):
        desk.confirm(operation, by=crew)
    with pytest.raises(Forbidden):
        desk.select(by=crew)
    with pytest.raises(Changed):
        control.confirm(
            operation_id=operation.pk,
            seen="selected:1:0",
            by=desk.guardian,
            door="web",
            now=timezone.now(),
        )
    control.refuse(
        operation_id=operation.pk,
        note="票号不符",
        by=desk.guardian,
        door="web",
        now=timezone.now(),
    )
    second = desk.select()
    control.cancel(operation_id=second.pk, by=desk.operator, door="web", now=timezone.now())
    forget_access(crew)

    states = set(ControlOperation.objects.values_list("state", flat=True))
    assert states == {ControlState.REFUSED, ControlState.CANCELLED}


def test_the_log_cannot_be_changed_and_follows_the_table(desk: Desk, poller: Poller) -> None:
    operation = desk.select()
    row = operation.log.get()
    for change in (row.delete, lambda: ControlLog.objects.update(note="x")):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()
    with pytest.raises(ProtectedError):
        operation.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        ControlLog.objects.create(
            operation=operation,
            at=timezone.now(),
            move=ControlMove.FINISH,
            source=ControlState.SELECTED,
            target=ControlState.DONE,
        )

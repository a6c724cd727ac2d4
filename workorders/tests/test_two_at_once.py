"""Two people on two connections at the same moment: one wins, the other is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from alarms.models import Alarm
from alarms.states import Handling
from alarms.tests.factories import make_alarm
from core.errors import Changed, DomainError, MoveRefused
from sites.models import User
from sites.rules import Role
from sites.tests.factories import make_grant, make_user, people
from workorders import services
from workorders.models import WorkOrder
from workorders.states import Move, State
from workorders.tests.factories import NOW, REASON, facts_of, make_order

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOW + timedelta(hours=1)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Results, or the refusals, of acts that start at the same moment on their own connections."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(timeout=20)
            return act()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("_round", range(3))
def test_of_two_who_assign_one_wins(_round: int) -> None:
    cast = people()
    bea = make_user("bea")
    make_grant(bea, Role.TECHNICIAN, cast.team)
    order = make_order(cast=cast)

    def assign(by: User, assignee: User) -> Callable[[], Any]:
        return lambda: services.move(
            order_id=order.pk,
            move=Move.ASSIGN,
            by=fresh(by),
            door="web",
            now=LATER,
            seen=order.seen,
            assignee=assignee,
        )

    results = at_once(assign(cast.di, cast.bo), assign(cast.ana, bea))

    lost = [result for result in results if isinstance(result, Changed)]
    won = [result for result in results if isinstance(result, services.Moved)]
    assert (len(won), len(lost)) == (1, 1)
    order.refresh_from_db()
    assert lost[0].facts["assignee"] == str(order.assignee)
    assert lost[0].facts["by"] in {"Di", "Ana"}
    assert order.log.filter(entry="move").count() == 1


def test_of_two_moves_without_a_state_seen_the_later_is_refused_or_follows_the_table() -> None:
    cast = people()
    order = make_order(cast=cast, state=State.IN_PROGRESS)

    def act(move: Move, by: User, **given: Any) -> Callable[[], Any]:
        return lambda: services.move(
            order_id=order.pk, move=move, by=fresh(by), door="web", now=LATER, **given
        )

    results = at_once(
        act(Move.FINISH, cast.bo, finding="a", measures="b"),
        act(Move.CANCEL, cast.di, note=REASON),
    )

    won = [result for result in results if isinstance(result, services.Moved)]
    lost = [result for result in results if isinstance(result, Changed | MoveRefused)]
    assert (len(won), len(lost)) == (1, 1)
    order.refresh_from_db()
    assert order.state == won[0].order.state


@pytest.mark.parametrize("_round", range(3))
def test_of_two_who_make_an_order_of_one_alarm_one_wins(_round: int) -> None:
    cast = people()
    alarm = make_alarm(site=cast.site, handling=Handling.VERIFIED)

    def create(by: User) -> Callable[[], Any]:
        return lambda: services.create(
            site=cast.site, by=fresh(by), alarm_id=alarm.pk, seen="verified", **facts_of()
        )

    results = at_once(create(cast.di), create(cast.ana))

    assert sorted(type(result).__name__ for result in results) == ["Changed", "WorkOrder"]
    assert WorkOrder.objects.filter(alarm=alarm).count() == 1
    assert Alarm.objects.get(pk=alarm.pk).handling == Handling.IN_ORDER
    assert alarm.log.filter(move="create_order").count() == 1


def test_numbers_of_orders_made_at_once_are_all_different() -> None:
    cast = people()

    def create() -> WorkOrder:
        return services.create(site=cast.site, by=fresh(cast.di), **facts_of())

    orders = at_once(*[create] * 6)

    assert sorted(order.number[-4:] for order in orders) == [f"{n:04d}" for n in range(1, 7)]

"""When planned work is due: a calendar without a zone."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workorders.rules.recurrence import LAST_DAY, Schedule
from workorders.states import Recurrence


def schedule(recurrence: Recurrence, first: date, **facts: Any) -> Schedule:
    defaults: dict[str, Any] = {"every": 1, "ends_on": None, "days_to_do": 1, "lead_days": 7}
    return Schedule(recurrence=recurrence, first_due_on=first, **defaults | facts)


def test_the_thirty_first_is_the_last_day_of_shorter_months_and_comes_back() -> None:
    plan = schedule(Recurrence.MONTHLY, date(2026, 12, 31))

    assert plan.next_days(first=date(2026, 12, 1), limit=5) == [
        date(2026, 12, 31),
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
    ]
    assert plan.next_days(first=date(2028, 2, 1), limit=1) == [date(2028, 2, 29)]


def test_every_third_month_and_every_second_week() -> None:
    quarterly = schedule(Recurrence.MONTHLY, date(2026, 11, 30), every=3)
    fortnightly = schedule(Recurrence.WEEKLY, date(2026, 11, 30), every=2)

    assert quarterly.next_days(first=date(2027, 1, 1), limit=3) == [
        date(2027, 2, 28),
        date(2027, 5, 30),
        date(2027, 8, 30),
    ]
    assert fortnightly.next_days(first=date(2026, 12, 1), limit=2) == [
        date(2026, 12, 14),
        date(2026, 12, 28),
    ]


def test_once_is_once_and_an_end_is_kept() -> None:
    once = schedule(Recurrence.ONCE, date(2026, 11, 30))
    ending = schedule(Recurrence.WEEKLY, date(2026, 11, 2), ends_on=date(2026, 11, 16))

    assert once.next_days(first=date(2026, 1, 1), limit=9) == [date(2026, 11, 30)]
    assert once.next_days(first=date(2026, 12, 1), limit=9) == []
    assert ending.next_days(first=date(2026, 1, 1), limit=9)[-1] == date(2026, 11, 16)


def test_lead_time_and_days_to_do_reach_back_from_the_due_day() -> None:
    plan = schedule(Recurrence.ONCE, date(2026, 11, 30), days_to_do=3, lead_days=7)

    assert plan.starts_on(date(2026, 11, 30)) == date(2026, 11, 28)
    assert plan.generated_on(date(2026, 11, 30)) == date(2026, 11, 21)
    assert plan.horizon(date(2026, 11, 21)) == date(2026, 11, 30)
    assert plan.horizon(date(2026, 11, 20)) == date(2026, 11, 29)


def test_it_ends_for_the_farthest_day_of_all() -> None:
    plan = schedule(Recurrence.MONTHLY, date(2199, 11, 30), every=60)

    assert plan.next_days(first=date(2199, 1, 1), limit=9) == [date(2199, 11, 30)]
    assert list(plan.due_days(first=LAST_DAY, last=date.max)) == []


days = st.dates(date(2020, 1, 1), date(2040, 1, 1))


@settings(max_examples=150, deadline=None)
@given(
    recurrence=st.sampled_from(list(Recurrence)),
    anchor=days,
    every=st.integers(1, 60),
    first=days,
    span=st.integers(0, 800),
)
def test_any_window_shows_the_same_days_as_the_whole(
    recurrence: Recurrence, anchor: date, every: int, first: date, span: int
) -> None:
    plan = schedule(recurrence, anchor, every=every)
    last = first + timedelta(days=span)

    found = list(plan.due_days(first=first, last=last))

    whole = [d for d in plan.due_days(first=date(2020, 1, 1), last=last) if d >= first]
    assert found == whole
    assert found == sorted(set(found))
    assert all(plan.has(day) for day in found)
    if recurrence == Recurrence.WEEKLY:
        assert all((day - anchor).days % (7 * every) == 0 for day in found)

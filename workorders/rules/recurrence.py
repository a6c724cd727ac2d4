"""When planned work is due: days of a calendar, without a zone. Pure."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, islice, takewhile

from workorders.states import Recurrence

# No due day after this one, so that reckoning ends for every input.
LAST_DAY = date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan's calendar. `ends_on`, when given, is the last day on which work may be due."""

    recurrence: Recurrence
    every: int
    first_due_on: date
    ends_on: date | None
    days_to_do: int
    lead_days: int

    def starts_on(self, due_on: date) -> date:
        """The first day of work that is due on a day."""
        return due_on - timedelta(days=self.days_to_do - 1)

    def generated_on(self, due_on: date) -> date:
        """The day from which on the task exists."""
        return self.starts_on(due_on) - timedelta(days=self.lead_days)

    def horizon(self, today: date) -> date:
        """The last due day whose task exists today."""
        return today + timedelta(days=self.lead_days + self.days_to_do - 1)

    def _nth(self, n: int) -> date:
        if self.recurrence == Recurrence.WEEKLY:
            return self.first_due_on + timedelta(weeks=n * self.every)
        return months_after(self.first_due_on, n * self.every)

    def due_days(self, *, first: date, last: date) -> Iterator[date]:
        """Due days from first to last, both included, ascending."""
        last = min(last, self.ends_on or LAST_DAY, LAST_DAY)
        if self.recurrence == Recurrence.ONCE:
            yield from (d for d in (self.first_due_on,) if first <= d <= last)
            return
        numbers = count(self._rank_before(first))
        for due_on in takewhile(lambda day: day <= last, map(self._nth, numbers)):
            if due_on >= first:
                yield due_on

    def next_days(self, *, first: date, limit: int) -> list[date]:
        """The first due days from a day on."""
        return list(islice(self.due_days(first=first, last=LAST_DAY), limit))

    def has(self, day: date) -> bool:
        """Whether work is due on the day."""
        return any(self.due_days(first=day, last=day))

    def _rank_before(self, first: date) -> int:
        """A number of an occurrence that is not after `first`, so that old plans start quickly."""
        if first <= self.first_due_on:
            return 0
        if self.recurrence == Recurrence.WEEKLY:
            return (first - self.first_due_on).days // (7 * self.every)
        months = (first.year - self.first_due_on.year) * 12
        months += first.month - self.first_due_on.month
        return max(0, months // self.every - 1)


def months_after(day: date, months: int) -> date:
    """The same day so many months later; in a shorter month its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > LAST_DAY.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))

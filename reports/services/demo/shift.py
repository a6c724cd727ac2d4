"""The desk in the demo's past: what its people did about every alarm, by the real services."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from alarms import services
from alarms.models import Alarm
from alarms.states import Condition, Handling, Severity, Verdict
from reports.services.demo.agenda import Agenda
from reports.services.demo.document import Demo
from reports.services.demo.incidents import LOCAL
from reports.services.demo.orders import Orders
from reports.services.demo.words import of_rule, one_of
from sites.models import User

# How many of a severity become work orders, are put aside, or turn out false.
ORDERED = {Severity.CRITICAL: 0.95, Severity.MAJOR: 0.6, Severity.MINOR: 0.17, Severity.INFO: 0.0}
IGNORED = {Severity.CRITICAL: 0.0, Severity.MAJOR: 0.05, Severity.MINOR: 0.14, Severity.INFO: 0.12}
FALSE_SHARE, COMMENTED = 0.06, 0.16
# Of the alarms of so many last hours one is put aside until the next day.
ASIDE_H = 9.5
# Minutes until somebody has looked.
LOOKED = {
    Severity.CRITICAL: (0.6, 2.5),
    Severity.MAJOR: (1.2, 6.0),
    Severity.MINOR: (4.0, 35.0),
    Severity.INFO: (10.0, 70.0),
}


class Shift:
    """Takes each alarm that comes up and puts what is done about it on the agenda."""

    def __init__(self, *, demo: Demo, agenda: Agenda, orders: Orders) -> None:
        self._demo = demo
        self._agenda = agenda
        self._orders = orders
        self._random = Random(demo.seed + 1)  # noqa: S311 - nothing secret
        self._seen = 0
        self._has_put_aside = False

    def look(self) -> int:
        """Take the alarms that came up since the last look; how many there were."""
        mine = Alarm.objects.filter(pk__gt=self._seen, site__in=self._demo.sites)
        fresh = mine.select_related("rule", "site__team")
        alarms = list(fresh.order_by("severity_rank", "raised_at", "pk"))
        faulty: set[int] = set()
        for alarm in alarms:
            self._seen = max(self._seen, alarm.pk)
            # Of one fault the worst alarm is worked on, the others are only looked at.
            self._take(alarm, is_worst=alarm.device_id not in faulty)
            if alarm.device_id is not None:
                faulty.add(alarm.device_id)
        return len(alarms)

    def _take(self, alarm: Alarm, *, is_worst: bool) -> None:
        severity = Severity(alarm.severity)
        low, high = LOOKED[severity]
        patience = self._random.triangular(low, high, low + (high - low) / 4)
        if not 7 <= (alarm.raised_at + LOCAL).hour < 22 and severity == Severity.INFO:
            patience *= 4
        at = alarm.raised_at + timedelta(minutes=patience)
        chance = self._random.random()
        if self._is_to_be_put_aside(alarm):
            self._has_put_aside = True
            self._agenda.add(at, self._ignore(alarm, hours=24))
        elif is_worst and chance < IGNORED[severity]:
            self._agenda.add(at, self._ignore(alarm, hours=self._random.choice((2, 4, 8, 12, 24))))
        else:
            self._agenda.add(at, self._verify(alarm, may_order=is_worst))
        if self._random.random() < COMMENTED:
            later = at + timedelta(minutes=self._random.uniform(2, 25))
            self._agenda.add(later, self._comment(alarm))

    def _is_to_be_put_aside(self, alarm: Alarm) -> bool:
        begin = self._demo.now - timedelta(hours=ASIDE_H)
        is_of_late = begin < alarm.raised_at < self._demo.now - timedelta(hours=1)
        return is_of_late and alarm.severity == Severity.MINOR and not self._has_put_aside

    def desk(self, alarm: Alarm, at: datetime) -> User:
        """Who sits at the desk of the alarm's company."""
        if alarm.site.team == self._demo.teams["other"]:
            return self._demo.users["outsider"]
        hour = (at + LOCAL).hour
        if not 7 <= hour < 23:
            return self._demo.users["english"]
        return self._demo.users["dispatcher" if 7 <= hour < 16 else "dispatcher2"]

    def _verify(self, alarm: Alarm, *, may_order: bool = True) -> Callable[[datetime], None]:
        key, severity = alarm.rule.key, Severity(alarm.severity)
        is_false = self._random.random() < FALSE_SHARE
        is_work = key == "DOOR" and self._random.random() < 0.6
        verdict = Verdict.FALSE if is_false else Verdict.MAINTENANCE if is_work else Verdict.REAL
        cause = (
            one_of("false_alarms", self._random)
            if is_false
            else of_rule("causes", key, self._random)
        )
        is_ordered = may_order and not is_false and self._random.random() < ORDERED[severity]

        def act(at: datetime) -> None:
            by = self.desk(alarm, at)
            services.verify(
                alarm_id=alarm.pk, verdict=verdict, cause=cause, by=by, door="web", now=at
            )
            if is_ordered:
                soon = at + timedelta(minutes=self._random.uniform(1, 8))
                self._agenda.add(soon, self._order(alarm))
            else:
                self._archive_later(alarm, at)

        return act

    def _ignore(self, alarm: Alarm, *, hours: int) -> Callable[[datetime], None]:
        note = one_of("ignore_reasons", self._random)

        def act(at: datetime) -> None:
            services.ignore(
                alarm_id=alarm.pk,
                until=at + timedelta(hours=hours),
                note=note,
                by=self.desk(alarm, at),
                door="web",
                now=at,
            )
            self._archive_later(alarm, at + timedelta(hours=hours))

        return act

    def _comment(self, alarm: Alarm) -> Callable[[datetime], None]:
        note = one_of("comments", self._random)

        def act(at: datetime) -> None:
            services.comment(
                alarm_id=alarm.pk, note=note, by=self.desk(alarm, at), door="web", now=at
            )

        return act

    def _order(self, alarm: Alarm) -> Callable[[datetime], None]:
        def act(at: datetime) -> None:
            fresh = Alarm.objects.select_related("rule", "site__team", "device").get(pk=alarm.pk)
            if fresh.handling == Handling.VERIFIED:
                self._orders.from_alarm(
                    alarm=fresh,
                    by=self.desk(alarm, at),
                    at=at,
                    closed=lambda end: self._archive_later(alarm, end),
                )

        return act

    def _archive_later(self, alarm: Alarm, at: datetime) -> None:
        """Some time after it has recovered, which nobody knows yet."""
        later = at + timedelta(minutes=self._random.uniform(15, 90))
        self._agenda.add(later, self._archive(alarm))

    def _archive(self, alarm: Alarm) -> Callable[[datetime], None]:
        note = one_of("archive_notes", self._random)

        def act(at: datetime) -> None:
            fresh = Alarm.objects.get(pk=alarm.pk)
            if fresh.handling == Handling.UNVERIFIED:
                # Its time aside was over while it was still active: somebody looks again.
                self._agenda.add(at + timedelta(minutes=3), self._verify(alarm))
            elif fresh.handling != Handling.ARCHIVED:
                is_over = fresh.condition == Condition.RECOVERED
                if not is_over or (fresh.recovered_at or at) > at - timedelta(minutes=4):
                    self._archive_later(alarm, at)
                    return
                by = self.desk(alarm, at)
                services.archive(alarm_id=alarm.pk, note=note, by=by, door="web", now=at)

        return act

"""What the bell shows: alarms that wait for a look, one's overdue work, one's finished jobs.

And, for those who maintain the platform: samples that had to be given up, that its own alarms have
no site yet, and what is not well with collecting."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alarms.models import Alarm
from alarms.states import Severity
from devices.models import SampleLoss, StoragePlan
from reports.selectors import collection
from sites.models import Job, User
from workorders.models import Task, WorkOrder

MOST = 8
JOBS_FOR = timedelta(days=1)
LOSSES_FOR = timedelta(days=7)


@dataclass(slots=True)
class Notices:
    """Alarms newest first with whether they came after the person last looked; work by due time."""

    alarms: list[tuple[Alarm, bool]] = field(default_factory=list)
    alarm_count: int = 0
    orders: list[WorkOrder] = field(default_factory=list)
    order_count: int = 0
    tasks: list[Task] = field(default_factory=list)
    task_count: int = 0
    jobs: list[Job] = field(default_factory=list)
    losses: list[SampleLoss] = field(default_factory=list)
    is_unwatched: bool = False
    troubles: list[collection.Trouble] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        of_people = self.alarms or self.orders or self.tasks or self.jobs
        return not (of_people or self.losses or self.troubles or self.is_unwatched)

    @property
    def new_alarms(self) -> int:
        """How many of the alarms shown came after the person last looked."""
        return sum(is_new for _alarm, is_new in self.alarms)


def notices(*, user: User, now: datetime) -> Notices:
    """Unverified critical and major alarms, the person's open work past due, jobs of the last day."""
    alarms = (
        Alarm.objects.visible_to(user)
        .to_handle()
        .filter(severity__in=[Severity.CRITICAL, Severity.MAJOR])
        .order_by("-last_raised_at", "-pk")
    )
    orders = WorkOrder.objects.visible_to(user).overdue(now).filter(assignee=user)
    tasks = Task.objects.visible_to(user).overdue(now).filter(assignee=user)
    jobs = Job.objects.visible_to(user).filter(finished_at__gt=now - JOBS_FOR)
    seen_at = user.notices_seen_at
    # A shard's samples, and the disk, are those of many sites.
    is_operator = collection.may_operate(user)
    is_watched = StoragePlan.current().site_id is not None if is_operator else True
    return Notices(
        alarms=[
            (alarm, seen_at is None or alarm.last_raised_at > seen_at)
            for alarm in alarms.with_place()[:MOST]
        ],
        alarm_count=alarms.count(),
        orders=list(orders.with_place().order_by("due_at")[:MOST]),
        order_count=orders.count(),
        tasks=list(tasks.with_place().order_by("due_at")[:MOST]),
        task_count=tasks.count(),
        jobs=list(jobs.order_by("-finished_at")[:MOST]),
        losses=_losses(now) if is_operator else [],
        is_unwatched=not is_watched,
        troubles=_troubles(now, is_watched=is_watched) if is_operator else [],
    )


def _losses(now: datetime) -> list[SampleLoss]:
    return list(SampleLoss.objects.filter(noted_at__gt=now - LOSSES_FOR)[:MOST])


def _troubles(now: datetime, *, is_watched: bool) -> list[collection.Trouble]:
    """What is not well with collecting, without what is an alarm already."""
    found = collection.last_report(now=now).troubles
    return [one for one in found if not (is_watched and one.is_alarmed)][:MOST]

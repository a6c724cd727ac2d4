"""Running one job: its heart beats beside the work, on a connection of its own."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

import pghistory
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core.errors import DomainError, Invalid
from sites.models import Job
from sites.services import jobs
from sites.services.jobs import Outcome, Refused
from sites.states import JOB, JobMove, JobState

logger = logging.getLogger(__name__)

BEAT_S = 1.0
Clock = Callable[[], datetime]


class Stopped(Exception):
    """The owner cancelled the job, or it was given up for dead: its work is undone."""


class Pulse(threading.Thread):
    """Writes progress and heartbeat each second, and listens whether the job is still wanted.

    The work runs in a transaction that nobody else sees; hence a connection of its own.
    """

    def __init__(self, job_id: int, *, clock: Clock) -> None:
        super().__init__(daemon=True)
        self.job_id, self.clock = job_id, clock
        self.done, self.total, self.phase = 0, 0, ""
        self.is_unwanted = False
        self._ended = threading.Event()

    def tell(self, done: int, total: int, phase: str) -> None:
        """How far the work is. Raises Stopped when nobody wants it any more."""
        self.done, self.total, self.phase = done, total, phase
        if self.is_unwanted:
            raise Stopped

    def run(self) -> None:
        try:
            while not self._ended.wait(BEAT_S):
                self.beat()
        finally:
            connection.close()

    def beat(self) -> None:
        """One heartbeat; a database that is away is waited for."""
        mine = Job.objects.filter(pk=self.job_id)
        running = Q(state=JobState.RUNNING, cancel_asked_at__isnull=True)
        try:
            mine.filter(state=JobState.RUNNING).update(
                heartbeat_at=self.clock(), done=self.done, total=self.total, phase=self.phase
            )
            is_unwanted = mine.exclude(running).exists()
        except DatabaseError:
            logger.warning("job.no_heartbeat job=%s", self.job_id)
            return
        self.is_unwanted = is_unwanted

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self.join()


def run_job(*, job_id: int, clock: Clock = timezone.now) -> bool:
    """Do a waiting job; False when it is not waiting any more, so that a second message is nothing.

    The work and the job's end are one transaction: what is done is told, what failed left nothing.
    """
    edge = JOB.edge(JobState.WAITING, JobMove.START)
    now = clock()
    if not Job.objects.filter(pk=job_id, state=edge.source).update(
        state=edge.target, started_at=now, heartbeat_at=now
    ):
        return False
    job = Job.objects.select_related("owner").get(pk=job_id)
    context = pghistory.context(user=job.owner_id, door="job", job=job.pk)
    with translation.override(job.owner.language), context:
        _do(job, clock)
    logger.info("job.ended job=%s kind=%s", job.pk, job.kind)
    return True


def _do(job: Job, clock: Clock) -> None:
    try:
        with Pulse(job.pk, clock=clock) as pulse, transaction.atomic():
            outcome = _work(job, pulse)
            _count(job, pulse)
            if not jobs.end(job_id=job.pk, move=JobMove.FINISH, now=clock(), outcome=outcome):
                raise Stopped
    except Stopped:
        jobs.end(job_id=job.pk, move=JobMove.CANCEL, now=clock())
    except Refused as refusal:
        _fail(job, clock, refusal.outcome)
    except DomainError as refusal:
        _fail(job, clock, Outcome(_sentence(refusal)))
    except BaseException:
        _fail(job, clock, Outcome(_("执行时发生内部错误，没有保存任何内容。请联系管理员。")))
        raise


def _work(job: Job, pulse: Pulse) -> Outcome:
    work = jobs.work_of(job.kind)
    if work is None:
        raise DomainError(_("此类任务已不再支持。"))
    return work.run(job, pulse.tell)


def _count(job: Job, pulse: Pulse) -> None:
    """The last figures, which no heartbeat may have written yet."""
    Job.objects.filter(pk=job.pk).update(
        done=pulse.total, total=pulse.total, phase=pulse.phase, heartbeat_at=pulse.clock()
    )


def _fail(job: Job, clock: Clock, outcome: Outcome) -> None:
    jobs.end(job_id=job.pk, move=JobMove.FAIL, now=clock(), outcome=outcome)


def _sentence(refusal: DomainError) -> str:
    fields = refusal.fields if isinstance(refusal, Invalid) else {}
    return " ".join(text for texts in fields.values() for text in texts) or str(refusal)

"""Background jobs: asked for, cancelled, looked after. What a job does is registered by its app."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import IO, Any
from uuid import uuid4

from celery import current_app
from django.core.files import File
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from core.errors import Invalid, MoveRefused
from sites import selectors
from sites.models import Job, User
from sites.states import JOB, JobMove, JobState

logger = logging.getLogger(__name__)

TASK = "sites.tasks.run_job"
MOST_OPEN = 5
HEART_STOPS_AFTER = timedelta(seconds=60)
# A message may be lost with the broker: the sweep sends another one.
SENT_AGAIN_AFTER = timedelta(seconds=60)
WAITS_AT_MOST = timedelta(hours=24)
FILES_ARE_KEPT = timedelta(days=7)
ROWS_ARE_KEPT = timedelta(days=90)

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job. content: the result file, '' for none; facts: for the kind's page.

    file: the result file in place of content, when it is too large for the memory.
    """

    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""
    file_name: str = ""
    file: IO[bytes] | None = None


class Refused(Exception):
    """The work was looked at and not done; nothing is kept but the outcome."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.message)


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of job. label: its name for people (lazy); part: the template of its outcome.

    run: gets the job and a function that tells (done, total, phase) and stops the work when the
    owner cancelled it; it runs in one transaction, in the owner's language.
    """

    kind: str
    label: Any
    run: Callable[[Job, Progress], Outcome]
    part: str = ""


_works: dict[str, Work] = {}


def register(work: Work) -> None:
    """Make a kind known; called once by the app that can do it."""
    _works[work.kind] = work


def work_of(kind: str) -> Work | None:
    """The kind's work; None when no app knows it any more."""
    return _works.get(kind)


def submit_job(
    *,
    kind: str,
    owner: User,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    file: IO[bytes] | None = None,
    file_name: str = "",
) -> Job:
    """Ask for a piece of work; it starts after the transaction, when a worker is free.

    file: what the work reads, kept as long as the result. Raises Invalid when the person has too
    many unfinished ones.
    """
    if Job.objects.filter(owner=owner).open().count() >= MOST_OPEN:
        text = _("您已有 %(limit)d 个未完成的后台任务，请等待其完成或取消。")
        raise Invalid(text % {"limit": MOST_OPEN})
    job = Job(kind=kind, owner=owner, created_at=now, facts=dict(facts or {}))
    if file is not None:
        job.source_name = PurePath(file_name).name[-200:]
        suffix = PurePath(job.source_name).suffix.lower()[:8]
        job.source.save(f"{uuid4().hex}{suffix}", File(file), save=False)
    try:
        job.save(force_insert=True)
    except BaseException:
        job.source.delete(save=False)
        raise
    transaction.on_commit(lambda: send(job.pk, expires_s=int(WAITS_AT_MOST.total_seconds())))
    logger.info("job.submitted job=%s kind=%s owner=%s", job.pk, kind, owner.pk)
    return job


def send(job_id: int, *, expires_s: int) -> None:
    """Tell the workers; a broker that is away is made up for by the sweep."""
    try:
        current_app.send_task(TASK, kwargs={"job_id": job_id}, expires=expires_s, retry=False)
    except OperationalError:
        logger.warning("job.not_sent job=%s", job_id)


def cancel_job(*, job_id: int, by: User, now: datetime) -> Job:
    """Stop a job: a waiting one at once, a running one at its next step; nothing of it is kept.

    Raises NotFound when it is not the person's, MoveRefused when it has ended.
    """
    job = selectors.job_for(user=by, pk=job_id)
    JOB.edge(job.state, JobMove.CANCEL)
    if not end(job_id=job.pk, move=JobMove.CANCEL, now=now, only=JobState.WAITING):
        asked = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
        if not asked.update(cancel_asked_at=now):
            raise MoveRefused(state=job.state, move=JobMove.CANCEL.value)
    job.refresh_from_db()
    return job


def end(
    *,
    job_id: int,
    move: JobMove,
    now: datetime,
    outcome: Outcome | None = None,
    only: JobState = JobState.RUNNING,
) -> bool:
    """Compare and swap out of state `only` by a move that ends; False when somebody was first."""
    edge = JOB.edge(only.value, move)
    outcome = outcome or Outcome("")
    kept = Job(result_name=outcome.file_name)
    if outcome.content or outcome.file:
        suffix = PurePath(outcome.file_name).suffix
        file = File(outcome.file) if outcome.file else ContentFile(outcome.content)
        kept.result.save(f"{uuid4().hex}{suffix}", file, save=False)
    moved = 0
    try:
        moved = Job.objects.filter(pk=job_id, state=only).update(
            state=edge.target,
            finished_at=now,
            expires_at=now + FILES_ARE_KEPT,
            message=outcome.message,
            outcome=dict(outcome.facts),
            result=kept.result.name or "",
            result_name=outcome.file_name,
        )
    finally:
        if not moved and kept.result:
            kept.result.delete(save=False)
    return bool(moved)


def sweep_jobs(*, now: datetime) -> None:
    """What died is failed and says so, what was lost is sent again, what is old goes."""
    silent = Q(state=JobState.RUNNING, heartbeat_at__lt=now - HEART_STOPS_AFTER)
    forgotten = Q(state=JobState.WAITING, created_at__lt=now - WAITS_AT_MOST)
    for job in Job.objects.filter(silent | forgotten).select_related("owner"):
        with translation.override(job.owner.language):
            text = _("执行进程中断，任务没有完成，也没有保存任何内容。请重新发起。")
            end(
                job_id=job.pk,
                move=JobMove.FAIL,
                now=now,
                outcome=Outcome(text),
                only=JobState(job.state),
            )
        logger.warning("job.lost job=%s state=%s", job.pk, job.state)
    waiting = Job.objects.filter(state=JobState.WAITING, created_at__lt=now - SENT_AGAIN_AFTER)
    for pk in waiting.values_list("pk", flat=True):
        send(pk, expires_s=int(SENT_AGAIN_AFTER.total_seconds()))
    _clear(now=now)


def _clear(*, now: datetime) -> None:
    for job in Job.objects.filter(expires_at__lt=now).exclude(source="", result=""):
        for kept in (job.source, job.result):
            if kept:
                kept.delete(save=False)
        Job.objects.filter(pk=job.pk).update(source="", result="")
    Job.objects.filter(finished_at__lt=now - ROWS_ARE_KEPT).delete()

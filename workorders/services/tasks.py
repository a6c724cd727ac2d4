"""Tasks by hand, remarks on tasks, and changes of what an open task says."""

import logging
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from alarms.rules.texts import text
from core.errors import Invalid, MoveRefused
from core.time import local_day
from sites import selectors as site_selectors
from sites import services as site_services
from sites.models import Site, User
from sites.rules import Ability
from workorders import rules, selectors
from workorders.models import Task, TaskLog
from workorders.services import journal
from workorders.services.generating import PREFIX, due_at
from workorders.states import TASK_LIFE

logger = logging.getLogger(__name__)


@transaction.atomic
def create_task(  # noqa: PLR0913
    *,
    site: Site,
    title: str,
    due_on: date,
    by: User,
    door: str,
    now: datetime,
    title_en: str = "",
    instructions: str = "",
    starts_on: date | None = None,
) -> Task:
    """A task by hand, for the site's team. Days are the site's; work may begin today if not given.

    Raises Forbidden without the ability to give out tasks on the site, Invalid for a due day that
    is past or further than five years, a first day after it, or texts that cannot be kept.
    """
    site_selectors.require(user=by, ability=Ability.ASSIGN_TASK, site=site)
    _check_due(due_on, site, now)
    starts_on = starts_on or local_day(now, site.timezone)
    if starts_on > due_on:
        raise Invalid(fields={"starts_on": [_("可开始日期不能晚于到期日。")]})
    task = Task(
        site=site,
        team=site.team,
        title=text(title, field="title", limit=rules.TITLE_LENGTH, is_required=True),
        title_en=text(title_en, field="title_en", limit=rules.TITLE_LENGTH),
        instructions=text(instructions, field="instructions"),
        state=TASK_LIFE.initial,
        starts_on=starts_on,
        due_on=due_on,
        due_at=due_at(due_on, site.timezone),
        created_by=by,
        created_at=now,
        moved_at=now,
        updated_at=now,
    )
    day = local_day(now, site.timezone)
    task.number = site_services.take_numbers(prefix=PREFIX, day=day)[0]
    task.save(force_insert=True)
    facts = {"due_on": due_on.isoformat()}
    journal.write(task, "created", by=by, door=door, now=now, facts=facts)
    journal.announce(task, "created")
    logger.info("task.created number=%s site=%s by=%s", task.number, site.pk, by.pk)
    return task


def _check_due(due_on: date, site: Site, now: datetime) -> None:
    today = local_day(now, site.timezone)
    if due_on < today:
        raise Invalid(fields={"due_on": [_("到期日不能早于今天。")]})
    if due_on - today > rules.LATEST_DUE:
        raise Invalid(fields={"due_on": [_("到期日不能晚于五年之后。")]})


@transaction.atomic
def add_task_note(*, task_id: int, note: str, by: User, door: str, now: datetime) -> TaskLog:
    """Add a remark to a task in any state.

    Raises NotFound, Forbidden without the ability to comment, Invalid for an empty note.
    """
    task = selectors.task_for(user=by, pk=task_id, ability=Ability.COMMENT)
    note = text(note, field="note", is_required=True)
    row: TaskLog = journal.write(task, "note", by=by, door=door, now=now, note=note)
    Task.objects.filter(pk=task_id).update(updated_at=now)
    journal.announce(task, "noted")
    return row


@transaction.atomic
def edit_task(  # noqa: PLR0913
    *,
    task_id: int,
    by: User,
    door: str,
    now: datetime,
    seen: str = "",
    title: str | None = None,
    title_en: str | None = None,
    instructions: str | None = None,
    due_on: date | None = None,
) -> Task:
    """Change what an open task says; what is None stays. Old and new values go on record.

    Raises NotFound, Forbidden without the ability to give out tasks, Changed, MoveRefused when the
    task is done or cancelled, and Invalid.
    """
    selectors.task_for(user=by, pk=task_id, ability=Ability.ASSIGN_TASK)
    task = Task.objects.select_for_update(of=("self",)).select_related("site").get(pk=task_id)
    if seen and seen not in {task.seen, task.state}:
        raise journal.changed(task)
    if not task.is_open:
        raise MoveRefused(_("任务已结束，不能再修改。"), state=task.state)
    wanted: dict[str, Any] = {}
    if title is not None:
        wanted["title"] = text(title, field="title", limit=rules.TITLE_LENGTH, is_required=True)
    if title_en is not None:
        wanted["title_en"] = text(title_en, field="title_en", limit=rules.TITLE_LENGTH)
    if instructions is not None:
        wanted["instructions"] = text(instructions, field="instructions")
    if due_on is not None and due_on != task.due_on:
        wanted |= _moved_to(task, due_on, now)
    return _write(task, wanted, by=by, door=door, now=now)


def _moved_to(task: Task, due_on: date, now: datetime) -> dict[str, Any]:
    """The columns of another due day; the days to do stay as many."""
    _check_due(due_on, task.site, now)
    shift: timedelta = due_on - task.due_on
    return {
        "due_on": due_on,
        "due_at": due_at(due_on, task.site.timezone),
        "starts_on": task.starts_on + shift,
    }


def _write(task: Task, wanted: dict[str, Any], *, by: User, door: str, now: datetime) -> Task:
    news = {name: value for name, value in wanted.items() if getattr(task, name) != value}
    if not news:
        raise Invalid(_("没有需要保存的修改。"))
    told = {name: value for name, value in news.items() if name != "due_at"}
    facts = {name: [str(getattr(task, name)), str(value)] for name, value in told.items()}
    for name, value in news.items():
        setattr(task, name, value)
    task.updated_at = now
    task.save(update_fields=[*news, "updated_at"])
    journal.write(task, "edit", by=by, door=door, now=now, facts=facts)
    journal.announce(task, "edited")
    return selectors.task_for(user=by, pk=task.pk)

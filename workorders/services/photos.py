"""Add pictures to an order or a task."""

import logging
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from alarms.rules.texts import text
from core import pictures
from core.errors import Invalid, MoveRefused
from sites.models import User
from sites.rules import Ability
from workorders import rules, selectors
from workorders.models import Photo, Task, TaskPhoto, WorkOrder
from workorders.services import journal

logger = logging.getLogger(__name__)

MAX_PHOTOS = 50
_ENDED = {
    WorkOrder: _("工单已结束，不能再添加照片。"),
    Task: _("任务已结束，不能再添加照片。"),
}
_FULL = {
    WorkOrder: _("每张工单最多 %(limit)d 张照片。"),
    Task: _("每项任务最多 %(limit)d 张照片。"),
}


def add_photo(
    *, order_id: int, file: File, caption: str, by: User, door: str, now: datetime
) -> Photo:
    """Keep a picture of an open order, encoded anew by us.

    The files are written before the transaction and removed when it fails; their names are random.
    Raises NotFound, Forbidden without the ability to comment, MoveRefused when the order is closed
    or cancelled, Invalid for a file that is no usable picture or too large.
    """
    order = selectors.order_for(user=by, pk=order_id, ability=Ability.COMMENT)
    photo = Photo(order_id=order_id, caption=_caption(caption), by=by, at=now)
    _store(photo, order, file, door=door, now=now)
    logger.info("order.photo order=%s photo=%s by=%s", order_id, photo.pk, by.pk)
    return photo


def add_task_photo(
    *, task_id: int, file: File, caption: str, by: User, door: str, now: datetime
) -> TaskPhoto:
    """Keep a picture of an open task, as of an order."""
    task = selectors.task_for(user=by, pk=task_id, ability=Ability.COMMENT)
    photo = TaskPhoto(task_id=task_id, caption=_caption(caption), by=by, at=now)
    _store(photo, task, file, door=door, now=now)
    logger.info("task.photo task=%s photo=%s by=%s", task_id, photo.pk, by.pk)
    return photo


def _caption(caption: str) -> str:
    return text(caption, field="caption", limit=rules.CAPTION_LENGTH)


def _store(
    photo: Photo | TaskPhoto, work: journal.OrderOrTask, file: File, *, door: str, now: datetime
) -> None:
    """Write the files, then the row; without the row no file stays."""
    _check_open(work)
    picture = pictures.encode(file)
    name = uuid4().hex
    try:
        photo.image.save(f"{name}.jpg", ContentFile(picture.image), save=False)
        photo.thumbnail.save(f"{name}-s.jpg", ContentFile(picture.thumbnail), save=False)
        photo.width_px, photo.height_px = picture.width_px, picture.height_px
        _keep(photo, work, door=door, now=now)
    except BaseException:
        for kept in (photo.image, photo.thumbnail):
            if kept:
                kept.delete(save=False)
        raise


def _check_open(work: journal.OrderOrTask) -> None:
    if not work.is_open:
        raise MoveRefused(str(_ENDED[type(work)]), state=work.state)


@transaction.atomic
def _keep(photo: Photo | TaskPhoto, work: journal.OrderOrTask, *, door: str, now: datetime) -> None:
    """The row, its log row and the news; the work is locked so that it cannot close meanwhile."""
    rows: Any = type(work).objects
    work = rows.select_for_update(of=("self",)).get(pk=work.pk)
    _check_open(work)
    if work.photos.count() >= MAX_PHOTOS:
        raise Invalid(fields={"file": [str(_FULL[type(work)]) % {"limit": MAX_PHOTOS}]})
    photo.save(force_insert=True)
    facts = {"photo": photo.pk, "caption": photo.caption}
    journal.write(work, "photo", by=photo.by, door=door, now=now, facts=facts)
    rows.filter(pk=work.pk).update(updated_at=now)
    journal.announce(work, "photo")

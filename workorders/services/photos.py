"""Add pictures to an order or a task."""

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils.translation import gettext as _

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


def add_photo(
    *, order_id: int, file: File, caption: str, by: User, door: str, now: datetime
) -> Photo:
    """Keep a picture of an open order, encoded anew by us.

    The files are written before the transaction and removed when it fails; their names are random.
    Raises NotFound, Forbidden without the ability to comment, MoveRefused when the order is closed
    or cancelled, Invalid for a file that is no usable picture or too large.
    """
    _check_open(selectors.order_for(user=by, pk=order_id, ability=Ability.COMMENT))
    photo = Photo(order_id=order_id, caption=_caption(caption), by=by, at=now)
    _store(photo, file, lambda: _keep(photo, by=by, door=door, now=now))
    logger.info("order.photo order=%s photo=%s by=%s", order_id, photo.pk, by.pk)
    return photo


def add_task_photo(
    *, task_id: int, file: File, caption: str, by: User, door: str, now: datetime
) -> TaskPhoto:
    """Keep a picture of an open task, as of an order."""
    _check_task_open(selectors.task_for(user=by, pk=task_id, ability=Ability.COMMENT))
    photo = TaskPhoto(task_id=task_id, caption=_caption(caption), by=by, at=now)
    _store(photo, file, lambda: _keep_of_task(photo, by=by, door=door, now=now))
    logger.info("task.photo task=%s photo=%s by=%s", task_id, photo.pk, by.pk)
    return photo


def _caption(caption: str) -> str:
    return text(caption, field="caption", limit=rules.CAPTION_LENGTH)


def _store(photo: Photo | TaskPhoto, file: File, keep: Callable[[], None]) -> None:
    """Write the files, then the row; without the row no file stays."""
    picture = pictures.encode(file)
    name = uuid4().hex
    try:
        photo.image.save(f"{name}.jpg", ContentFile(picture.image), save=False)
        photo.thumbnail.save(f"{name}-s.jpg", ContentFile(picture.thumbnail), save=False)
        photo.width_px, photo.height_px = picture.width_px, picture.height_px
        keep()
    except BaseException:
        for kept in (photo.image, photo.thumbnail):
            if kept:
                kept.delete(save=False)
        raise


def _check_open(order: WorkOrder) -> None:
    if not order.is_open:
        raise MoveRefused(_("工单已结束，不能再添加照片。"), state=order.state)


def _check_task_open(task: Task) -> None:
    if not task.is_open:
        raise MoveRefused(_("任务已结束，不能再添加照片。"), state=task.state)


@transaction.atomic
def _keep(photo: Photo, *, by: User, door: str, now: datetime) -> None:
    """The row, its log row and the news; the order is locked so that it cannot close meanwhile."""
    order = WorkOrder.objects.select_for_update(of=("self",)).get(pk=photo.order_id)
    _check_open(order)
    if order.photos.count() >= MAX_PHOTOS:
        message = _("每张工单最多 %(limit)d 张照片。")
        raise Invalid(fields={"file": [message % {"limit": MAX_PHOTOS}]})
    photo.save(force_insert=True)
    facts = {"photo": photo.pk, "caption": photo.caption}
    journal.write(order, "photo", by=by, door=door, now=now, facts=facts)
    WorkOrder.objects.filter(pk=order.pk).update(updated_at=now)
    journal.announce(order, "photo")


@transaction.atomic
def _keep_of_task(photo: TaskPhoto, *, by: User, door: str, now: datetime) -> None:
    task = Task.objects.select_for_update(of=("self",)).get(pk=photo.task_id)
    _check_task_open(task)
    if task.photos.count() >= MAX_PHOTOS:
        message = _("每项任务最多 %(limit)d 张照片。")
        raise Invalid(fields={"file": [message % {"limit": MAX_PHOTOS}]})
    photo.save(force_insert=True)
    facts = {"photo": photo.pk, "caption": photo.caption}
    journal.write_task(task, "photo", by=by, door=door, now=now, facts=facts)
    Task.objects.filter(pk=task.pk).update(updated_at=now)
    journal.announce_task(task, "photo")

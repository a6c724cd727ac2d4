"""Remarks on an alarm, with pictures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils.translation import gettext as _

from alarms import selectors
from alarms.models import Alarm, AlarmPhoto
from alarms.rules.texts import text
from alarms.services import handling, journal
from alarms.services.journal import Act
from alarms.states import Entry
from core import pictures
from core.errors import Invalid
from core.pictures import Picture
from sites.models import User
from sites.rules import Ability

PHOTOS_AT_ONCE = 4


def comment(  # noqa: PLR0913
    *,
    alarm_id: int,
    note: str,
    by: User | None,
    door: str,
    now: datetime,
    photos: Sequence[File] = (),
) -> Alarm:
    """Add a remark to the log, with pictures encoded anew by us; any handling, archived too.

    A picture may stand without words. The files are written before the transaction and removed
    when it fails; their names are random.
    Raises NotFound, Forbidden, Invalid for the words or a file that is no usable picture.
    """
    if by is not None:
        selectors.alarm_for(user=by, pk=alarm_id, ability=Ability.COMMENT)
    note = text(note, field="note", is_required=not photos)
    if len(photos) > PHOTOS_AT_ONCE:
        words = _("一次最多上传 %(limit)d 张照片。") % {"limit": PHOTOS_AT_ONCE}
        raise Invalid(fields={"photos": [words]})
    encoded = [_encoded(file) for file in photos]
    act = Act(by=by, door=door, now=now)
    with _kept(alarm_id, encoded, by, now) as kept, transaction.atomic():
        for photo in kept:
            photo.save(force_insert=True)
        facts = {"photos": [photo.pk for photo in kept]} if kept else {}
        row = journal.entry_of(
            alarm_id=alarm_id, entry=Entry.COMMENT, act=act, note=note, facts=facts
        )
        return handling.write_down(row, now=now)


def _encoded(file: File) -> Picture:
    try:
        return pictures.encode(file)
    except Invalid as refusal:
        raise Invalid(fields={"photos": refusal.fields.get("file", [str(refusal)])}) from None


@contextmanager
def _kept(
    alarm_id: int, encoded: Sequence[Picture], by: User | None, now: datetime
) -> Iterator[list[AlarmPhoto]]:
    """Photos with their files on disk, without rows; the files go again when the block fails."""
    photos: list[AlarmPhoto] = []
    try:
        for picture in encoded:
            photo = AlarmPhoto(alarm_id=alarm_id, by=by, at=now)
            photos.append(photo)
            name = uuid4().hex
            photo.image.save(f"{name}.jpg", ContentFile(picture.image), save=False)
            photo.thumbnail.save(f"{name}-s.jpg", ContentFile(picture.thumbnail), save=False)
            photo.width_px, photo.height_px = picture.width_px, picture.height_px
        yield photos
    except BaseException:
        for photo in photos:
            for kept in (photo.image, photo.thumbnail):
                if kept:
                    kept.delete(save=False)
        raise

"""Pictures of an exchange of meters: what the displays and the seals showed."""

import logging
from datetime import datetime
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils.translation import gettext as _

from core import pictures
from core.errors import Changed, Invalid
from devices.models import ExchangePhoto, MeterExchange
from sites.models import User

logger = logging.getLogger(__name__)

MOST_PHOTOS = 6


def add_photo(*, exchange: MeterExchange, file: File, by: User, now: datetime) -> ExchangePhoto:
    """Keep a picture of an exchange, encoded anew by us. The gate is the caller's.

    The files are written before the transaction and removed when it fails; their names are random.
    Raises Invalid for a file that is no usable picture or when there are enough, Changed when the
    exchange was undone.
    """
    picture = pictures.encode(file)
    photo = ExchangePhoto(exchange=exchange, by=by, at=now)
    name = uuid4().hex
    try:
        photo.image.save(f"{name}.jpg", ContentFile(picture.image), save=False)
        photo.thumbnail.save(f"{name}-s.jpg", ContentFile(picture.thumbnail), save=False)
        photo.width_px, photo.height_px = picture.width_px, picture.height_px
        _keep(photo)
    except BaseException:
        for kept in (photo.image, photo.thumbnail):
            if kept:
                kept.delete(save=False)
        raise
    logger.info("exchange.photo exchange=%s photo=%s by=%s", exchange.pk, photo.pk, by.pk)
    return photo


@transaction.atomic
def _keep(photo: ExchangePhoto) -> None:
    row = MeterExchange.objects.select_for_update(of=("self",)).get(pk=photo.exchange_id)
    if row.undone_at is not None:
        raise Changed(_("这次换表已撤销。"))
    if row.photos.count() >= MOST_PHOTOS:
        words = _("最多 %(limit)d 张照片。") % {"limit": MOST_PHOTOS}
        raise Invalid(fields={"file": [words]})
    photo.save(force_insert=True)

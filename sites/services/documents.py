"""Keep, take away, bring back and purge files of a site's archive."""

import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import PurePath
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from core import pictures
from core.errors import Invalid
from sites import selectors
from sites.models import Site, SiteDocument, User
from sites.rules import Ability

logger = logging.getLogger(__name__)

MOST_DOCUMENTS = 200
NAME_LENGTH = 160
# What was taken away stays so long.
KEPT = timedelta(days=30)
PICTURES = frozenset({"jpg", "jpeg", "png", "webp"})


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return b"\0" not in content
    return b"\0" not in content


def _starts(*heads: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(heads)


_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# Ending: how the content must look. Whatever a browser would run is not among them.
TYPES: dict[str, Callable[[bytes], bool]] = {
    "pdf": _starts(b"%PDF-"),
    "docx": _starts(_ZIP),
    "xlsx": _starts(_ZIP),
    "pptx": _starts(_ZIP),
    "doc": _starts(_OLE),
    "xls": _starts(_OLE),
    "dwg": _starts(b"AC10"),
    "dxf": _is_text,
    "txt": _is_text,
    "csv": _is_text,
}


def add_document(*, site_id: int, file: File, by: User, now: datetime) -> SiteDocument:
    """Keep a file of a site: a picture encoded anew, a paper as it is.

    Raises NotFound, Forbidden without the ability to manage the site, Invalid for a file of another
    type, one whose content is not what its ending says, an empty or too large one, or one too many.
    """
    site = selectors.site_for(user=by, pk=site_id, ability=Ability.MANAGE_SITE)
    name = clean_name(file.name or "")
    ending = PurePath(name).suffix.lower().lstrip(".")
    document = SiteDocument(site=site, name=name, by=by, at=now)
    if ending in PICTURES:
        _put_picture(document, file)
    else:
        _put_paper(document, file, ending)
    try:
        _keep(document)
    except BaseException:
        for kept in (document.file, document.thumbnail):
            if kept:
                kept.delete(save=False)
        raise
    logger.info("document.add site=%s document=%s by=%s", site_id, document.pk, by.pk)
    return document


def remove_document(*, pk: int, by: User, now: datetime) -> SiteDocument:
    """Take a file away; it can be brought back. Raises NotFound or Forbidden."""
    return _mark(pk=pk, by=by, removed_at=now)


def restore_document(*, pk: int, by: User) -> SiteDocument:
    """Bring back what was taken away. Raises NotFound, Forbidden, Invalid when the site is full."""
    return _mark(pk=pk, by=by, removed_at=None)


def purge_documents(*, now: datetime) -> int:
    """Delete for good what was taken away long ago; how many that were."""
    old = list(SiteDocument.objects.filter(removed_at__lt=now - KEPT))
    for document in old:
        document.delete()
        for kept in (document.file, document.thumbnail):
            if kept:
                kept.delete(save=False)
    return len(old)


def clean_name(given: str) -> str:
    """A file's name as people see it: no path, no control characters, not too long."""
    last = re.split(r"[/\\]", given)[-1]
    plain = "".join(char for char in last if char.isprintable()).strip(" .")
    path = PurePath(plain or "file")
    ending = path.suffix[:12]
    return f"{path.stem[: NAME_LENGTH - len(ending)]}{ending}"


def _put_picture(document: SiteDocument, file: File) -> None:
    picture = pictures.encode(file)
    key = uuid4().hex
    document.kind = SiteDocument.Kind.PHOTO
    document.name = f"{PurePath(document.name).stem}.jpg"
    document.size_bytes = len(picture.image)
    document.file.save(f"{key}.jpg", ContentFile(picture.image), save=False)
    document.thumbnail.save(f"{key}-s.jpg", ContentFile(picture.thumbnail), save=False)


def _put_paper(document: SiteDocument, file: File, ending: str) -> None:
    looks_right = TYPES.get(ending)
    if looks_right is None:
        known = ", ".join(sorted({*TYPES, *PICTURES}))
        raise _refusal(_("不支持的文件类型。可以上传：%(types)s。") % {"types": known})
    content = file.read(settings.PHOTO_MAX_BYTES + 1)
    if len(content) > settings.PHOTO_MAX_BYTES:
        largest = filesizeformat(settings.PHOTO_MAX_BYTES)
        raise _refusal(_("文件不能超过 %(size)s。") % {"size": largest})
    if not content or not looks_right(content):
        raise _refusal(_("文件内容为空，或与扩展名 .%(ending)s 不符。") % {"ending": ending})
    document.kind = SiteDocument.Kind.DOCUMENT
    document.size_bytes = len(content)
    document.file.save(f"{uuid4().hex}.{ending}", ContentFile(content), save=False)


@transaction.atomic
def _keep(document: SiteDocument) -> None:
    _check_room(document)
    document.save(force_insert=True)


def _check_room(document: SiteDocument) -> None:
    Site.objects.select_for_update(no_key=True, of=("self",)).get(pk=document.site_id)
    if SiteDocument.objects.present().filter(site=document.site_id).count() >= MOST_DOCUMENTS:
        raise _refusal(_("每个站点最多 %(limit)d 个文件。") % {"limit": MOST_DOCUMENTS})


@transaction.atomic
def _mark(*, pk: int, by: User, removed_at: datetime | None) -> SiteDocument:
    document = selectors.document_for(
        user=by, pk=pk, ability=Ability.MANAGE_SITE, with_removed=removed_at is None
    )
    if document.removed_at and not removed_at:
        _check_room(document)
    document.removed_at = removed_at
    document.removed_by = by if removed_at else None
    document.save(update_fields=["removed_at", "removed_by"])
    logger.info("document.mark document=%s removed=%s by=%s", pk, bool(removed_at), by.pk)
    return document


def _refusal(sentence: str) -> Invalid:
    return Invalid(fields={"file": [sentence]})

"""Papers and pictures of a site: drawings, contracts, protocols, photos."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models.access import SiteScopedQuerySet
from sites.models.people import User
from sites.models.places import Site


def folder_of(document: Any, name: str) -> str:
    """Where a file is kept; its name is ours, never the uploader's."""
    return f"documents/{document.site_id}/{name}"


class SiteDocumentQuerySet(SiteScopedQuerySet):
    def present(self) -> Self:
        """Not taken away."""
        return self.filter(removed_at=None)


class SiteDocument(models.Model):
    """One file of a site's archive. Written only by services.documents.

    `name` is what people call it, with its ending; a photo is encoded anew and has a thumbnail.
    What is removed can be brought back until it is purged.
    """

    class Kind(models.TextChoices):
        DOCUMENT = "document", pgettext_lazy("kind of file", "资料")
        PHOTO = "photo", pgettext_lazy("kind of file", "照片")

    site = models.ForeignKey(Site, models.CASCADE, related_name="documents", verbose_name=_("站点"))
    kind = models.CharField(_("类型"), max_length=10, choices=Kind)
    name = models.CharField(_("名称"), max_length=160)
    file = models.FileField(_("文件"), upload_to=folder_of, max_length=120)
    thumbnail = models.FileField(upload_to=folder_of, max_length=120, blank=True, editable=False)
    size_bytes = models.PositiveIntegerField(_("大小 (B)"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("上传人"))
    at = models.DateTimeField(_("上传时间"))
    removed_at = models.DateTimeField(_("删除时间"), null=True, blank=True)
    removed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = SiteDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("站点资料")
        verbose_name_plural = pgettext_lazy("plural", "站点资料")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return self.name

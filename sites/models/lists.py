"""What people keep of lists: saved views, and the columns that they chose."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lists import QUERY_LENGTH
from sites.models.people import Organisation, User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and the shared ones of one's organisation and of the platform."""
        if not user.is_authenticated:
            return self.none()
        shared = Q(is_shared=True) & (
            Q(organisation=None) | Q(organisation=getattr(user, "organisation_id", None))
        )
        return self.filter(Q(owner=user.pk) | shared)


class SavedView(models.Model):
    """A named look at a list: what is looked for, which columns, in which order.

    Private, or shared with the owner's organisation (None: with the whole platform). It holds no
    rows: whoever opens it sees only his own sites.
    """

    owner = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    page = models.CharField(_("列表"), max_length=40)
    name = models.CharField(_("名称"), max_length=40)
    query = models.CharField(_("筛选条件"), max_length=QUERY_LENGTH, blank=True)
    columns = models.JSONField(_("列"), default=list, blank=True)
    ordering = models.CharField(_("排序"), max_length=60, blank=True)
    is_shared = models.BooleanField(_("共享"), default=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, null=True, blank=True)
    created_at = models.DateTimeField(_("创建时间"))

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("保存的视图")
        verbose_name_plural = _("保存的视图")
        ordering = ["is_shared", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "page", "name"],
                name="view_name_once_per_person",
                violation_error_message=_("您已有同名的视图。"),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """The query string that shows it."""
        facts = {"ordering": self.ordering, "columns": ",".join(self.columns)}
        rest = urlencode({name: value for name, value in facts.items() if value})
        return "&".join(part for part in (self.query, rest, f"saved={self.pk}") if part)


class ListChoice(models.Model):
    """The columns that a person chose for a list, and the view that it starts with."""

    user = models.ForeignKey(User, models.CASCADE, related_name="list_choices")
    page = models.CharField(_("列表"), max_length=40)
    columns = models.JSONField(_("列"), default=list, blank=True)
    first_view = models.ForeignKey(SavedView, models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("列表设置")
        verbose_name_plural = _("列表设置")
        constraints = [models.UniqueConstraint(fields=["user", "page"], name="one_choice_per_list")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.page}"

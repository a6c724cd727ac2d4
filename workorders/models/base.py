"""What orders and tasks, their records and pictures have in common."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from sites.models import SiteScopedQuerySet, User
from sites.models.names import name_for_reader
from workorders.states import Entry


class WorkQuerySet(SiteScopedQuerySet):
    def open(self) -> Self:
        """What is not over."""
        return self.filter(state__in=self.model.OPEN)

    def overdue(self, now: datetime) -> Self:
        """Open and past the due time: derived, never stored."""
        return self.open().filter(due_at__lt=now)


class Work(models.Model):
    """What orders and tasks have in common."""

    OPEN: ClassVar[tuple[str, ...]]

    number = models.CharField(_("编号"), max_length=24, unique=True)
    title = models.CharField(_("标题"), max_length=160)
    title_en = models.CharField(_("英文标题"), max_length=160, blank=True)
    created_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("创建人")
    )
    created_at = models.DateTimeField(_("创建时间"), db_index=True)
    updated_at = models.DateTimeField(_("更新时间"), db_index=True)

    # Each table names its own states and people.
    state: str
    assignee_id: int | None

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.number

    @property
    def label(self) -> str:
        """The title in the reader's language."""
        return name_for_reader(self.title, self.title_en)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def seen(self) -> str:
        """What somebody who looks at it now has seen: moves take it back as `seen`.

        The assignee belongs to it: assigning again leaves the state as it was.
        """
        return f"{self.state}:{self.assignee_id or ''}"


class LogRow(models.Model):
    """What happened: append-only, every move an edge of the table of the life."""

    at = models.DateTimeField(_("时间"))
    entry = models.CharField(_("类型"), max_length=8, choices=Entry)
    source = models.CharField(max_length=12, blank=True)
    target = models.CharField(max_length=12, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    door = models.CharField(
        _("来源"),
        max_length=8,
        choices=[("system", _("系统")), ("web", _("网页")), ("api", _("接口"))],
        default="system",
    )
    note = models.TextField(_("说明"), blank=True)
    facts = models.JSONField(_("数据"), default=dict)

    # Each table names its own moves.
    move: str

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.move or self.entry}"

    @property
    def assignee_name(self) -> str:
        """Who was given the work, in the reader's language; '' when nobody was."""
        return name_for_reader(
            self.facts.get("assignee_name", ""), self.facts.get("assignee_name_en", "")
        )


class Picture(models.Model):
    """A picture, re-encoded by us; served only through its gate."""

    width_px = models.PositiveIntegerField(editable=False)
    height_px = models.PositiveIntegerField(editable=False)
    caption = models.CharField(_("说明"), max_length=160, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("上传人"))
    at = models.DateTimeField(_("上传时间"))

    class Meta:
        abstract = True

"""What the records and pictures of orders and tasks have in common."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from sites.models import User
from sites.models.names import name_for_reader
from workorders.states import Entry


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

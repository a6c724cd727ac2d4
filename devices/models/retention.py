"""How long each kind of data is kept."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sites.models.changes import keeps_changes


@keeps_changes()
class Retention(models.Model):
    """Days that one kind of data is kept; a kind without a row has its default."""

    class Kind(models.TextChoices):
        ROWS = "rows", _("原始采样（未压缩）")
        BLOCKS = "blocks", _("原始采样（压缩）")
        QUARTERS = "quarters", _("15 分钟汇总")
        DAYS = "days", _("日汇总")
        TALLIES = "tallies", _("设备完整率统计")
        SITE_TALLIES = "site_tallies", _("站点完整率统计")
        LINK_EVENTS = "link_events", pgettext_lazy("retention", "通信事件")

    # The rules look back a day; a recount looks back a month.
    BOUNDS = {
        Kind.ROWS: (2, 90),
        Kind.BLOCKS: (7, 3660),
        Kind.QUARTERS: (31, 7320),
        Kind.DAYS: (366, 18300),
        Kind.TALLIES: (31, 3660),
        Kind.SITE_TALLIES: (62, 7320),
        Kind.LINK_EVENTS: (31, 3660),
    }

    kind = models.CharField(_("数据种类"), max_length=20, choices=Kind, unique=True)
    days = models.PositiveIntegerField(_("保留天数"))

    class Meta:
        verbose_name = _("数据保留期限")
        verbose_name_plural = pgettext_lazy("plural", "数据保留期限")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.get_kind_display()

    def clean(self) -> None:
        """Days within the bounds of the kind; rows leave for blocks before blocks go."""
        bounds = self.BOUNDS.get(Retention.Kind(self.kind)) if self.kind else None
        if bounds is None or self.days is None:
            return
        if not bounds[0] <= self.days <= bounds[1]:
            text = gettext("须在 %(least)d 至 %(most)d 天之间。")
            raise ValidationError({"days": text % {"least": bounds[0], "most": bounds[1]}})
        rows, blocks = (
            self.days if kind == self.kind else self.days_of(kind)
            for kind in (self.Kind.ROWS, self.Kind.BLOCKS)
        )
        if rows > blocks:
            raise ValidationError({"days": gettext("未压缩的采样不能比压缩的保留更久。")})

    @classmethod
    def default_of(cls, kind: "Retention.Kind") -> int:
        """Days without a row."""
        return {
            cls.Kind.ROWS: settings.READING_HOT_DAYS,
            cls.Kind.BLOCKS: settings.READING_RETENTION_DAYS,
            cls.Kind.QUARTERS: settings.ROLLUP_QUARTER_DAYS,
            cls.Kind.DAYS: settings.ROLLUP_DAY_DAYS,
            cls.Kind.TALLIES: 100,
            cls.Kind.SITE_TALLIES: 1100,
            cls.Kind.LINK_EVENTS: 730,
        }[kind]

    @classmethod
    def days_of(cls, kind: "Retention.Kind") -> int:
        """Days that a kind is kept."""
        found = cls.objects.filter(kind=kind).values_list("days", flat=True).first()
        return cls.default_of(kind) if found is None else found

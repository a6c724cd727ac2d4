"""Sources: platforms and edge gateways of others that send samples over HTTP."""

from datetime import date

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models import Site, SiteScopedQuerySet
from sites.models.changes import keeps_changes
from sites.models.places import Place


@keeps_changes(
    exclude=(
        "digest",
        "key_hint",
        "last_address",
        "counted_on",
        "accepted",
        "repeated",
        "refused",
        "last_refusals",
    )
)
class DataSource(Place):  # noqa: DJ008 - Place has it
    """Somebody who sends the samples of devices of one site, with a key of his own.

    The key is stored hashed (`digest_of`) and shown once; `key_hint` is its beginning, by which
    people tell keys apart. `accepted`, `repeated` and `refused` count samples of the day
    `counted_on` of the site. Written by services.sources; the counters by services.feeding.
    """

    search_of = ("name", "name_en")

    site = models.ForeignKey(Site, models.CASCADE, related_name="sources", verbose_name=_("站点"))
    is_enabled = models.BooleanField(_("启用"), default=True)
    digest = models.CharField(_("摘要"), max_length=64, unique=True, editable=False)
    key_hint = models.CharField(_("密钥开头"), max_length=12, editable=False)
    key_made_at = models.DateTimeField(_("密钥生成时间"), editable=False)
    quota_per_minute = models.PositiveIntegerField(
        _("每分钟测点值上限"),
        default=60_000,
        validators=[MinValueValidator(100), MaxValueValidator(10_000_000)],
    )
    period_s = models.PositiveIntegerField(
        _("上送周期 (s)"), default=60, validators=[MinValueValidator(1), MaxValueValidator(86400)]
    )
    offline_after_s = models.PositiveIntegerField(
        _("判定离线时间 (s)"),
        default=600,
        help_text=_("至少为三个上送周期。"),
        validators=[MinValueValidator(5), MaxValueValidator(30 * 86400)],
    )
    last_seen_at = models.DateTimeField(_("最后通信"), null=True, editable=False)
    last_address = models.GenericIPAddressField(_("来源地址"), null=True, editable=False)
    counted_on = models.DateField(_("统计日期"), null=True, editable=False)
    accepted = models.PositiveIntegerField(_("接收"), default=0, editable=False)
    repeated = models.PositiveIntegerField(_("重复"), default=0, editable=False)
    refused = models.PositiveIntegerField(_("拒收"), default=0, editable=False)
    last_refusals = models.JSONField(_("最近拒收"), default=list, editable=False)

    objects = SiteScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("数据源")
        verbose_name_plural = pgettext_lazy("plural", "数据源")
        ordering = ["site_id", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "name"],
                name="source_name_per_site",
                violation_error_message=_("该站点已有同名数据源。"),
            )
        ]

    @property
    def silence_s(self) -> int:
        """Seconds without a sample after which one of its devices counts as offline."""
        return max(3 * self.period_s, self.offline_after_s)

    def counts_on(self, day: date) -> tuple[int, int, int]:
        """Samples accepted, repeated and refused on a day of the site."""
        if self.counted_on != day:
            return 0, 0, 0
        return self.accepted, self.repeated, self.refused

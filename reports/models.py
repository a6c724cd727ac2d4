"""What the reports keep for themselves: the present load of each site, and how it went today."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models import Site, SiteScopedQuerySet


class _Load(models.Model):
    """Power of incomers at a moment, and how it went on one day."""

    at = models.DateTimeField(_("时间"))
    power_kw = models.FloatField(_("有功功率 (kW)"), null=True)
    fresh = models.PositiveIntegerField(_("有值的进线表计"))
    meters = models.PositiveIntegerField(_("进线表计"))
    day = models.DateField(_("日期"))
    slots = models.BinaryField(editable=False)

    class Meta:
        abstract = True


class SiteLoad(_Load):
    """Active power of a site's incomers, taken every half minute.

    `slots`: float32 kW (NaN: none) for each quarter of an hour of `day`, the site's own, from its
    midnight on: the last value taken in it. Written only by services.loads.
    """

    site = models.OneToOneField(
        Site, models.CASCADE, primary_key=True, related_name="load", verbose_name=_("站点")
    )

    objects = SiteScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("站点负荷")
        verbose_name_plural = pgettext_lazy("plural", "站点负荷")

    def __str__(self) -> str:
        return f"{self.site_id} {self.power_kw}"


class ZoneLoad(_Load):
    """The sum of the site loads of one time zone, for whoever sees every site.

    `slots`: float64 kW (NaN: none) for each quarter of an hour of `day`. Written only by services.loads.
    """

    zone = models.CharField(_("时区"), max_length=64, primary_key=True)

    class Meta:
        verbose_name = _("时区负荷")
        verbose_name_plural = pgettext_lazy("plural", "时区负荷")

    def __str__(self) -> str:
        return f"{self.zone} {self.power_kw}"

"""What the reports keep for themselves: loads of sites, how they went today, figures of groups."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models import Organisation, Site, SiteScopedQuerySet, Town


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


class SiteGroup(_Load):
    """Sites of one O&M company, town and time zone, taken together whenever the loads are taken.

    Whoever sees companies, towns or everything sees groups as a whole: his hall adds up some hundred
    rows instead of looking at every site. `slots`: float64 kW (NaN: none), the sum for each quarter
    of an hour of `day`. `figures`: what `selectors.groups` counts; None on a platform of few sites,
    where they are counted by whoever looks. Written only by services.groups.
    """

    zone = models.CharField(_("时区"), max_length=64)
    organisation = models.ForeignKey(
        Organisation,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=pgettext_lazy("organisation", "单位"),
    )
    town = models.ForeignKey(
        Town, models.CASCADE, null=True, related_name="+", verbose_name=_("镇街")
    )
    figures = models.JSONField(_("统计"), null=True)

    class Meta:
        verbose_name = _("站点分组")
        verbose_name_plural = pgettext_lazy("plural", "站点分组")

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.town_id} {self.zone}"

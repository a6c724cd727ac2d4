"""Dictionaries of the district: towns, departments, categories of enterprises."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models.names import name_for_reader


class Named(models.Model):
    """A code and a name in both languages."""

    code = models.SlugField(_("编码"), max_length=40, unique=True)
    name = models.CharField(_("名称"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True)

    class Meta:
        abstract = True
        ordering = ["code"]

    def __str__(self) -> str:
        return name_for_reader(self.name, self.name_en)


class Town(Named):
    """A town or street office of the district."""

    class Meta(Named.Meta):
        verbose_name = _("镇街")
        verbose_name_plural = pgettext_lazy("plural", "镇街")


class Department(Named):
    """A department of the district government with its own compartment of data."""

    class Meta(Named.Meta):
        verbose_name = _("主管部门")
        verbose_name_plural = pgettext_lazy("plural", "主管部门")


class Category(Named):
    """A category of enterprises in the district's plan."""

    departments = models.ManyToManyField(Department, verbose_name=_("主管部门"), blank=True)
    is_subsidised = models.BooleanField(_("享受补贴"), default=False)
    planned_enterprises = models.PositiveIntegerField(_("计划接入企业数"), default=0)

    class Meta(Named.Meta):
        verbose_name = _("企业类别")
        verbose_name_plural = pgettext_lazy("plural", "企业类别")


class NumberSeries(models.Model):
    """The last number given out per prefix and day; `services.take_numbers` is the only writer."""

    prefix = models.CharField(_("前缀"), max_length=8)
    day = models.DateField(_("日期"))
    last = models.PositiveIntegerField(_("最后序号"), default=0)

    class Meta:
        verbose_name = _("编号序列")
        verbose_name_plural = pgettext_lazy("plural", "编号序列")
        constraints = [models.UniqueConstraint(fields=["prefix", "day"], name="number_series_key")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.day:%Y%m%d}-{self.last:04d}"

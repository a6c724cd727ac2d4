"""Derived points: values that a formula makes of points of one site, and what each of them uses."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.drivers.formulas import LONGEST
from devices.models.equipment import Device
from devices.models.templates import PointCode
from devices.states import PointKind
from sites.models import Site, SiteScopedQuerySet
from sites.models.changes import keeps_changes
from sites.models.places import Place


@keeps_changes()
class DerivedPoint(Place):  # noqa: DJ008 - Place has it
    """A value calculated when it is asked for; nothing of it is stored. Written by services.derived.

    The formula is kept as it was typed (devices.drivers.formulas); `inputs` say what it uses.
    """

    search_of = ("name", "name_en")

    site = models.ForeignKey(
        Site, models.PROTECT, related_name="derived_points", verbose_name=_("站点")
    )
    formula = models.CharField(_("公式"), max_length=LONGEST)
    unit = models.CharField(
        _("单位"),
        max_length=16,
        blank=True,
        help_text=_("留空则取公式的单位；公式含系数时可另填，如 kW 除以 1000 为 MW。"),
    )
    decimals = models.PositiveSmallIntegerField(
        _("小数位数"), default=2, validators=[MaxValueValidator(6)]
    )
    is_active = models.BooleanField(
        _("启用"), default=True, help_text=_("停用后不再计算，可随时恢复。")
    )

    objects = SiteScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("计算测点")
        verbose_name_plural = pgettext_lazy("plural", "计算测点")
        ordering = ["site_id", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "name"],
                name="derived_name_per_site",
                violation_error_message=_("该站点已有同名计算测点。"),
            )
        ]

    @property
    def word(self) -> str:
        """Its public id, and how formulas name it: `x<id>`."""
        return f"x{self.pk}"

    @property
    def point(self) -> PointCode:
        """A point that is in no dictionary, as curves and tables show it."""
        return PointCode(
            code=self.word, unit=self.unit, kind=PointKind.INSTANT, decimals=self.decimals
        )


class DerivedInput(models.Model):
    """A point that a derived one uses: of a device, or derived itself. Follows from the formula."""

    derived = models.ForeignKey(DerivedPoint, models.CASCADE, related_name="inputs")
    device = models.ForeignKey(Device, models.PROTECT, null=True, related_name="derived_uses")
    code = models.CharField(_("编码"), max_length=24, blank=True)
    source = models.ForeignKey(
        DerivedPoint, models.PROTECT, null=True, related_name="uses", verbose_name=_("计算测点")
    )

    class Meta:
        verbose_name = _("计算测点的输入")
        verbose_name_plural = pgettext_lazy("plural", "计算测点的输入")
        constraints = [
            models.CheckConstraint(
                condition=Q(device__isnull=False, source__isnull=True)
                | Q(device__isnull=True, source__isnull=False, code=""),
                name="derived_input_of_one_thing",
            ),
            models.UniqueConstraint(
                fields=["derived", "device", "code", "source"],
                nulls_distinct=False,
                name="derived_input_once",
            ),
        ]

    def __str__(self) -> str:
        return f"x{self.source_id}" if self.source_id else f"d{self.device_id}:{self.code}"

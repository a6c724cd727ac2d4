"""Rules, and what sites and devices say differently."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from alarms.states import Severity
from devices.models import Device
from sites.models import Site, User, access_for
from sites.models.changes import keeps_changes
from sites.rules import Ability


@keeps_changes()
class Rule(models.Model):
    """One kind of alarm with a stable key (DOMAIN.md §4.2): its condition, its words, its advice.

    `threshold`, `reset` and `guard` are in the unit of `basis`: the point's own unit, per cent of
    the nominal phase voltage, of the circuit's rated current or of the transformer's rated power.
    `measure` says how several points are looked at: each for itself, or one figure of all of them.
    """

    class Kind(models.TextChoices):
        LIMIT = "limit", _("越限")
        DIGITAL = "digital", _("状态变位")
        PHASE_LOSS = "phase_loss", _("断相")
        LINK = "link", _("通信")
        PLATFORM = "platform", _("平台自检")
        DATA = "data", _("数据质量")

    class Level(models.TextChoices):
        HIGH_HIGH = "hh", _("上上限")
        HIGH = "h", _("上限")
        LOW = "l", _("下限")
        LOW_LOW = "ll", _("下下限")

    class Basis(models.TextChoices):
        ABSOLUTE = "absolute", _("绝对值")
        NOMINAL_VOLTAGE = "nominal_voltage", _("额定相电压的百分比")
        RATED_CURRENT = "rated_current", _("额定电流的百分比")
        RATED_POWER = "rated_power", _("变压器额定容量的百分比")

    class Measure(models.TextChoices):
        EACH = "each", _("逐点判断")
        LARGEST = "largest", _("各点中的最大值")
        SMALLEST = "smallest", _("各点中的最小值")
        OFFSET = "offset", _("与参考值的偏差")

    key = models.SlugField(_("标识"), max_length=24, unique=True)
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=120)
    kind = models.CharField(_("类型"), max_length=12, choices=Kind)
    level = models.CharField(_("限值级别"), max_length=2, choices=Level, blank=True)
    point_codes = ArrayField(
        models.CharField(max_length=24), verbose_name=_("测点"), default=list, blank=True
    )
    measure = models.CharField(_("判断方式"), max_length=10, choices=Measure, default=Measure.EACH)
    severity = models.CharField(_("级别"), max_length=10, choices=Severity)
    basis = models.CharField(_("限值基准"), max_length=16, choices=Basis, default=Basis.ABSOLUTE)
    threshold = models.FloatField(_("限值"), null=True, blank=True)
    reset = models.FloatField(_("返回值"), null=True, blank=True)
    guard = models.FloatField(
        _("另一相下限"),
        null=True,
        blank=True,
        help_text=_("仅用于断相：至少有一相高于此值，才判为断相而不是停电。"),
    )
    reference = models.FloatField(
        _("参考值"), null=True, blank=True, help_text=_("仅用于偏差：与此值之差的绝对值参与判断。")
    )
    delay_s = models.FloatField(_("触发延时 (s)"), default=0)
    reset_delay_s = models.FloatField(_("恢复延时 (s)"), default=0)
    circuit_kinds = ArrayField(
        models.CharField(max_length=12),
        verbose_name=_("适用回路类型"),
        default=list,
        blank=True,
        help_text=_("为空时适用于所有设备；none 表示未关联回路的设备。"),
    )
    to_value = models.PositiveSmallIntegerField(
        _("变位后的值"), null=True, blank=True, help_text=_("仅用于状态变位：0 或 1。")
    )
    is_enabled = models.BooleanField(_("启用"), default=True)
    cause = models.TextField(_("可能原因"), blank=True)
    cause_en = models.TextField(_("可能原因（英文）"), blank=True)
    advice = models.TextField(_("处置建议"), blank=True)
    advice_en = models.TextField(_("处置建议（英文）"), blank=True)
    source = models.CharField(_("依据"), max_length=200, blank=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    class Meta:
        verbose_name = _("告警规则")
        verbose_name_plural = pgettext_lazy("plural", "告警规则")
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="limit")
                | Q(threshold__isnull=False, reset__isnull=False, level__gt=""),
                name="limit_rule_is_complete",
                violation_error_message=_("越限规则须填写级别、限值和返回值。"),
            ),
            models.CheckConstraint(
                condition=~Q(kind="limit")
                | Q(level__in=["h", "hh"], reset__lte=F("threshold"))
                | Q(level__in=["l", "ll"], reset__gte=F("threshold")),
                name="reset_lies_inside",
                violation_error_message=_("返回值必须在限值的正常一侧。"),
            ),
            models.CheckConstraint(
                condition=~Q(kind="phase_loss")
                | Q(
                    threshold__isnull=False,
                    reset__gte=F("threshold"),
                    guard__gt=F("threshold"),
                ),
                name="phase_loss_rule_is_complete",
                violation_error_message=_(
                    "断相规则须填写限值、返回值和另一相下限，后两者高于限值。"
                ),
            ),
            models.CheckConstraint(
                condition=~Q(measure="offset") | Q(reference__isnull=False),
                name="offset_rule_has_reference",
                violation_error_message=_("按偏差判断的规则须填写参考值。"),
            ),
            models.CheckConstraint(
                condition=~Q(kind="digital") | Q(to_value__in=[0, 1]),
                name="digital_rule_has_value",
                violation_error_message=_("状态变位规则须填写变位后的值 0 或 1。"),
            ),
            models.CheckConstraint(
                condition=Q(delay_s__gte=0, reset_delay_s__gte=0), name="rule_delays_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_en if (get_language() or "").startswith("en") else self.name

    @property
    def cause_text(self) -> str:
        """Probable causes in the reader's language."""
        return self.cause_en if (get_language() or "").startswith("en") else self.cause

    @property
    def advice_text(self) -> str:
        """What to do, in the reader's language."""
        return self.advice_en if (get_language() or "").startswith("en") else self.advice


class RuleOverrideQuerySet(models.QuerySet["RuleOverride"]):
    def visible_to(self, user: User | AnonymousUser, *, ability: Ability = Ability.VIEW) -> Self:
        """Overrides of sites, and of devices of sites, on which the user holds the ability."""
        access = access_for(user)
        of_site = access.site_q("site__", ability=ability)
        return self.filter(of_site | access.site_q("device__site__", ability=ability))


@keeps_changes()
class RuleOverride(models.Model):
    """What one site or one device says differently; empty fields inherit, the device wins."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="overrides", verbose_name=_("规则"))
    site = models.ForeignKey(
        Site,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="rule_overrides",
        verbose_name=_("站点"),
    )
    device = models.ForeignKey(
        Device,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="rule_overrides",
        verbose_name=_("设备"),
    )
    threshold = models.FloatField(_("限值"), null=True, blank=True)
    reset = models.FloatField(_("返回值"), null=True, blank=True)
    delay_s = models.FloatField(_("触发延时 (s)"), null=True, blank=True)
    reset_delay_s = models.FloatField(_("恢复延时 (s)"), null=True, blank=True)
    severity = models.CharField(_("级别"), max_length=10, choices=Severity, blank=True)
    is_enabled = models.BooleanField(_("启用"), null=True, blank=True)
    note = models.CharField(_("说明"), max_length=200, blank=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    objects = RuleOverrideQuerySet.as_manager()

    class Meta:
        verbose_name = _("规则覆盖")
        verbose_name_plural = pgettext_lazy("plural", "规则覆盖")
        ordering = ["rule__key", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(site__isnull=False) ^ Q(device__isnull=False),
                name="override_of_site_or_device",
                violation_error_message=_("请填写站点或设备其中之一。"),
            ),
            models.UniqueConstraint(
                fields=["rule", "site"],
                name="override_per_site",
                violation_error_message=_("该站点已覆盖此规则。"),
            ),
            models.UniqueConstraint(
                fields=["rule", "device"],
                name="override_per_device",
                violation_error_message=_("该设备已覆盖此规则。"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.site_id or ''}{self.device_id or ''}"

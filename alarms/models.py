"""Rules, alarms and their log."""

from datetime import datetime
from typing import Self

import pgtrigger
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from alarms import states
from alarms.states import Condition, Entry, Handling, Move, Severity, Verdict
from devices.models import Device, Gateway
from sites.models import (
    Circuit,
    Room,
    Site,
    SiteScopedQuerySet,
    Transformer,
    User,
    access_for,
)
from sites.rules import Ability


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
    measure = models.CharField(
        _("判断方式"), max_length=10, choices=Measure, default=Measure.EACH
    )
    severity = models.CharField(_("级别"), max_length=10, choices=Severity)
    basis = models.CharField(_("限值基准"), max_length=16, choices=Basis, default=Basis.ABSOLUTE)
    threshold = models.FloatField(_("限值"), null=True, blank=True)
    reset = models.FloatField(_("返回值"), null=True, blank=True)
    guard = models.FloatField(
        _("另一相下限"), null=True, blank=True,
        help_text=_("仅用于断相：至少有一相高于此值，才判为断相而不是停电。"),
    )
    reference = models.FloatField(
        _("参考值"), null=True, blank=True, help_text=_("仅用于偏差：与此值之差的绝对值参与判断。")
    )
    delay_s = models.FloatField(_("触发延时 (s)"), default=0)
    reset_delay_s = models.FloatField(_("恢复延时 (s)"), default=0)
    circuit_kinds = ArrayField(
        models.CharField(max_length=12), verbose_name=_("适用回路类型"), default=list, blank=True,
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
                violation_error_message=_("断相规则须填写限值、返回值和另一相下限，后两者高于限值。"),
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
    def visible_to(
        self, user: User | AnonymousUser, *, ability: Ability = Ability.VIEW
    ) -> Self:
        """Overrides of sites, and of devices of sites, on which the user holds the ability."""
        access = access_for(user)
        of_site = access.site_q("site__", ability=ability)
        return self.filter(of_site | access.site_q("device__site__", ability=ability))


class RuleOverride(models.Model):
    """What one site or one device says differently; empty fields inherit, the device wins."""

    rule = models.ForeignKey(
        Rule, models.CASCADE, related_name="overrides", verbose_name=_("规则")
    )
    site = models.ForeignKey(
        Site, models.CASCADE, null=True, blank=True, related_name="rule_overrides",
        verbose_name=_("站点"),
    )
    device = models.ForeignKey(
        Device, models.CASCADE, null=True, blank=True, related_name="rule_overrides",
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
                fields=["rule", "site"], name="override_per_site",
                violation_error_message=_("该站点已覆盖此规则。"),
            ),
            models.UniqueConstraint(
                fields=["rule", "device"], name="override_per_device",
                violation_error_message=_("该设备已覆盖此规则。"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.site_id or ''}{self.device_id or ''}"


class AlarmQuerySet(SiteScopedQuerySet):
    def open(self) -> Self:
        """Not archived."""
        return self.exclude(handling=Handling.ARCHIVED)

    def to_handle(self) -> Self:
        """Waiting for somebody to look: unverified."""
        return self.filter(handling=Handling.UNVERIFIED)

    def due_again(self, now: datetime) -> Self:
        """Ignored alarms whose time is over."""
        return self.filter(handling=Handling.IGNORED, ignored_until__lte=now)

    def with_place(self) -> Self:
        """What a row or a detail page prints, in one query."""
        return self.select_related(
            "rule", "site__enterprise", "site__team", "room", "transformer", "circuit", "device",
            "gateway",
        )


class Alarm(models.Model):
    """Something is wrong at a place. Two facts: the condition of the plant, the handling by people.

    Invariants (database): one open alarm per (scope, point, rule); archived only when recovered;
    `ignored_until` exactly while ignored; a verdict once verified. Moved only by alarms.services.
    """

    class Scope(models.TextChoices):
        DEVICE = "device", _("设备")
        GATEWAY = "gateway", _("网关")
        SITE = "site", _("站点")

    number = models.CharField(_("编号"), max_length=24, unique=True)
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="alarms", verbose_name=_("规则"))
    severity = models.CharField(_("级别"), max_length=10, choices=Severity)
    severity_rank = models.PositiveSmallIntegerField(_("级别序"), editable=False)
    scope_kind = models.CharField(_("对象类型"), max_length=8, choices=Scope)
    scope_id = models.BigIntegerField(_("对象"))
    site = models.ForeignKey(Site, models.PROTECT, related_name="alarms", verbose_name=_("站点"))
    room = models.ForeignKey(Room, models.SET_NULL, null=True, blank=True)
    transformer = models.ForeignKey(Transformer, models.SET_NULL, null=True, blank=True)
    circuit = models.ForeignKey(Circuit, models.SET_NULL, null=True, blank=True)
    device = models.ForeignKey(
        Device, models.PROTECT, null=True, blank=True, related_name="alarms",
        verbose_name=_("设备"),
    )
    gateway = models.ForeignKey(
        Gateway, models.PROTECT, null=True, blank=True, related_name="alarms",
        verbose_name=_("网关"),
    )
    point_code = models.CharField(_("测点"), max_length=24, blank=True, default="")
    worst_code = models.CharField(
        _("越限测点"), max_length=24, blank=True, default="",
        help_text=_("触发时最严重的测点；按多个测点判断的规则以此定位相别。"),
    )
    value = models.FloatField(_("触发值"), null=True)
    limit = models.FloatField(_("限值"), null=True)
    unit = models.CharField(_("单位"), max_length=12, blank=True)
    peak = models.FloatField(_("极值"), null=True)
    peak_at = models.DateTimeField(_("极值时间"), null=True)
    raised_at = models.DateTimeField(_("首次触发"))
    last_raised_at = models.DateTimeField(_("最近触发"))
    recovered_at = models.DateTimeField(_("恢复时间"), null=True)
    recurrences = models.PositiveIntegerField(_("再次触发次数"), default=0)
    condition = models.CharField(_("工况"), max_length=10, choices=Condition)
    handling = models.CharField(_("处理状态"), max_length=12, choices=Handling)
    verdict = models.CharField(_("查核结论"), max_length=12, choices=Verdict, blank=True)
    cause = models.CharField(_("查核原因"), max_length=200, blank=True)
    verified_at = models.DateTimeField(_("查核时间"), null=True)
    verified_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    ignored_until = models.DateTimeField(_("忽略至"), null=True)
    archived_at = models.DateTimeField(_("归档时间"), null=True)
    is_simulated = models.BooleanField(_("模拟"), default=False)
    created_at = models.DateTimeField(_("登记时间"))
    updated_at = models.DateTimeField(_("更新时间"), db_index=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        verbose_name = _("告警")
        verbose_name_plural = pgettext_lazy("plural", "告警")
        ordering = ["severity_rank", "-last_raised_at", "-id"]
        indexes = [
            models.Index(
                fields=["severity_rank", "-last_raised_at", "-id"],
                condition=~Q(handling="archived"),
                name="alarm_open_order",
            ),
            models.Index(fields=["site", "-last_raised_at"], name="alarm_site_time"),
            models.Index(fields=["-last_raised_at"], name="alarm_time"),
            models.Index(
                fields=["ignored_until"],
                condition=Q(handling="ignored"),
                name="alarm_ignored_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["scope_kind", "scope_id", "point_code", "rule"],
                condition=~Q(handling="archived"),
                name="one_open_alarm",
            ),
            models.CheckConstraint(
                condition=~Q(handling="archived") | Q(condition="recovered"),
                name="archived_only_when_recovered",
            ),
            models.CheckConstraint(
                condition=Q(handling="ignored", ignored_until__isnull=False)
                | (~Q(handling="ignored") & Q(ignored_until__isnull=True)),
                name="ignored_has_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(handling__in=["verified", "in_order"]) | Q(verdict__gt=""),
                name="verified_has_verdict",
            ),
            models.CheckConstraint(
                condition=Q(condition__in=Condition.values, handling__in=Handling.values),
                name="alarm_states_known",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_active(self) -> bool:
        return self.condition == Condition.ACTIVE

    @property
    def is_open(self) -> bool:
        return self.handling != Handling.ARCHIVED


class AlarmLogQuerySet(SiteScopedQuerySet):
    site_path = "alarm__site__"


class AlarmLog(models.Model):
    """What happened to an alarm: append-only, by the database's own trigger.

    A row that names a move names an edge of the table (check constraint built from states.py).
    """

    alarm = models.ForeignKey(Alarm, models.PROTECT, related_name="log")
    at = models.DateTimeField(_("时间"))
    entry = models.CharField(_("类型"), max_length=10, choices=Entry)
    move = models.CharField(_("动作"), max_length=20, choices=Move, blank=True)
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

    objects = AlarmLogQuerySet.as_manager()

    class Meta:
        verbose_name = _("告警记录")
        verbose_name_plural = pgettext_lazy("plural", "告警记录")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["alarm", "at"], name="alarm_log_of")]
        constraints = [
            models.CheckConstraint(
                condition=Q(entry__in=["comment", "notice"], move="")
                | (Q(entry="handling", move="raise", source="", target="unverified"))
                | (
                    Q(entry="handling")
                    & states.HANDLING.condition(source="source", move="move", target="target")
                )
                | (
                    Q(entry="condition")
                    & states.CONDITION.condition(source="source", move="move", target="target")
                ),
                name="alarm_log_follows_table",
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="alarm_log_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.move or self.entry}"


class Pending(models.Model):
    """A condition that holds but not yet for its delay: kept so that a restart does not forget it."""

    class Towards(models.TextChoices):
        RAISE = "raise", _("触发")
        RECOVER = "recover", _("恢复")

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="+")
    device = models.ForeignKey(Device, models.CASCADE, related_name="+")
    point_code = models.CharField(max_length=24)
    towards = models.CharField(max_length=8, choices=Towards)
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("延时中的条件")
        verbose_name_plural = pgettext_lazy("plural", "延时中的条件")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "device", "point_code"], name="one_pending_condition"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.device_id}:{self.point_code}"


class Watched(models.Model):
    """How far the rules have followed one device.

    `Pending` and the conditions of its alarms are those of this moment: samples after it are
    evaluated again by whoever comes next. Written by compare-and-swap together with what follows
    from the samples, so that of two evaluators one wins and a killed one loses nothing.
    """

    device = models.OneToOneField(Device, models.CASCADE, primary_key=True, related_name="+")
    until_s = models.FloatField(_("已评估至（秒）"), help_text=_("自 1970-01-01 UTC 起的秒数。"))

    class Meta:
        verbose_name = _("评估进度")
        verbose_name_plural = pgettext_lazy("plural", "评估进度")

    def __str__(self) -> str:
        return f"{self.device_id} {self.until_s:.3f}"

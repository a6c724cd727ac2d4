"""Alarms and their log."""

from datetime import datetime
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from alarms import states
from alarms.models.rules import Rule
from alarms.states import Condition, Entry, Handling, Move, Severity, Verdict
from core.labels import QuickLabels
from devices.models import Device, Gateway
from sites.models import Circuit, Room, Site, SiteScopedQuerySet, Transformer, User

# Columns of a line's places that no list prints; thousands of moments take a while to read.
_UNPRINTED = tuple(
    f"{place}__{column}"
    for place in ("site", "site__enterprise", "device", "gateway", "device__bus__gateway")
    for column in ("search_text", "created_at", "updated_at")
)


class AlarmQuerySet(SiteScopedQuerySet):
    def open(self) -> Self:
        """Not archived."""
        return self.exclude(handling=Handling.ARCHIVED)

    def to_handle(self) -> Self:
        """Waiting for somebody to look: unverified."""
        return self.filter(handling=Handling.UNVERIFIED)

    def in_hands_of(self, user: User) -> Self:
        """Open ones that the person has verified, or works on by an open order."""
        working = Alarm.objects.filter(
            orders__assignee=user, orders__closed_at__isnull=True, handling=Handling.IN_ORDER
        )
        mine = Q(verified_by=user) | Q(pk__in=working.order_by().values("pk"))
        return self.open().filter(mine)

    def due_again(self, now: datetime) -> Self:
        """Ignored alarms whose time is over."""
        return self.filter(handling=Handling.IGNORED, ignored_until__lte=now)

    def with_place(self) -> Self:
        """What a row or a detail page prints, in one query."""
        return self.select_related(
            "rule",
            "site__enterprise",
            "site__team",
            "room",
            "transformer",
            "circuit",
            "device",
            "gateway",
        )

    def with_line(self) -> Self:
        """What a row of the list prints, in one query: without the columns that it does not."""
        return (
            self.select_related("rule", "site__enterprise", "site__team", "gateway", "verified_by")
            .select_related("device__bus__gateway", "device__source")
            .defer(*_UNPRINTED)
        )


class Alarm(QuickLabels, models.Model):
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
        Device,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="alarms",
        verbose_name=_("设备"),
    )
    gateway = models.ForeignKey(
        Gateway,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="alarms",
        verbose_name=_("网关"),
    )
    point_code = models.CharField(_("测点"), max_length=24, blank=True, default="")
    worst_code = models.CharField(
        _("越限测点"),
        max_length=24,
        blank=True,
        default="",
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
            models.Index(fields=["severity_rank", "-last_raised_at", "-id"], name="alarm_order"),
            # Counts of tabs and severities, read from the index alone.
            models.Index(fields=["handling", "severity", "site"], name="alarm_tally"),
            models.Index(
                fields=["scope_kind", "scope_id", "rule", "-last_raised_at"], name="alarm_same"
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

"""Remote control: operations with their log, and the lock-outs that forbid them."""

from datetime import datetime
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices import states
from devices.models.equipment import Device
from devices.models.outputs import TemplateOutput
from devices.states import ControlMove, ControlState, control_words
from sites.models import Room, Site, SiteScopedQuerySet, User


class LockoutQuerySet(SiteScopedQuerySet):
    def in_force(self, now: datetime) -> Self:
        """Begun and not ended: a planned end that passes ends nothing, only a person does."""
        return self.filter(starts_at__lte=now, ended_at__isnull=True)

    def open(self) -> Self:
        """Not ended, also those to come."""
        return self.filter(ended_at__isnull=True)

    def over(self, device: Device) -> Self:
        """Those that cover a device: its own, its room's, its site's."""
        room = Q(room__isnull=True) | Q(room=device.room_id) if device.room_id else Q(room=None)
        return self.filter(Q(device__isnull=True) | Q(device=device.pk), room, site=device.site_id)


class Lockout(models.Model):
    """Somebody works at a site, in a room or at a device: nothing there is switched from afar.

    Rows are ended, never changed otherwise or deleted.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="lockouts", verbose_name=_("站点"))
    room = models.ForeignKey(
        Room, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("配电室")
    )
    device = models.ForeignKey(
        Device, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("设备")
    )
    worker = models.CharField(_("作业人员"), max_length=120)
    reason = models.CharField(_("作业内容"), max_length=400)
    permit_number = models.CharField(_("工作票号"), max_length=40)
    starts_at = models.DateTimeField(_("开始时间"))
    planned_end_at = models.DateTimeField(_("计划结束时间"), null=True, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("设置人"))
    created_at = models.DateTimeField(_("创建时间"))
    ended_at = models.DateTimeField(_("解除时间"), null=True)
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("解除人")
    )

    objects = LockoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("检修闭锁")
        verbose_name_plural = pgettext_lazy("plural", "检修闭锁")
        ordering = ["-starts_at", "-id"]
        indexes = [
            models.Index(
                fields=["site"], condition=Q(ended_at__isnull=True), name="lockout_open_of_site"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="lockout_ended_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(room__isnull=True) | Q(device__isnull=True),
                name="lockout_of_one_place",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="lockout_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="lockout_is_ended_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.permit_number} {self.worker}"

    def covers(self, device: Device) -> bool:
        """Whether a device lies in what is locked out; the query set's `over` for one row."""
        if self.site_id != device.site_id:
            return False
        if self.device_id is not None:
            return self.device_id == device.pk
        return self.room_id is None or self.room_id == device.room_id

    @property
    def place(self) -> str:
        """The name of what is locked out."""
        return (self.device or self.room or self.site).label


class ControlOperationQuerySet(SiteScopedQuerySet):
    def open(self) -> Self:
        """Not over: an output has one at most."""
        return self.filter(state__in=states.CONTROL_OPEN)

    def with_place(self) -> Self:
        """What a row or a page prints, in one query."""
        return self.select_related(
            "site__enterprise",
            "site__team",
            "device__room",
            "output",
            "operator",
            "guardian",
        )


class ControlOperation(models.Model):
    """One switching of one output, by two people, within its time, once.

    Invariants (database): one open operation per output of a device; the guardian is somebody else
    and is named from confirmation on; what was claimed for execution says when. `line` is the
    connection and unit address that were read at selection: no other is ever written to.
    Moved only by devices.services.
    """

    number = models.CharField(_("编号"), max_length=24, unique=True)
    site = models.ForeignKey(
        Site, models.PROTECT, related_name="control_operations", verbose_name=_("站点")
    )
    device = models.ForeignKey(
        Device, models.PROTECT, related_name="control_operations", verbose_name=_("设备")
    )
    output = models.ForeignKey(
        TemplateOutput, models.PROTECT, related_name="operations", verbose_name=_("遥控输出")
    )
    output_code = models.CharField(_("输出编码"), max_length=24)
    line = models.CharField(max_length=300)
    wanted = models.BooleanField(_("目标状态"))
    present = models.BooleanField(_("选择时的状态"))
    present_at = models.DateTimeField(_("回读时间"))
    reason = models.CharField(_("操作原因"), max_length=400)
    permit_number = models.CharField(_("操作票号"), max_length=40)
    operator = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("操作人"))
    guardian = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("监护人")
    )
    state = models.CharField(_("状态"), max_length=12, choices=ControlState)
    selected_at = models.DateTimeField(_("选择时间"), db_index=True)
    due_at = models.DateTimeField(_("有效期至"))
    confirmed_at = models.DateTimeField(_("监护确认时间"), null=True)
    claimed_at = models.DateTimeField(_("执行时间"), null=True)
    finished_at = models.DateTimeField(_("结束时间"), null=True)
    result = models.CharField(_("结果"), max_length=24, blank=True)
    after = models.BooleanField(_("执行后的状态"), null=True)
    updated_at = models.DateTimeField(_("更新时间"))

    objects = ControlOperationQuerySet.as_manager()

    class Meta:
        verbose_name = _("遥控操作")
        verbose_name_plural = pgettext_lazy("plural", "遥控操作")
        ordering = ["-selected_at", "-id"]
        indexes = [
            models.Index(fields=["site", "-selected_at"], name="control_of_site"),
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=[*states.CONTROL_OPEN, ControlState.UNKNOWN.value]),
                name="control_to_sweep",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "output_code"],
                condition=Q(state__in=states.CONTROL_OPEN),
                name="one_open_operation_per_output",
            ),
            models.CheckConstraint(
                condition=Q(guardian__isnull=True) | ~Q(guardian=F("operator")),
                name="guardian_is_somebody_else",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=states.CONTROL_TRIED)
                | Q(guardian__isnull=False, claimed_at__isnull=False),
                name="executed_with_guardian",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ControlState.values), name="control_state_known"
            ),
        ]
        triggers = [pgtrigger.Protect(name="control_is_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether it may still be executed or is being."""
        return self.state in states.CONTROL_OPEN

    @property
    def seen(self) -> str:
        """What somebody who looks at it now has seen: the guardian's word takes it back."""
        return f"{self.state}:{int(self.present)}:{int(self.wanted)}"

    @property
    def result_words(self) -> str:
        """Why it ended as it did, for people; '' when there is nothing to say."""
        return control_words(self.result)


class ControlLog(models.Model):
    """What happened to an operation: append-only, every row an edge of the table."""

    operation = models.ForeignKey(ControlOperation, models.PROTECT, related_name="log")
    at = models.DateTimeField(_("时间"))
    move = models.CharField(_("动作"), max_length=12, choices=ControlMove)
    source = models.CharField(max_length=12, blank=True)
    target = models.CharField(max_length=12)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    door = models.CharField(
        _("来源"),
        max_length=8,
        choices=[("system", _("系统")), ("web", _("网页")), ("api", _("接口"))],
        default="system",
    )
    note = models.CharField(_("说明"), max_length=400, blank=True)
    facts = models.JSONField(_("数据"), default=dict)

    class Meta:
        verbose_name = _("遥控记录")
        verbose_name_plural = pgettext_lazy("plural", "遥控记录")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["operation", "at"], name="control_log_of")]
        constraints = [
            models.CheckConstraint(
                condition=Q(move=ControlMove.SELECT, source="", target=ControlState.SELECTED)
                | states.CONTROL.condition(source="source", move="move", target="target"),
                name="control_log_follows_table",
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="control_log_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.move}"

    @property
    def words(self) -> str:
        """Why, for people; '' where the row says only that it happened."""
        return control_words(self.facts.get("result", ""))

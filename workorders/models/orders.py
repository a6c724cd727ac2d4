"""Work orders, their log and their photos."""

from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from alarms.models import Alarm
from core.labels import QuickLabels
from devices.models import Device
from sites.models import Circuit, Room, Site, SiteScopedQuerySet, Team, User
from workorders import states
from workorders.models.base import LogRow, Picture, Work, WorkQuerySet
from workorders.states import Kind, Move, Priority, State


class WorkOrderQuerySet(WorkQuerySet):
    def with_place(self) -> Self:
        """What a row or a detail page prints, in one query."""
        return self.select_related(
            "site__enterprise",
            "site__team",
            "room",
            "circuit",
            "device",
            "team",
            "assignee",
            "alarm__rule",
            "created_by",
        )


class WorkOrder(QuickLabels, Work):
    """Work at a site, from an alarm or by hand, followed until it is accepted.

    Invariants (database): an assignee from assignment on; finding and measures from hand-over on;
    at most one open order per alarm. Moved only by workorders.services.
    """

    OPEN = states.OPEN

    kind = models.CharField(_("类型"), max_length=12, choices=Kind)
    priority = models.CharField(_("优先级"), max_length=8, choices=Priority)
    description = models.TextField(_("描述"), blank=True)
    site = models.ForeignKey(Site, models.PROTECT, related_name="orders", verbose_name=_("站点"))
    room = models.ForeignKey(Room, models.SET_NULL, null=True, blank=True, verbose_name=_("配电室"))
    circuit = models.ForeignKey(
        Circuit, models.SET_NULL, null=True, blank=True, verbose_name=_("回路")
    )
    device = models.ForeignKey(
        Device,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("设备"),
    )
    alarm = models.ForeignKey(
        Alarm,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("告警"),
    )
    state = models.CharField(_("状态"), max_length=12, choices=State)
    due_at = models.DateTimeField(_("要求完成时间"))
    team = models.ForeignKey(
        Team,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("班组"),
    )
    assignee = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("处理人"),
    )
    finding = models.TextField(_("现场情况"), blank=True)
    measures = models.TextField(_("处理措施"), blank=True)
    started_at = models.DateTimeField(_("开始处理时间"), null=True)
    finished_at = models.DateTimeField(_("提交验收时间"), null=True)
    closed_at = models.DateTimeField(_("关闭时间"), null=True)

    objects = WorkOrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("工单")
        verbose_name_plural = pgettext_lazy("plural", "工单")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["site", "state"], name="order_site_state"),
            models.Index(fields=["assignee", "state"], name="order_assignee_state"),
            models.Index(
                fields=["due_at"], condition=Q(state__in=states.OPEN), name="order_open_due"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alarm"],
                condition=Q(state__in=states.OPEN),
                name="one_open_order_per_alarm",
                violation_error_message=_("该告警已有未关闭的工单。"),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["new", "cancelled"]) | Q(assignee__isnull=False),
                name="assigned_has_assignee",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["to_accept", "closed"])
                | Q(finding__gt="", measures__gt=""),
                name="handed_over_with_result",
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="order_state_known"),
        ]


class WorkOrderLog(LogRow):
    """What happened to an order."""

    order = models.ForeignKey(WorkOrder, models.PROTECT, related_name="log")
    move = models.CharField(_("动作"), max_length=12, choices=Move, blank=True)

    class Meta:
        verbose_name = _("工单记录")
        verbose_name_plural = pgettext_lazy("plural", "工单记录")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["order", "at"], name="order_log_of")]
        constraints = [
            models.CheckConstraint(
                condition=(~Q(entry="move") & Q(move=""))
                | (
                    Q(entry="move")
                    & states.LIFE.condition(source="source", move="move", target="target")
                ),
                name="order_log_follows_table",
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="order_log_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class PhotoQuerySet(SiteScopedQuerySet):
    site_path = "order__site__"


class Photo(Picture):
    """A picture of an order."""

    order = models.ForeignKey(WorkOrder, models.PROTECT, related_name="photos")
    image = models.ImageField(
        _("照片"), upload_to="orders/%Y/%m/", width_field="width_px", height_field="height_px"
    )
    thumbnail = models.ImageField(_("缩略图"), upload_to="orders/%Y/%m/")

    objects = PhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("照片")
        verbose_name_plural = pgettext_lazy("plural", "照片")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.order_id} {self.at:%F %T}"

    @property
    def file_name(self) -> str:
        """What the picture is called when it is saved; reads the order."""
        return f"{self.order.number}-{self.pk}.jpg"

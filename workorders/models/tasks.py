"""Plans of recurring work, and the tasks that are made from them or by hand."""

from __future__ import annotations

from typing import Any, Self

import pgtrigger
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.labels import QuickLabels
from sites.models import Site, SiteScopedQuerySet, Team, User, access_for
from sites.models.changes import keeps_changes
from sites.models.names import name_for_reader
from sites.rules import Ability, ScopeKind
from workorders import states
from workorders.models.base import LogRow, Picture, Work, WorkQuerySet
from workorders.rules.recurrence import Schedule
from workorders.states import Recurrence, TaskMove, TaskState


class TaskPlanQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User | AnonymousUser, *, ability: Ability = Ability.VIEW) -> Self:
        """Plans of the teams on which, or on whose company, the ability is held.

        Whoever sees only some sites sees their tasks, not the plan, which names other sites.
        """
        access = access_for(user)
        if access.has_everywhere(ability):
            return self
        return self.filter(
            Q(team__in=access.scope_ids(ScopeKind.TEAM, ability))
            | Q(team__organisation__in=access.scope_ids(ScopeKind.ORGANISATION, ability))
        )


@keeps_changes()
class TaskPlan(models.Model):
    """Recurring work of a team at some or all of its sites.

    `first_due_on` anchors the recurrence: a task is due on that day and every `every` weeks or
    months after it (in shorter months on their last day) until `ends_on`. Work may begin
    `days_to_do` - 1 days before it is due; the task is generated `lead_days` before that.
    Nothing that was due before `effective_on` is made up for. Written by workorders.services.
    """

    name = models.CharField(_("名称"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True)
    team = models.ForeignKey(
        Team, models.PROTECT, related_name="task_plans", verbose_name=_("班组")
    )
    is_whole_team = models.BooleanField(_("班组的全部站点"), default=False)
    sites = models.ManyToManyField(
        Site, blank=True, related_name="task_plans", verbose_name=pgettext_lazy("plural", "站点")
    )
    instructions = models.TextField(_("工作内容"), blank=True)
    recurrence = models.CharField(_("周期"), max_length=8, choices=Recurrence)
    every = models.PositiveSmallIntegerField(_("间隔"), default=1)
    first_due_on = models.DateField(_("首次到期日"))
    ends_on = models.DateField(_("结束日期"), null=True, blank=True)
    days_to_do = models.PositiveSmallIntegerField(_("完成天数"), default=1)
    lead_days = models.PositiveSmallIntegerField(_("提前生成天数"), default=7)
    is_enabled = models.BooleanField(_("启用"), default=True)
    effective_on = models.DateField(_("生效日期"))
    created_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("创建人")
    )
    created_at = models.DateTimeField(_("创建时间"))
    updated_at = models.DateTimeField(_("更新时间"))

    objects = TaskPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("任务计划")
        verbose_name_plural = pgettext_lazy("plural", "任务计划")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"],
                name="plan_name_per_team",
                violation_error_message=_("该班组已有同名计划。"),
            ),
            models.CheckConstraint(
                condition=Q(recurrence__in=Recurrence.values), name="plan_recurrence_known"
            ),
            models.CheckConstraint(
                condition=Q(every__range=(1, 60), days_to_do__range=(1, 90))
                & Q(lead_days__range=(0, 180)),
                name="plan_numbers_in_range",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("first_due_on")),
                name="plan_period_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return name_for_reader(self.name, self.name_en)

    @property
    def schedule(self) -> Schedule:
        """When work is due, as the rules reckon with it."""
        return Schedule(
            recurrence=Recurrence(self.recurrence),
            every=self.every,
            first_due_on=self.first_due_on,
            ends_on=self.ends_on,
            days_to_do=self.days_to_do,
            lead_days=self.lead_days,
        )


class TaskQuerySet(WorkQuerySet):
    def with_place(self) -> Self:
        """What a row or a detail page prints, in one query."""
        return self.select_related(
            "site__enterprise", "site__team", "team", "assignee", "plan", "created_by"
        )


class Task(QuickLabels, Work):
    """Planned work at one site, from a plan or by hand, followed until it is accepted.

    `planned_on` is the due day that the plan asked for; people may move the due time without the
    plan making the task anew. `due_at` is the last second of the due day in the site's zone.
    Invariants (database): at most one task per plan, site and planned day, withdrawn ones apart;
    an assignee from assignment on; a result from hand-over on. Moved only by workorders.services.
    """

    OPEN = states.TASK_OPEN

    plan = models.ForeignKey(
        TaskPlan,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("任务计划"),
    )
    planned_on = models.DateField(_("计划到期日"), null=True, blank=True)
    is_withdrawn = models.BooleanField(_("随计划撤回"), default=False)
    site = models.ForeignKey(Site, models.PROTECT, related_name="tasks", verbose_name=_("站点"))
    team = models.ForeignKey(
        Team,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("班组"),
    )
    assignee = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("执行人"),
    )
    instructions = models.TextField(_("工作内容"), blank=True)
    state = models.CharField(_("状态"), max_length=12, choices=TaskState)
    starts_on = models.DateField(_("可开始日期"))
    due_on = models.DateField(_("到期日"))
    due_at = models.DateTimeField(_("到期时间"))
    result = models.TextField(_("完成情况"), blank=True)
    moved_at = models.DateTimeField(_("进入当前状态的时间"))
    started_at = models.DateTimeField(_("开始执行时间"), null=True)
    finished_at = models.DateTimeField(_("提交结果时间"), null=True)
    closed_at = models.DateTimeField(_("验收时间"), null=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("任务")
        verbose_name_plural = pgettext_lazy("plural", "任务")
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(fields=["site", "state"], name="task_site_state"),
            models.Index(fields=["assignee", "state"], name="task_assignee_state"),
            models.Index(fields=["due_at", "site"], name="task_due_site"),
            models.Index(
                fields=["due_at"], condition=Q(state__in=states.TASK_OPEN), name="task_open_due"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "site", "planned_on"],
                condition=Q(is_withdrawn=False),
                name="one_task_per_plan_site_day",
            ),
            models.CheckConstraint(
                condition=Q(plan__isnull=True, planned_on__isnull=True)
                | Q(plan__isnull=False, planned_on__isnull=False),
                name="task_of_plan_has_day",
            ),
            models.CheckConstraint(
                condition=Q(is_withdrawn=False) | Q(state="cancelled", plan__isnull=False),
                name="withdrawn_task_is_cancelled",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["new", "cancelled"]) | Q(assignee__isnull=False),
                name="assigned_task_has_assignee",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["to_accept", "done"])
                | Q(result__gt="", finished_at__isnull=False),
                name="finished_task_has_result",
            ),
            models.CheckConstraint(condition=Q(starts_on__lte=F("due_on")), name="task_in_order"),
            models.CheckConstraint(
                condition=Q(state__in=TaskState.values), name="task_state_known"
            ),
        ]


class TaskLog(LogRow):
    """What happened to a task."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="log")
    move = models.CharField(_("动作"), max_length=12, choices=TaskMove, blank=True)

    class Meta:
        verbose_name = _("任务记录")
        verbose_name_plural = pgettext_lazy("plural", "任务记录")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["task", "at"], name="task_log_of")]
        constraints = [
            models.CheckConstraint(
                condition=(~Q(entry="move") & Q(move=""))
                | (
                    Q(entry="move")
                    & states.TASK_LIFE.condition(source="source", move="move", target="target")
                ),
                name="task_log_follows_table",
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="task_log_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class TaskPhotoQuerySet(SiteScopedQuerySet):
    site_path = "task__site__"


class TaskPhoto(Picture):
    """A picture of a task's result."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="photos")
    image = models.ImageField(
        _("照片"), upload_to="tasks/%Y/%m/", width_field="width_px", height_field="height_px"
    )
    thumbnail = models.ImageField(_("缩略图"), upload_to="tasks/%Y/%m/")

    objects = TaskPhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("任务照片")
        verbose_name_plural = pgettext_lazy("plural", "任务照片")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.task_id} {self.at:%F %T}"

    @property
    def file_name(self) -> str:
        """What the picture is called when it is saved; reads the task."""
        return f"{self.task.number}-{self.pk}.jpg"

"""The admin: orders, tasks and plans with their record, to look at; they change on their pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import pgettext_lazy

from sites.admin import ListInline, ScopedAdmin
from workorders.models import (
    Photo,
    Task,
    TaskLog,
    TaskPhoto,
    TaskPlan,
    WorkOrder,
    WorkOrderLog,
)


class LogInline(ListInline):
    """What happened, oldest first."""

    model = WorkOrderLog
    verbose_name_plural = pgettext_lazy("plural", "工单记录")
    fields = ("at", "entry", "move", "source", "target", "by", "door", "note")
    readonly_fields = ("at", "entry", "move", "source", "target", "by", "door", "note")
    ordering = ["at", "id"]
    show_change_link = False


class PhotoInline(ListInline):
    """Who photographed what; the pictures are on the order's page, behind its gate."""

    model = Photo
    fields = ("at", "by", "caption", "width_px", "height_px")
    readonly_fields = ("at", "by", "caption", "width_px", "height_px")
    show_change_link = False


class TaskLogInline(ListInline):
    """What happened to a task."""

    model = TaskLog
    verbose_name_plural = pgettext_lazy("plural", "任务记录")
    fields = LogInline.fields
    readonly_fields = LogInline.readonly_fields
    ordering = ["at", "id"]
    show_change_link = False


class TaskPhotoInline(ListInline):
    """Who photographed what of a task."""

    model = TaskPhoto
    fields = PhotoInline.fields
    readonly_fields = PhotoInline.readonly_fields
    show_change_link = False


class LookOnly(ScopedAdmin):
    """Shown, never changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(WorkOrder)
class WorkOrderAdmin(LookOnly):
    """Orders of one's sites."""

    list_display = [
        "number",
        "title",
        "kind",
        "priority",
        "state",
        "site",
        "assignee",
        "due_at",
        "created_at",
    ]
    list_filter = ["state", "kind", "priority"]
    list_select_related = ["site", "assignee"]
    search_fields = ["number", "title", "site__name", "site__number"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]
    inlines = [LogInline, PhotoInline]


@admin.register(Task)
class TaskAdmin(LookOnly):
    """Tasks of one's sites."""

    list_display = ["number", "title", "state", "site", "assignee", "due_on", "plan"]
    list_filter = ["state"]
    list_select_related = ["site", "assignee", "plan"]
    search_fields = ["number", "title", "site__name", "site__number"]
    date_hierarchy = "due_on"
    ordering = ["-due_at", "-id"]
    inlines = [TaskLogInline, TaskPhotoInline]


@admin.register(TaskPlan)
class TaskPlanAdmin(LookOnly):
    """Plans of one's teams."""

    list_display = ["name", "team", "recurrence", "every", "first_due_on", "ends_on", "is_enabled"]
    list_filter = ["recurrence", "is_enabled"]
    list_select_related = ["team"]
    search_fields = ["name", "name_en"]
    ordering = ["name", "id"]

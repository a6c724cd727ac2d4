"""The admin: orders and their record, to look at. They are moved on their pages."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import pgettext_lazy

from sites.admin import ListInline, ScopedAdmin
from workorders.models import Photo, WorkOrder, WorkOrderLog


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


@admin.register(WorkOrder)
class WorkOrderAdmin(ScopedAdmin):
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: WorkOrder | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WorkOrder | None = None) -> bool:
        return False

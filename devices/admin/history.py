"""Admin of the history: how long things are kept, which hours are compressed, which days rolled up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from devices.models import CompactedHour, Retention, RolledDay, SampleLoss
from sites.admin.base import PlatformAdmin, RecordAdmin


@admin.register(Retention)
class RetentionAdmin(PlatformAdmin):
    """One row per kind, there from the beginning: only its days are changed."""

    list_display = ("kind", "days", "allowed")
    fields = ("kind", "days", "allowed")
    readonly_fields = ("kind", "allowed")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("允许范围（天）"))
    def allowed(self, obj: Retention) -> str:
        """Least and most days."""
        least, most = Retention.BOUNDS[Retention.Kind(obj.kind)]
        return f"{least} – {most}"


@admin.register(CompactedHour)
class CompactedHourAdmin(RecordAdmin):
    list_display = (
        "hour",
        "blocks",
        "rows",
        "size_bytes",
        "compacted_at",
        "is_checked",
        "differing",
        "dropped_at",
        "is_rolled",
    )
    list_filter = ("is_checked", "is_rolled")
    date_hierarchy = "hour"


@admin.register(RolledDay)
class RolledDayAdmin(RecordAdmin):
    list_display = ("day", "zone", "rows", "size_bytes", "noted_at", "rolled_at")
    list_filter = ("zone",)
    date_hierarchy = "day"


@admin.register(SampleLoss)
class SampleLossAdmin(RecordAdmin):
    list_display = ("noted_at", "shard", "first_at", "last_at", "thinned", "dropped")
    date_hierarchy = "noted_at"

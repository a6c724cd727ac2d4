"""Admin of the history: how long things are kept, which hours are compressed, which days rolled up, what room is left."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from devices.models import CompactedHour, Retention, RolledDay, SampleLoss, StoragePlan
from devices.selectors.storage import Storage, storage
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
        "is_folded",
    )
    list_filter = ("is_checked", "is_rolled", "is_folded")
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


@admin.register(StoragePlan)
class StoragePlanAdmin(PlatformAdmin):
    """One row: the room, the thresholds, where the platform's alarms go, what the forecast says."""

    list_display = ("__str__", "capacity_gb", "warn_days", "urgent_days", "site")
    list_select_related = ("site",)
    fields = ("capacity_gb", "warn_days", "urgent_days", "site", "forecast")
    readonly_fields = ("forecast",)
    autocomplete_fields = ("site",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("容量预测"))
    def forecast(self, obj: StoragePlan) -> str:
        """The room left, for how long, and what each kind of data takes and adds."""
        found = storage(now=timezone.now())
        free = "—" if found.free_bytes is None else filesizeformat(found.free_bytes)
        lines = [
            (gettext("状态"), found.level.label),
            (gettext("剩余空间"), free),
            (gettext("预计剩余天数"), _days_left(found)),
            (gettext("数据库大小"), filesizeformat(found.database_bytes)),
        ]
        lines += [
            (
                kind.label,
                gettext("%(size)s，每天增加 %(more)s")
                % {
                    "size": filesizeformat(kind.size_bytes),
                    "more": filesizeformat(round(kind.bytes_per_day)),
                },
            )
            for kind in found.kinds
        ]
        return format_html_join("", "<div>{}: {}</div>", lines)


def _days_left(found: Storage) -> str:
    if found.free_bytes is None:
        return "—"
    if found.days_left is None:
        return gettext("按现有保留期限不会写满")
    return str(found.days_left)

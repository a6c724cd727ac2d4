"""The admin: rules and what sites or devices say differently; alarms and their log, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from alarms.models import Alarm, AlarmLog, Rule, RuleOverride
from sites.admin import ListInline, PlatformAdmin, ScopedAdmin, ScopedInline
from sites.rules import Ability

_TERMS = ("threshold", "reset", "delay_s", "reset_delay_s", "severity", "is_enabled", "note")


class OverrideInline(ScopedInline):
    """Within one's scope; the rule itself may be out of one's hands."""

    model = RuleOverride
    ability = Ability.MANAGE_RULES
    fields = ("site", "device", *_TERMS)
    autocomplete_fields = ("site", "device")


@admin.register(Rule)
class RuleAdmin(PlatformAdmin):
    """Rules of the platform: edited by who manages rules everywhere, shown to who does anywhere."""

    ability = Ability.MANAGE_RULES
    view_ability = Ability.MANAGE_RULES
    list_display = (
        "key", "label", "kind", "severity", "threshold", "reset", "basis", "delay_s", "is_enabled",
    )  # fmt: skip
    list_filter = ("kind", "severity", "is_enabled")
    search_fields = ("key", "name", "name_en")
    readonly_fields = ("updated_at",)
    inlines = (OverrideInline,)
    fieldsets = (
        (None, {"fields": ("key", "name", "name_en", "severity", "is_enabled")}),
        (
            _("条件"),
            {
                "fields": (
                    "kind",
                    "level",
                    "point_codes",
                    "measure",
                    "basis",
                    "threshold",
                    "reset",
                    "guard",
                    "reference",
                    "to_value",
                    "delay_s",
                    "reset_delay_s",
                    "circuit_kinds",
                )
            },
        ),
        (
            _("说明"),
            {"fields": ("cause", "cause_en", "advice", "advice_en", "source", "updated_at")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        """The key is chosen once: alarms, files and other systems know the rule by it."""
        return (*self.readonly_fields, *(("key",) if obj else ()))


@admin.register(RuleOverride)
class RuleOverrideAdmin(ScopedAdmin):
    """What one's sites and devices say differently."""

    ability = Ability.MANAGE_RULES
    view_ability = Ability.MANAGE_RULES
    list_display = ("rule", "site", "device", *_TERMS[:6], "updated_at")
    list_filter = ("rule", "severity")
    list_select_related = ("rule", "site", "device")
    search_fields = ("rule__key", "rule__name", "site__name", "device__name", "note")
    autocomplete_fields = ("rule", "site", "device")
    fixed_fields = ("rule", "site", "device")
    fields = ("rule", "site", "device", *_TERMS)


class LogInline(ListInline):
    """What happened, oldest first."""

    model = AlarmLog
    verbose_name_plural = pgettext_lazy("plural", "告警记录")
    fields = ("at", "entry", "move", "source", "target", "by", "door", "note", "facts")
    readonly_fields = fields
    ordering = ("at", "id")
    show_change_link = False


@admin.register(Alarm)
class AlarmAdmin(ScopedAdmin):
    """Alarms of one's sites; they are moved on their pages."""

    list_display = (
        "number", "rule", "severity", "condition", "handling", "site", "device", "raised_at",
        "recurrences",
    )  # fmt: skip
    list_filter = ("handling", "condition", "severity", "is_simulated")
    list_select_related = ("rule", "site", "device")
    search_fields = ("number", "rule__key", "rule__name", "site__name", "device__name")
    date_hierarchy = "raised_at"
    ordering = ("-raised_at", "-id")
    inlines = (LogInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Alarm | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Alarm | None = None) -> bool:
        return False

"""Admin of places: enterprise › site › room › transformer › circuit, and the dictionaries."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from sites.admin.base import SHEET_LIST, ListInline, PlatformAdmin, ScopedAdmin, ScopedInline
from sites.models import (
    Category,
    Circuit,
    Department,
    Enterprise,
    Room,
    Site,
    Town,
    Transformer,
)

_STAMPS = ("created_at", "updated_at")
_OWN = admin.RelatedOnlyFieldListFilter


class SiteInline(ListInline):
    model = Site
    fields = ("number", "name", "state", "team")


class RoomInline(ScopedInline):
    model = Room
    fields = ("name", "name_en", "kind")


class TransformerInline(ScopedInline):
    model = Transformer
    fields = ("name", "name_en", "rated_kva", "vector_group", "kind")


class CircuitInline(ScopedInline):
    model = Circuit
    fields = ("code", "name", "name_en", "kind", "rated_current_a", "transformer", "parent")
    autocomplete_fields = ("transformer", "parent")


@admin.register(Enterprise)
class EnterpriseAdmin(ScopedAdmin):
    change_list_template = SHEET_LIST
    platform_to_add = True
    platform_fields = ("number", "town", "department", "category", "parent", "is_group")
    list_display = ("number", "name", "category", "town", "department", "supply_voltage")
    list_display_links = ("number", "name")
    list_filter = (
        ("category", _OWN),
        ("town", _OWN),
        ("department", _OWN),
        "quality",
        "supply_voltage",
        "is_group",
    )
    list_select_related = ("category", "town", "department")
    search_fields = ("number", "name", "name_en", "address", "contact_name")
    autocomplete_fields = ("parent", "category", "department", "town")
    readonly_fields = _STAMPS
    inlines = (SiteInline,)
    fieldsets = (
        (None, {"fields": ("number", "name", "name_en", ("is_group", "parent"))}),
        (_("归口"), {"fields": ("category", "department", "town", "quality")}),
        (
            _("用电"),
            {
                "fields": (
                    "supply_voltage",
                    "contract_capacity_kva",
                    ("payment_code", "payment_name"),
                    "annual_output_10k_yuan",
                )
            },
        ),
        (
            _("联系"),
            {
                "fields": (
                    "address",
                    ("contact_name", "contact_phone"),
                    ("legal_person", "legal_phone"),
                )
            },
        ),
        (_("记录"), {"fields": _STAMPS}),
    )


@admin.register(Site)
class SiteAdmin(ScopedAdmin):
    change_list_template = SHEET_LIST
    platform_to_add = True
    platform_fields = ("number", "enterprise")
    list_display = ("number", "name", "enterprise", "team", "state", "nominal_voltage_v")
    list_display_links = ("number", "name")
    list_filter = ("state", ("team", _OWN), ("enterprise__town", _OWN), "nominal_voltage_v")
    list_select_related = ("enterprise", "team")
    search_fields = ("number", "name", "name_en", "address", "enterprise__name")
    autocomplete_fields = ("enterprise", "team")
    date_hierarchy = "commissioned_on"
    readonly_fields = _STAMPS
    inlines = (RoomInline,)
    fieldsets = (
        (None, {"fields": ("number", "name", "name_en", "enterprise", "team", "state")}),
        (_("位置"), {"fields": ("address", ("latitude_deg", "longitude_deg"), "timezone")}),
        (
            _("电气"),
            {
                "fields": (
                    "nominal_voltage_v",
                    "commissioned_on",
                    "balance_limit_percent",
                    "is_control_allowed",
                    ("is_clock_setting_allowed", "clock_tolerance_s"),
                )
            },
        ),
        (_("联系"), {"fields": (("contact_name", "contact_phone"),)}),
        (_("记录"), {"fields": _STAMPS}),
    )


@admin.register(Room)
class RoomAdmin(ScopedAdmin):
    change_list_template = SHEET_LIST
    fixed_fields = ("site",)
    list_display = ("name", "site", "kind")
    list_filter = ("kind", ("site__team", _OWN))
    list_select_related = ("site",)
    search_fields = ("name", "name_en", "site__name", "site__number")
    autocomplete_fields = ("site",)
    readonly_fields = _STAMPS
    inlines = (TransformerInline, CircuitInline)


@admin.register(Transformer)
class TransformerAdmin(ScopedAdmin):
    change_list_template = SHEET_LIST
    fixed_fields = ("room",)
    list_display = ("name", "room", "site", "rated_kva", "vector_group", "kind")
    list_filter = ("kind", "vector_group", ("room__site__team", _OWN))
    list_select_related = ("room__site",)
    search_fields = ("name", "name_en", "room__name", "room__site__name")
    autocomplete_fields = ("room",)
    readonly_fields = _STAMPS

    @admin.display(description=_("站点"), ordering="room__site__number")
    def site(self, row: Transformer) -> Site:
        return row.room.site


@admin.register(Circuit)
class CircuitAdmin(ScopedAdmin):
    change_list_template = SHEET_LIST
    list_display = ("code", "name", "kind", "room", "site", "transformer", "parent")
    list_display_links = ("code", "name")
    list_filter = ("kind", ("room__site__team", _OWN))
    list_select_related = ("room__site", "transformer", "parent")
    search_fields = ("code", "name", "name_en", "room__name", "room__site__name")
    autocomplete_fields = ("room", "transformer", "parent")
    readonly_fields = _STAMPS

    @admin.display(description=_("站点"), ordering="room__site__number")
    def site(self, row: Circuit) -> Site:
        return row.room.site


@admin.register(Town, Department)
class DictionaryAdmin(PlatformAdmin):
    list_display = ("code", "name", "name_en")
    search_fields = ("code", "name", "name_en")


@admin.register(Category)
class CategoryAdmin(PlatformAdmin):
    list_display = ("code", "name", "is_subsidised", "planned_enterprises")
    list_filter = ("is_subsidised", "departments")
    search_fields = ("code", "name", "name_en")
    filter_horizontal = ("departments",)

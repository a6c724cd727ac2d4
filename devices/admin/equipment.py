"""Admin of gateways, buses, devices, and what happened to their links."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.forms import BusForm, BusFormSet, DeviceForm, MeterFormSet, RatioFormSet
from devices.models import (
    Bus,
    Device,
    DtuDoor,
    DtuProfile,
    Gateway,
    LinkEvent,
    Meter,
    PointOverride,
    PollShard,
    Ratio,
)
from devices.services import equipment
from sites.admin.base import (
    SHEET_LIST,
    ListInline,
    PlatformAdmin,
    RecordAdmin,
    ScopedAdmin,
    ScopedInline,
)
from sites.models import Site

_OWN = admin.RelatedOnlyFieldListFilter
_LINK = ("is_online", "link_changed_at", "last_seen_at", "link_error")
_STAMPS = ("created_at", "updated_at")


class BusInline(ScopedInline):
    model = Bus
    form = BusForm
    formset = BusFormSet
    fields = ("number", "port", "timeout_ms", "gap_ms")


class RatioInline(ScopedInline):
    """A new row ends the one in force."""

    model = Ratio
    formset = RatioFormSet
    fields = ("ct", "pt", "valid_from", "valid_to")
    readonly_fields = ("valid_to",)


class MeterInline(ScopedInline):
    """A new row replaces the meter in place."""

    model = Meter
    formset = MeterFormSet
    fields = ("serial", "installed_at", "removed_at")
    readonly_fields = ("removed_at",)


class OverrideInline(ScopedInline):
    model = PointOverride
    fields = ("point", "name", "name_en", "is_enabled")
    autocomplete_fields = ("point",)


class DeviceInline(ListInline):
    model = Device
    fields = ("unit_id", "code", "name", "template_version", "is_enabled", "is_online")
    readonly_fields = ("is_online",)


@admin.register(Gateway)
class GatewayAdmin(ScopedAdmin):
    change_list_template = SHEET_LIST
    fixed_fields = ("site",)
    list_display = (
        "name",
        "site",
        "kind",
        "place",
        "shard",
        "period_s",
        "is_enabled",
        "is_online",
        "last_seen_at",
        "is_simulated",
    )
    list_filter = (
        "kind",
        "is_enabled",
        "is_online",
        "is_simulated",
        "shard",
        ("site__team", _OWN),
    )
    list_select_related = ("site",)
    search_fields = (
        "name",
        "name_en",
        "serial",
        "host",
        "dtu_id",
        "imei",
        "iccid",
        "site__name",
        "site__number",
    )
    autocomplete_fields = ("site",)
    readonly_fields = (*_LINK, *_STAMPS)
    inlines = (BusInline,)
    fieldsets = (
        (None, {"fields": ("site", "name", "name_en", "serial", "kind", "is_enabled")}),
        (_("采集"), {"fields": ("host", "shard", "period_s", "offline_after_s", "is_simulated")}),
        (pgettext_lazy("gateway", "DTU 拨入"), {"fields": ("dtu_id", "dtu_profile")}),
        (
            _("SIM 卡与模块"),
            {"fields": ("imei", "iccid", "firmware", "sim_expires_on", "sim_plan_mb")},
        ),
        (_("通信"), {"fields": _LINK}),
        (_("记录"), {"fields": _STAMPS}),
    )

    @admin.display(description=_("地址"), ordering="host")
    def place(self, row: Gateway) -> str:
        return row.place


@admin.register(DtuProfile)
class DtuProfileAdmin(PlatformAdmin):
    """Kinds of DTUs; gateways that dial in name theirs."""

    list_display = (
        "code",
        "name",
        "registration",
        "heartbeat_hex",
        "answers_heartbeat",
        "framing",
        "idle_s",
    )
    list_filter = ("registration", "framing")
    search_fields = ("code", "name", "name_en")
    readonly_fields = ("updated_at",)


@admin.register(DtuDoor)
class DtuDoorAdmin(RecordAdmin):
    list_display = ("number", "address", "opened_at", "strangers", "updated_at")


@admin.register(Bus)
class BusAdmin(ScopedAdmin):
    """To be searched for, and to see who is on a bus; changed on the page of its gateway."""

    change_list_template = SHEET_LIST
    list_display = ("gateway", "number", "port", "timeout_ms", "gap_ms", "site")
    list_select_related = ("gateway__site",)
    search_fields = ("gateway__name", "gateway__host", "gateway__site__name", "=port")
    readonly_fields = ("gateway", "updated_at")
    inlines = (DeviceInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("站点"), ordering="gateway__site__number")
    def site(self, row: Bus) -> Site:
        return row.gateway.site


@admin.register(Device)
class DeviceAdmin(ScopedAdmin):
    change_list_template = SHEET_LIST
    form = DeviceForm
    list_display = (
        "code",
        "name",
        "site",
        "circuit",
        "bus",
        "unit_id",
        "source",
        "template_version",
        "is_enabled",
        "is_online",
        "is_simulated",
    )
    list_display_links = ("code", "name")
    list_filter = (
        "is_enabled",
        "is_online",
        "is_simulated",
        "template_version__template",
        ("site__team", _OWN),
    )
    list_select_related = (
        "site",
        "circuit",
        "bus__gateway",
        "source",
        "template_version__template",
    )
    search_fields = ("code", "name", "name_en", "site__name", "site__number", "circuit__name")
    autocomplete_fields = ("site", "room", "circuit", "bus", "source", "template_version")
    readonly_fields = (*_LINK, *_STAMPS)
    inlines = (RatioInline, MeterInline, OverrideInline)
    fieldsets = (
        (None, {"fields": ("code", "name", "name_en", "is_enabled", "is_simulated")}),
        (_("位置"), {"fields": ("site", "room", "circuit")}),
        (_("采集"), {"fields": ("bus", "unit_id", "source", "template_version")}),
        (_("通信"), {"fields": _LINK}),
        (_("记录"), {"fields": _STAMPS}),
    )

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """A device that moves leaves its latest values behind."""
        super().save_model(request, obj, form, change)
        if change and "site" in form.changed_data:
            equipment.forget_place(device=obj, site_id=form.initial["site"])


@admin.register(LinkEvent)
class LinkEventAdmin(ScopedAdmin):
    """The record of links: looked at, never written by hand."""

    list_display = ("at", "site", "gateway", "device", "is_online", "reason")
    list_filter = ("is_online", "reason", ("site__team", _OWN))
    list_select_related = ("site", "gateway", "device")
    search_fields = ("site__name", "gateway__name", "device__name", "device__code")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PollShard)
class PollShardAdmin(RecordAdmin):
    list_display = ("number", "owner", "fence", "cycle_at", "cycle_ms", "late_cycles")

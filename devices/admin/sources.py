"""Admin of data sources. Keys are made here, shown once, and never seen again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from devices.models import DataSource, Device, MqttBroker, MqttMapping
from devices.services import sources
from sites.admin.base import ListInline, ScopedAdmin

_OWN = admin.RelatedOnlyFieldListFilter
_STATE = (
    "last_seen_at",
    "last_address",
    "counted_on",
    "accepted",
    "repeated",
    "refused",
)
_KEY = ("key_hint", "key_made_at")


class FedDeviceInline(ListInline):
    model = Device
    fields = ("code", "name", "template_version", "is_enabled", "is_online", "last_seen_at")
    readonly_fields = ("is_online", "last_seen_at")


@admin.register(DataSource)
class DataSourceAdmin(ScopedAdmin):
    fixed_fields = ("site",)
    list_display = ("name", "site", "is_enabled", "key_hint", "last_seen_at", "quota_per_minute")
    list_filter = ("is_enabled", ("site__team", _OWN))
    list_select_related = ("site",)
    search_fields = ("name", "name_en", "site__name", "site__number")
    autocomplete_fields = ("site",)
    readonly_fields = (*_KEY, *_STATE, "created_at", "updated_at")
    inlines = (FedDeviceInline,)
    actions = ("renew_keys",)
    fieldsets = (
        (None, {"fields": ("site", "name", "name_en", "is_enabled")}),
        (_("采集"), {"fields": ("quota_per_minute", "period_s", "offline_after_s")}),
        (_("密钥"), {"fields": _KEY}),
        (_("通信"), {"fields": _STATE}),
        (_("记录"), {"fields": ("created_at", "updated_at")}),
    )

    def save_model(self, request: HttpRequest, obj: DataSource, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """A new source gets its key."""
        if change:
            super().save_model(request, obj, form, change)
            return
        self._show(request, obj, sources.create_source(source=obj, now=timezone.now()))

    @admin.action(description=_("更换密钥（原密钥立即失效）"))
    def renew_keys(self, request: HttpRequest, rows: QuerySet[DataSource]) -> None:
        """Another key for each; only where the person may change the source."""
        for source in rows:
            if self.has_change_permission(request, source):
                self._show(request, source, sources.renew_key(source=source, now=timezone.now()))

    def _show(self, request: HttpRequest, source: DataSource, plain: str) -> None:
        text = gettext("数据源“%(name)s”的密钥（仅显示这一次）：%(key)s")
        facts = {"name": source.label, "key": plain}
        self.message_user(request, text % facts, messages.WARNING)


class MappingInline(ListInline):
    model = MqttMapping
    fields = ("topic", "form", "device_key", "time_path")
    readonly_fields = fields


@admin.register(MqttBroker)
class MqttBrokerAdmin(ScopedAdmin):
    """Its password is entered on the page of its source, where it is sealed."""

    fixed_fields = ("source",)
    list_display = ("source", "host", "port", "is_enabled", "is_online", "last_seen_at")
    list_filter = ("is_enabled", "is_online", ("source__site__team", _OWN))
    list_select_related = ("source__site",)
    search_fields = ("host", "source__name", "source__site__name")
    autocomplete_fields = ("source",)
    readonly_fields = (
        "is_online",
        "link_changed_at",
        "link_error",
        "last_seen_at",
        "holder",
        "updated_at",
    )
    inlines = (MappingInline,)
    fieldsets = (
        (None, {"fields": ("source", "host", "port", "username", "client_id", "is_enabled")}),
        ("TLS", {"fields": ("uses_tls", "ca_certificate")}),
        (
            _("通信"),
            {"fields": ("is_online", "link_changed_at", "link_error", "last_seen_at", "holder")},
        ),
        (_("记录"), {"fields": ("updated_at",)}),
    )

    def save_model(self, request: HttpRequest, obj: MqttBroker, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """The password belongs to an address and a user: with another of them it is forgotten."""
        if {"host", "port", "username", "uses_tls"} & set(form.changed_data):
            obj.sealed_password = ""
        super().save_model(request, obj, form, change)

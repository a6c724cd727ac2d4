"""Admin of the dictionary and of templates: imported from text, looked at as tables."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.forms.templates import TemplateForm
from devices.models import DeviceTemplate, PointCode, Register, TemplateVersion
from devices.services import templates
from devices.states import VersionState
from sites.admin.base import ListInline, PlatformAdmin


class Published(PlatformAdmin):
    """What comes from a text: looked at by whoever manages a site, never written by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VersionInline(ListInline):
    model = TemplateVersion
    fields = ("number", "state", "values_are", "max_read_registers", "max_gap", "created_at")
    readonly_fields = ("created_at",)


class RegisterInline(ListInline):
    model = Register
    show_change_link = False
    fields = (
        "point",
        "function_code",
        "address",
        "type",
        "bit",
        "word_order",
        "unit",
        "scale",
        "factor",
        "offset",
        "poll_class",
        "confidence",
    )


@admin.register(PointCode)
class PointCodeAdmin(Published):
    list_display = ("code", "name", "name_en", "unit", "kind", "group", "phase", "data_class")
    list_filter = ("group", "kind", "data_class")
    search_fields = ("code", "name", "name_en")


@admin.register(DeviceTemplate)
class DeviceTemplateAdmin(Published):
    """Templates; a new text makes a new version, devices stay with the one they name."""

    change_list_template = "admin/devices/devicetemplate/change_list.html"
    list_display = ("key", "vendor", "model", "kind", "is_simulated", "newest")
    list_filter = ("kind", "is_simulated")
    search_fields = ("key", "vendor", "vendor_en", "model")
    inlines = (VersionInline,)

    @admin.display(description=gettext_lazy("版本号"))
    def newest(self, row: DeviceTemplate) -> int | None:
        return row.versions.order_by("-number").values_list("number", flat=True).first()

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.import_view)
        return [path("import/", page, name="devices_devicetemplate_import"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = {"may_import": self._may_import(request)}
        return super().changelist_view(request, (extra_context or {}) | may)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Import a text; what is wrong with it is said line by line."""
        if not self._may_import(request):
            raise PermissionDenied
        form = TemplateForm(request.POST or None, request.FILES or None)
        mistakes: list[str] = []
        if request.method == "POST" and form.is_valid():
            try:
                result = templates.import_template(form.cleaned_data["document"])
            except templates.TemplateRefused as refusal:
                mistakes = refusal.fields["document"]
            else:
                self._tell(request, result)
                return HttpResponseRedirect(
                    reverse("admin:devices_templateversion_change", args=[result.version.pk])
                )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("导入设备模板"),
            "form": form,
            "mistakes": mistakes,
        }
        return TemplateResponse(
            request,
            "admin/devices/devicetemplate/import.html",
            context,
            status=400 if mistakes or form.errors else 200,
        )

    def _may_import(self, request: HttpRequest) -> bool:
        return PlatformAdmin.has_change_permission(self, request)

    def _tell(self, request: HttpRequest, result: templates.Imported) -> None:
        version = result.version
        if result.is_new:
            self.message_user(request, _("已导入 %(version)s。") % {"version": version})
        else:
            self.message_user(
                request,
                _("内容与 %(version)s 相同，未建立新版本。") % {"version": version},
                messages.WARNING,
            )


@admin.register(TemplateVersion)
class TemplateVersionAdmin(Published):
    list_display = ("template", "number", "state", "values_are", "created_at")
    list_filter = ("state", "template__kind")
    list_select_related = ("template",)
    search_fields = ("template__key", "template__vendor", "template__model")
    inlines = (RegisterInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A form is offered only what was not taken out of the choice."""
        rows, is_doubled = super().get_search_results(request, queryset, search_term)
        if request.path.endswith("/autocomplete/"):
            rows = rows.exclude(state=VersionState.RETIRED)
        return rows, is_doubled

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Reached from its template."""
        return False

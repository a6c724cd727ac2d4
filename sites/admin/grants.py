"""Admin of grants: given and ended through the services, never changed or deleted; their record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, Forbidden
from sites import services
from sites.admin.base import ListInline, Scoped, ScopedAdmin
from sites.models import Grant, User, access_for
from sites.models.access import all_data_classes
from sites.rules import Ability, DataClass, ScopeKind
from sites.selectors import require_grants_on

GrantEvent = apps.get_model("sites", "GrantEvent")
_PLACES = ("organisation", "team", "enterprise", "site", "town", "department")

if TYPE_CHECKING:
    _Form = forms.ModelForm[Grant]
    _Stack = admin.StackedInline[Grant, User]
else:
    _Form, _Stack = forms.ModelForm, admin.StackedInline


class GrantForm(_Form):
    """A new grant; what the service would refuse is said beside the form."""

    by: User
    data_classes = forms.MultipleChoiceField(
        label=_("数据类别"),
        choices=DataClass.choices,
        initial=all_data_classes,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Grant
        fields = ["user", "role", "scope_kind", *_PLACES, "data_classes", "starts_at", "ends_at"]

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or {}
        kind = facts.get("scope_kind")
        scope = None if kind == ScopeKind.PLATFORM else facts.get(str(kind))
        if kind is None or (scope is None and kind != ScopeKind.PLATFORM):
            # Incomplete: the table's constraint says what is missing.
            return facts
        try:
            require_grants_on(user=self.by, scope=scope, data_classes=facts.get("data_classes", []))
        except Forbidden:
            raise forms.ValidationError(
                _("您不能在该范围内授予这些权限。"), code="forbidden"
            ) from None
        return facts


class EndForm(_Form):
    """The one thing that may be changed: a grant ends earlier."""

    class Meta:
        model = Grant
        fields = ["ends_at"]

    def clean_ends_at(self) -> Any:
        ends_at = self.cleaned_data["ends_at"]
        before = self.initial.get("ends_at")
        if ends_at == before:
            return ends_at
        if ends_at is None or (before is not None and ends_at > before):
            raise forms.ValidationError(_("授权只能提前结束，不能延长；请另行授权。"))
        if ends_at < timezone.now():
            raise forms.ValidationError(_("结束时间不能早于现在。"))
        return ends_at


class Granting(Scoped):
    """Pages that give grants: the form knows who gives, the service writes."""

    ability = Ability.MANAGE_GRANTS

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs.setdefault("queryset", User.objects.visible_to(request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def write(request: HttpRequest, row: Grant) -> None:
    """Give what a form described, through the service; the row becomes the stored one."""
    kept = services.grant(
        user=row.user,
        role=row.role,
        scope=cast("Any", row.scope),
        by=cast(User, request.user),
        now=timezone.now(),
        data_classes=row.data_classes,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )
    row.pk = kept.pk
    row.refresh_from_db()


def form_of(request: HttpRequest, form: type[GrantForm]) -> type[GrantForm]:
    """The form, knowing who fills it in."""
    return type(form.__name__, (form,), {"by": request.user})


class GrantInline(Granting, _Stack):
    """A user's grants: those given stand, new ones are added."""

    model = Grant
    form = GrantForm
    autocomplete_fields = _PLACES
    extra = 0
    can_delete = False
    show_change_link = True
    fields = (
        ("role", "scope_kind"),
        ("organisation", "team"),
        ("enterprise", "site"),
        ("town", "department"),
        "data_classes",
        ("starts_at", "ends_at"),
    )

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["form"] = form_of(request, GrantForm)
        return super().get_formset(request, obj, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_for(request.user).has_anywhere(self.ability)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_for(request.user).has_anywhere(self.ability)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GrantEventInline(ListInline):
    """What happened to the grant, and who did it."""

    model = GrantEvent
    fk_name = "pgh_obj"
    ability = Ability.MANAGE_GRANTS
    show_change_link = False
    verbose_name = verbose_name_plural = _("变更记录")
    fields = ("at", "what", "role", "data_classes", "starts_at", "ends_at", "who")
    readonly_fields = fields
    ordering = ("pgh_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("pgh_context")

    @admin.display(description=_("时间"))
    def at(self, event: Any) -> Any:
        return event.pgh_created_at

    @admin.display(description=_("变更"))
    def what(self, event: Any) -> Any:
        return {"insert": _("授予"), "update": _("修改")}.get(event.pgh_label, event.pgh_label)

    @admin.display(description=_("操作人"))
    def who(self, event: Any) -> Any:
        facts = event.pgh_context.metadata if event.pgh_context else {}
        if (pk := facts.get("user")) is None:
            return _("系统")
        return User.objects.filter(pk=pk).first() or pk


@admin.register(Grant)
class GrantAdmin(Granting, ScopedAdmin):
    view_ability = Ability.MANAGE_GRANTS
    form = GrantForm
    list_display = (
        "user",
        "role",
        "scope_kind",
        "place",
        "data_classes",
        "starts_at",
        "ends_at",
        "is_in_force",
    )
    list_filter = ("role", "scope_kind", ("user", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user", *_PLACES)
    search_fields = (
        "user__username",
        "user__name",
        "organisation__name",
        "team__name",
        "enterprise__name",
        "site__name",
        "site__number",
        "town__name",
        "department__name",
    )
    autocomplete_fields = ("user", *_PLACES)
    date_hierarchy = "starts_at"
    actions = ("end_now",)
    fieldsets = (
        (None, {"fields": ("user", "role")}),
        (
            _("范围"),
            {
                "fields": ("scope_kind", *_PLACES),
                "description": _("选择范围，并只填写与之对应的一项；全平台时都不填。"),
            },
        ),
        (_("内容与期限"), {"fields": ("data_classes", "starts_at", "ends_at")}),
    )

    @admin.display(description=_("对象"))
    def place(self, row: Grant) -> str:
        return str(row.scope or _("全平台"))

    @admin.display(description=_("有效"), boolean=True)
    def is_in_force(self, row: Grant) -> bool:
        now = timezone.now()
        return row.starts_at <= now and (row.ends_at is None or row.ends_at > now)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        kwargs["form"] = EndForm if obj else form_of(request, GrantForm)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return tuple(name for name in GrantForm.Meta.fields if name != "ends_at")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (GrantEventInline,) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return self.has_view_permission(request)
        try:
            require_grants_on(user=request.user, scope=obj.scope)
        except Forbidden:
            return False
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: Grant,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Through the services, which check again and keep who did it."""
        if not change:
            write(request, obj)
        elif "ends_at" in form.changed_data:
            stored = Grant.objects.get(pk=obj.pk)
            services.end_grant(
                grant=stored, by=cast(User, request.user), now=timezone.now(), at=obj.ends_at
            )

    @admin.action(description=_("立即结束所选授权"))
    def end_now(self, request: HttpRequest, rows: QuerySet[Grant]) -> None:
        ended = 0
        for row in rows:
            try:
                services.end_grant(grant=row, by=cast(User, request.user), now=timezone.now())
            except DomainError as refusal:
                self.message_user(request, f"{row.user} · {refusal}", messages.ERROR)
                continue
            self.log_change(request, row, [{"changed": {"fields": ["ends_at"]}}])
            ended += 1
        self.message_user(request, _("已结束 %(count)d 项授权。") % {"count": ended})

"""Admin of people: organisations, teams, users, their tokens, and the records of signing in."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sites import services
from sites.admin.base import ListInline, PlatformAdmin, RecordAdmin, ScopedAdmin, ScopedInline
from sites.admin.grants import GrantInline, write
from sites.models import (
    ApiToken,
    Grant,
    NumberSeries,
    Organisation,
    SignInRefusal,
    Team,
    User,
)
from sites.rules import Ability

_OWN = admin.RelatedOnlyFieldListFilter


class TeamInline(ScopedInline):
    model = Team
    fields = ("name", "name_en")


class TokenInline(ListInline):
    model = ApiToken
    ability = Ability.MANAGE_GRANTS
    fields = ("device_name", "device_id", "created_at", "expires_at", "last_used_at", "revoked_at")
    show_change_link = False


@admin.register(Organisation)
class OrganisationAdmin(PlatformAdmin):
    list_display = ("name", "kind", "phone")
    list_filter = ("kind",)
    search_fields = ("name", "name_en")
    inlines = (TeamInline,)


@admin.register(Team)
class TeamAdmin(ScopedAdmin):
    platform_to_add = True
    platform_fields = ("organisation",)
    list_display = ("name", "organisation")
    list_filter = (("organisation", _OWN),)
    list_select_related = ("organisation",)
    search_fields = ("name", "name_en", "organisation__name")
    autocomplete_fields = ("organisation",)


@admin.register(User)
class UserAdmin(PlatformAdmin, DjangoUserAdmin):
    """People are switched off, not deleted. Colleagues are shown to managers, to be chosen."""

    ability = Ability.MANAGE_GRANTS
    add_form = UserCreationForm
    list_display = (
        "username",
        "name",
        "organisation",
        "phone",
        "is_active",
        "is_staff",
        "last_login",
    )
    list_filter = (
        "is_active",
        "is_staff",
        "is_demo",
        ("organisation", _OWN),
        ("teams", _OWN),
        "grants__role",
    )
    list_select_related = ("organisation",)
    search_fields = ("username", "name", "name_en", "phone", "organisation__name")
    ordering = ("username",)
    autocomplete_fields = ("organisation", "teams")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined", "is_demo")
    actions = ("switch_off_second_step",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (
            _("个人资料"),
            {
                "fields": (
                    "name",
                    "name_en",
                    "phone",
                    "organisation",
                    "teams",
                    "language",
                    "theme",
                    "timezone",
                )
            },
        ),
        (
            _("账号"),
            {
                "fields": (
                    "is_active",
                    "is_staff",
                    "is_superuser",
                    "is_demo",
                    "last_login",
                    "date_joined",
                ),
                "description": _(
                    "能看到和能做的一切由下方的授权决定；“职员状态”只决定能否进入本管理后台。"
                ),
            },
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "password1",
                    "password2",
                    "name",
                    "name_en",
                    "phone",
                    "organisation",
                ),
            },
        ),
    )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (GrantInline, TokenInline) if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody makes himself or another a superuser who is none."""
        closed = list(super().get_readonly_fields(request, obj))
        return closed if request.user.is_superuser else [*closed, "is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """New grants go through the service; nothing else below a user is editable."""
        if formset.model is not Grant:
            super().save_formset(request, form, formset, change)
            return
        for row in formset.save(commit=False):
            write(request, row)
        formset.save_m2m()

    @admin.action(description=_("停用所选用户的两步验证"), permissions=["change"])
    def switch_off_second_step(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """For a lost telephone; the password alone signs in until it is switched on again."""
        count = 0
        for user in rows:
            if self.has_change_permission(request, user):
                count += services.switch_off_second_step(user=user)
                self.log_change(request, user, "two-step verification off")
        self.message_user(request, _("已为 %(count)d 人停用两步验证。") % {"count": count})


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    ability = Ability.MANAGE_GRANTS
    list_display = (
        "user",
        "device_name",
        "device_id",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
        "is_live",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__name", "device_id", "device_name")
    date_hierarchy = "created_at"
    fields = (
        "user",
        "device_name",
        "device_id",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    actions = ("revoke",)

    @admin.display(description=_("有效"), boolean=True)
    def is_live(self, row: ApiToken) -> bool:
        return row.is_live(timezone.now())

    @admin.action(description=_("吊销所选令牌"), permissions=["view"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        for row in rows:
            services.revoke_token(token=row, now=timezone.now())
            self.log_change(request, row, [{"changed": {"fields": ["revoked_at"]}}])
        count = len(cast("Any", rows))
        self.message_user(request, _("已吊销 %(count)d 个令牌。") % {"count": count})


@admin.register(SignInRefusal)
class SignInRefusalAdmin(RecordAdmin):
    ability = Ability.MANAGE_GRANTS
    list_display = ("at", "username", "ip_address", "door", "reason")
    list_filter = ("door", "reason")
    search_fields = ("username", "ip_address")
    date_hierarchy = "at"


@admin.register(NumberSeries)
class NumberSeriesAdmin(RecordAdmin):
    list_display = ("prefix", "day", "last")
    list_filter = ("prefix",)
    date_hierarchy = "day"

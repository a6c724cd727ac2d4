"""The admin's manners, for every app: what one sees and may change follows one's grants.

Django's own permissions (groups, model permissions) play no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.db.models import Field, ForeignKey, ManyToManyField, Model, QuerySet
from django.forms import ModelChoiceField, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from sites.models import access_for
from sites.rules import Ability

if TYPE_CHECKING:
    _Base = admin.options.BaseModelAdmin[Any]
    _Page = admin.ModelAdmin[Any]
    _Table = admin.TabularInline[Any, Any]
else:
    # Django's own classes take no type arguments at run time.
    _Base, _Page, _Table = admin.options.BaseModelAdmin, admin.ModelAdmin, admin.TabularInline


def holds(request: HttpRequest, row: Model, ability: Ability) -> bool:
    """Whether the person holds the ability on the row's site, asked through `.visible_to`."""
    if access_for(request.user).has_everywhere(ability):
        return True
    rows = _limited(_rows_of(type(row)), request, ability)
    return rows is not None and rows.filter(pk=row.pk).exists()


def _rows_of(model: type[Model]) -> Any:
    return model._default_manager.all()  # noqa: SLF001 - Django's documented name


def _limited(rows: Any, request: HttpRequest, ability: Ability) -> QuerySet[Any] | None:
    """The rows on which the ability is held; None for a table that belongs to no site."""
    visible_to = getattr(rows, "visible_to", None)
    return None if visible_to is None else visible_to(request.user, ability=ability)


# Lists of what the sheets hold: with the way to them and to the changes.
SHEET_LIST = "admin/sheet_list.html"


class Scoped(_Base):
    """What pages and inlines share: the rows in sight and the rows on offer."""

    ability: Ability = Ability.MANAGE_SITE
    # Fields that decide who sees the row: changed only by who holds the ability everywhere.
    platform_fields: tuple[str, ...] = ()
    # Fields that are chosen once, when the row is made.
    fixed_fields: tuple[str, ...] = ()
    # Whether rows that belong to no site are in everybody's sight: dictionaries, records.
    is_common: bool = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Rows in sight. Raises ImproperlyConfigured when the table cannot say which these are."""
        rows: Any = super().get_queryset(request)
        if hasattr(rows, "visible_to"):
            return rows.visible_to(request.user)
        if not self.is_common:
            raise ImproperlyConfigured(f"{self.model.__name__} has no `.visible_to`")
        return rows

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Choices, and what the form accepts: rows on which the person holds the ability."""
        self._limit(db_field, request, kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """As for a foreign key."""
        self._limit(db_field, request, kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _limit(self, field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> None:
        limited = _limited(_rows_of(field.remote_field.model), request, self.ability)
        if limited is not None:
            kwargs.setdefault("queryset", limited)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Also: what is fixed, what is for the platform, and links to rows out of one's hands."""
        closed = list(super().get_readonly_fields(request, obj))
        if obj is not None and obj.pk is not None:
            closed += self.fixed_fields
        if not access_for(request.user).has_everywhere(self.ability):
            closed += self.platform_fields
            closed += self._out_of_hand(request, obj)
        return closed

    def _out_of_hand(self, request: HttpRequest, row: Model | None) -> list[str]:
        if row is None or not isinstance(row, self.model):
            return []
        return [
            field.name
            for field in row._meta.get_fields()  # noqa: SLF001 - Django's documented name
            if isinstance(field, ForeignKey) and self._is_out_of_hand(request, row, field)
        ]

    def _is_out_of_hand(self, request: HttpRequest, row: Model, field: Field[Any, Any]) -> bool:
        value = getattr(row, field.name)
        if value is None or not hasattr(_rows_of(type(value)), "visible_to"):
            return False
        return not holds(request, value, self.ability)


class ScopedAdmin(Scoped, _Page):
    """Rows of one's sites: seen with the ability anywhere, changed with it on the row's site.

    Adding is open to whoever holds the ability anywhere, because the form offers only places
    within his hands; where no place decides (`platform_to_add`), he needs it everywhere, also
    for deleting.
    """

    view_ability: Ability = Ability.MANAGE_SITE
    platform_to_add: bool = False
    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_for(request.user).has_anywhere(self.view_ability)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return access_for(request.user).has_anywhere(self.ability)
        return holds(request, obj, self.ability)

    def has_add_permission(self, request: HttpRequest) -> bool:
        access = access_for(request.user)
        if self.platform_to_add:
            return access.has_everywhere(self.ability)
        return access.has_anywhere(self.ability)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if self.platform_to_add:
            return access_for(request.user).has_everywhere(self.ability)
        return self.has_change_permission(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What only the database can see (two people at once, a ring made in one form) is told."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            self.message_user(
                request, _("与已有数据冲突，没有保存。请检查后重试。"), messages.ERROR
            )
            return HttpResponseRedirect(request.get_full_path())


class PlatformAdmin(ScopedAdmin):
    """Rows that belong to no site: changed only by who holds the ability on the platform."""

    platform_to_add = True
    is_common = True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_for(request.user).has_everywhere(self.ability)


class RecordAdmin(PlatformAdmin):
    """Records: looked at, never written by hand; seen by who holds the ability everywhere."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_for(request.user).has_everywhere(self.ability)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScopedInline(Scoped, _Table):
    """Rows below another: changed by who holds the ability on the row above."""

    # Limited already by the row above, which is in sight.
    is_common = True
    extra = 0
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_for(request.user).has_anywhere(self.ability)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def _may(self, request: HttpRequest, above: Model | None) -> bool:
        if above is None or above.pk is None:
            return access_for(request.user).has_anywhere(self.ability)
        return holds(request, above, self.ability)


class ListInline(ScopedInline):
    """Rows below another, to look at and to follow."""

    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

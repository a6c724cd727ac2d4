"""Who may see and do what: grants, and the one function that turns them into a filter.

Every query set of a table that belongs to a site has `.visible_to(user)`; there is no second way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

import pghistory
import pgtrigger
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models.dictionaries import Department, Town
from sites.rules import ABILITIES, Ability, DataClass, Role, ScopeKind

if TYPE_CHECKING:
    from sites.models.people import User
    from sites.models.places import Site

_SITE_PATHS: dict[str, str] = {
    ScopeKind.ORGANISATION: "team__organisation_id",
    ScopeKind.TEAM: "team_id",
    ScopeKind.ENTERPRISE: "enterprise_id",
    ScopeKind.SITE: "id",
    ScopeKind.TOWN: "enterprise__town_id",
    ScopeKind.DEPARTMENT: "enterprise__department_id",
}


def all_data_classes() -> list[str]:
    """Every class of data: the default of a new grant."""
    return [choice.value for choice in DataClass]


# A scope that lies in another whole: (outer kind, inner kind) and where the inner names the outer.
_INSIDE: dict[tuple[str, str], str] = {
    (ScopeKind.ORGANISATION, ScopeKind.TEAM): "organisation_id",
    (ScopeKind.TOWN, ScopeKind.ENTERPRISE): "town_id",
    (ScopeKind.DEPARTMENT, ScopeKind.ENTERPRISE): "department_id",
}


def _value_at(row: Any, path: str) -> Any:
    for step in path.split("__"):
        row = getattr(row, step, None)
    return row


def scopes_over(site: Site) -> Q:
    """A condition on grants: those whose scope holds the site; reads site.team, site.enterprise."""
    condition = Q(scope_kind=ScopeKind.PLATFORM)
    for kind, path in _SITE_PATHS.items():
        if (value := _value_at(site, path)) is not None:
            condition |= Q(scope_kind=kind, **{f"{kind}_id": value})
    return condition


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_force(self, at: datetime) -> Self:
        """Grants whose half-open period holds the moment."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and those on scopes whose grants one manages (all, on the platform)."""
        access = access_for(user)
        if access.has_everywhere(Ability.MANAGE_GRANTS):
            return self
        condition = Q(user_id=getattr(user, "pk", None))
        for kind in _SITE_PATHS:
            if ids := access.scope_ids(ScopeKind(kind), Ability.MANAGE_GRANTS):
                condition |= Q(scope_kind=kind, **{f"{kind}_id__in": ids})
        if access.has_anywhere(Ability.MANAGE_GRANTS):
            sites = access.site_q("site__", ability=Ability.MANAGE_GRANTS)
            condition |= Q(scope_kind=ScopeKind.SITE) & sites
            if ids := access.scope_ids(ScopeKind.ORGANISATION, Ability.MANAGE_GRANTS):
                condition |= Q(scope_kind=ScopeKind.TEAM, team__organisation_id__in=ids)
        return self.filter(condition)


@pghistory.track()
class Grant(models.Model):
    """A role of one user on a scope, for a period and for classes of data.

    Invariants (database): exactly the column of `scope_kind` is set, none for the platform; the
    period does not end before it starts (an empty one is a withdrawn grant). Rows are ended,
    never deleted; every change is on record (GrantEvent). Written by services.grant, end_grant.
    """

    user = models.ForeignKey(
        "sites.User", models.PROTECT, related_name="grants", verbose_name=_("用户")
    )
    role = models.CharField(_("角色"), max_length=20, choices=Role)
    scope_kind = models.CharField(_("范围"), max_length=16, choices=ScopeKind)
    organisation = models.ForeignKey(
        "sites.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=pgettext_lazy("organisation", "单位"),
    )
    team = models.ForeignKey(
        "sites.Team", models.PROTECT, null=True, blank=True, verbose_name=_("班组")
    )
    enterprise = models.ForeignKey(
        "sites.Enterprise", models.PROTECT, null=True, blank=True, verbose_name=_("企业")
    )
    site = models.ForeignKey(
        "sites.Site", models.PROTECT, null=True, blank=True, verbose_name=_("站点")
    )
    town = models.ForeignKey(Town, models.PROTECT, null=True, blank=True, verbose_name=_("镇街"))
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, verbose_name=_("主管部门")
    )
    data_classes = models.JSONField(_("数据类别"), default=all_data_classes)
    starts_at = models.DateTimeField(_("开始时间"), default=timezone.now)
    ends_at = models.DateTimeField(_("结束时间"), null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("授权")
        verbose_name_plural = pgettext_lazy("plural", "授权")
        ordering = ["user__username", "role", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    *[
                        (Q(scope_kind=kind) & Q(**{f"{kind}__isnull": False}))
                        | (~Q(scope_kind=kind) & Q(**{f"{kind}__isnull": True}))
                        for kind in _SITE_PATHS
                    ]
                ),
                name="grant_scope_matches_kind",
                violation_error_message=_("请只填写与授权范围对应的一项。"),
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=models.F("starts_at")),
                name="grant_period_in_order",
                violation_error_message=_("结束时间不能早于开始时间。"),
            ),
        ]
        triggers = [pgtrigger.Protect(name="grant_is_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.scope_kind} {self.scope_id or ''}".strip()

    @property
    def scope(self) -> models.Model | None:
        """The scope's row, None for the platform."""
        if self.scope_kind == ScopeKind.PLATFORM:
            return None
        return getattr(self, self.scope_kind)

    @property
    def scope_id(self) -> int | None:
        """Key of the scope's row, None for the platform."""
        if self.scope_kind == ScopeKind.PLATFORM:
            return None
        return getattr(self, f"{self.scope_kind}_id")


@dataclass(frozen=True, slots=True)
class Holding:
    """One grant, reduced to what a decision needs."""

    role: Role
    scope_kind: ScopeKind
    scope_id: int | None
    data_classes: frozenset[str]

    @property
    def abilities(self) -> frozenset[Ability]:
        return ABILITIES[self.role]

    def covers(self, site: Site) -> bool:
        """Whether the site lies in the scope; reads site.team and site.enterprise."""
        if self.scope_kind == ScopeKind.PLATFORM:
            return True
        value = _value_at(site, _SITE_PATHS[self.scope_kind])
        return value is not None and value == self.scope_id

    def contains(self, scope: models.Model | None) -> bool:
        """Whether another scope (None: the platform) lies wholly in this one."""
        if self.scope_kind == ScopeKind.PLATFORM:
            return True
        if scope is None:
            return False
        kind = type(scope).__name__.lower()
        if kind == self.scope_kind:
            return scope.pk == self.scope_id
        if kind == ScopeKind.SITE:
            return self.covers(cast("Site", scope))
        path = _INSIDE.get((self.scope_kind, kind))
        return path is not None and _value_at(scope, path) == self.scope_id


@dataclass(frozen=True, slots=True)
class Access:
    """Everything one person holds at one moment."""

    holdings: tuple[Holding, ...]

    def has_everywhere(self, ability: Ability) -> bool:
        """Whether the ability is held on the whole platform."""
        return any(
            h.scope_kind == ScopeKind.PLATFORM and ability in h.abilities for h in self.holdings
        )

    def sees_everywhere(self, data_class: str) -> bool:
        """Whether data of this class may be seen of every site."""
        return any(
            h.scope_kind == ScopeKind.PLATFORM
            and Ability.VIEW in h.abilities
            and data_class in h.data_classes
            for h in self.holdings
        )

    def has_anywhere(self, ability: Ability) -> bool:
        """Whether the ability is held on any scope; for showing a button, never for a gate."""
        return any(ability in h.abilities for h in self.holdings)

    def sees_anywhere(self, data_class: str) -> bool:
        """Whether data of this class may be seen on any scope; for words, never for a gate."""
        return any(
            Ability.VIEW in h.abilities and data_class in h.data_classes for h in self.holdings
        )

    def scope_ids(self, kind: ScopeKind, ability: Ability) -> frozenset[int]:
        """Keys of the scopes of one kind on which the ability is held."""
        return frozenset(
            h.scope_id
            for h in self.holdings
            if h.scope_kind == kind and h.scope_id is not None and ability in h.abilities
        )

    def roles(self) -> tuple[Role, ...]:
        """The person's roles, strongest first."""
        held = {h.role for h in self.holdings}
        return tuple(role for role in Role if role in held)

    def site_q(
        self,
        prefix: str = "",
        *,
        ability: Ability = Ability.VIEW,
        data_class: DataClass | None = None,
    ) -> Q:
        """A condition on rows whose site is reached by `prefix` ('' on Site itself)."""
        scopes = self.scopes(ability=ability, data_class=data_class)
        if scopes is None:
            return Q()
        if not scopes:
            return Q(pk__in=[])
        condition = Q()
        for kind, keys in scopes.items():
            condition |= Q(**{f"{prefix}{_SITE_PATHS[kind]}__in": sorted(keys)})
        return condition

    def scopes(
        self, *, ability: Ability = Ability.VIEW, data_class: DataClass | None = None
    ) -> dict[ScopeKind, set[int]] | None:
        """Keys of the scopes on which the ability is held, by kind; None: on the whole platform."""
        found: dict[ScopeKind, set[int]] = {}
        for holding in self.holdings:
            if ability not in holding.abilities:
                continue
            if data_class is not None and data_class not in holding.data_classes:
                continue
            if holding.scope_kind == ScopeKind.PLATFORM:
                return None
            found.setdefault(holding.scope_kind, set()).add(holding.scope_id or 0)
        return found

    def can(self, ability: Ability, site: Site) -> bool:
        """Whether the ability is held on this site."""
        return any(ability in h.abilities and h.covers(site) for h in self.holdings)

    def data_classes(self, site: Site) -> frozenset[str]:
        """Classes of data that the person may see of this site."""
        classes: set[str] = set()
        for holding in self.holdings:
            if Ability.VIEW in holding.abilities and holding.covers(site):
                classes |= holding.data_classes
        return frozenset(classes)


_NOTHING = Access(holdings=())
_EVERYTHING = Access(
    holdings=(
        Holding(
            role=Role.ADMINISTRATOR,
            scope_kind=ScopeKind.PLATFORM,
            scope_id=None,
            data_classes=frozenset(all_data_classes()),
        ),
    )
)


def access_for(user: User | AnonymousUser | None, at: datetime | None = None) -> Access:
    """What the person holds now (or at a moment); kept on the instance, which lives for a request.

    Nobody and inactive users hold nothing; a superuser holds everything.
    """
    if user is None or not user.is_authenticated or not user.is_active:
        return _NOTHING
    if user.is_superuser:
        return _EVERYTHING
    if at is None and (kept := user.__dict__.get("_access")) is not None:
        return kept
    rows = Grant.objects.filter(user_id=user.pk).in_force(at or timezone.now())
    access = Access(
        holdings=tuple(
            Holding(
                role=Role(row.role),
                scope_kind=ScopeKind(row.scope_kind),
                scope_id=row.scope_id,
                data_classes=frozenset(row.data_classes),
            )
            for row in rows
        )
    )
    if at is None:
        user.__dict__["_access"] = access
    return access


def forget_access(user: User) -> None:
    """Drop what was kept on the instance: long-lived connections ask again from time to time."""
    user.__dict__.pop("_access", None)


class SiteScopedQuerySet(models.QuerySet[Any]):
    """Rows that belong to one site, reached by `site_path`."""

    site_path = "site__"

    def visible_to(
        self,
        user: User | AnonymousUser,
        *,
        ability: Ability = Ability.VIEW,
        data_class: DataClass | None = None,
    ) -> Self:
        """Rows of the sites on which the user holds the ability."""
        condition = access_for(user).site_q(self.site_path, ability=ability, data_class=data_class)
        return self.filter(condition)

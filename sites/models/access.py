"""Who may see and do what: grants, and the one function that turns them into a filter.

Every query set of a table that belongs to a site has `.visible_to(user)`; there is no second way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import pghistory
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sites.models.dictionaries import Department, Town
from sites.models.people import Organisation, Team, User
from sites.rules import ABILITIES, Ability, DataClass, Role, ScopeKind

if TYPE_CHECKING:
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


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_force(self, at: datetime) -> Self:
        """Grants whose half-open period holds the moment."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for those who manage grants on the platform, otherwise one's own."""
        access = access_for(user)
        if access.has_everywhere(Ability.MANAGE_GRANTS):
            return self
        return self.filter(user_id=getattr(user, "pk", None))


@pghistory.track()
class Grant(models.Model):
    """A role of one user on a scope, for a period and for classes of data.

    Invariants (database): exactly the column of `scope_kind` is set, none for the platform; the
    period is not empty. Rows are ended, not deleted; every change is on record (GrantEvent).
    """

    user = models.ForeignKey(
        User, models.CASCADE, related_name="grants", verbose_name=_("用户")
    )
    role = models.CharField(_("角色"), max_length=20, choices=Role)
    scope_kind = models.CharField(_("范围"), max_length=16, choices=ScopeKind)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, null=True, blank=True, verbose_name=_("单位")
    )
    team = models.ForeignKey(
        Team, models.CASCADE, null=True, blank=True, verbose_name=_("班组")
    )
    enterprise = models.ForeignKey(
        "sites.Enterprise", models.CASCADE, null=True, blank=True, verbose_name=_("企业")
    )
    site = models.ForeignKey(
        "sites.Site", models.CASCADE, null=True, blank=True, verbose_name=_("站点")
    )
    town = models.ForeignKey(
        Town, models.CASCADE, null=True, blank=True, verbose_name=_("镇街")
    )
    department = models.ForeignKey(
        Department, models.CASCADE, null=True, blank=True, verbose_name=_("主管部门")
    )
    data_classes = models.JSONField(_("数据类别"), default=all_data_classes)
    starts_at = models.DateTimeField(_("开始时间"), default=timezone.now)
    ends_at = models.DateTimeField(_("结束时间"), null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("授权")
        verbose_name_plural = _("授权")
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
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
                name="grant_period_not_empty",
                violation_error_message=_("结束时间必须晚于开始时间。"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.scope_kind} {self.scope_id or ''}".strip()

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
        value: Any = site
        path = _SITE_PATHS[self.scope_kind]
        for step in path.split("__"):
            value = getattr(value, step, None)
        return value is not None and value == self.scope_id


@dataclass(frozen=True, slots=True)
class Access:
    """Everything one person holds at one moment."""

    holdings: tuple[Holding, ...]

    def has_everywhere(self, ability: Ability) -> bool:
        """Whether the ability is held on the whole platform."""
        return any(
            h.scope_kind == ScopeKind.PLATFORM and ability in h.abilities for h in self.holdings
        )

    def has_anywhere(self, ability: Ability) -> bool:
        """Whether the ability is held on any scope; for showing a button, never for a gate."""
        return any(ability in h.abilities for h in self.holdings)

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
        ids: dict[str, set[int]] = {}
        for holding in self.holdings:
            if ability not in holding.abilities:
                continue
            if data_class is not None and data_class not in holding.data_classes:
                continue
            if holding.scope_kind == ScopeKind.PLATFORM:
                return Q()
            path = _SITE_PATHS[holding.scope_kind]
            ids.setdefault(path, set()).add(holding.scope_id or 0)
        if not ids:
            return Q(pk__in=[])
        condition = Q()
        for path, keys in ids.items():
            condition |= Q(**{f"{prefix}{path}__in": sorted(keys)})
        return condition

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
        condition = access_for(user).site_q(
            self.site_path, ability=ability, data_class=data_class
        )
        return self.filter(condition)

"""Gates: may this person see or do this here? Asked in one place, answered from the grants."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.utils import timezone

from core.errors import Forbidden, NotFound
from core.lists import Chosen, ListSpec, spec_of
from sites.models import (
    Grant,
    Job,
    ListChoice,
    SavedView,
    Site,
    SiteDocument,
    User,
    access_for,
)
from sites.models.access import scopes_over
from sites.rules import ABILITIES, Ability

Person = User | AnonymousUser


def may_enter(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Active, and no demonstration account outside a demonstration: its password is public."""
    if not user.is_active:
        return False
    return settings.DEMO_LOGINS or not getattr(user, "is_demo", False)


def site_for(*, user: Person, pk: int, ability: Ability = Ability.VIEW) -> Site:
    """The site with its enterprise and team.

    Raises NotFound when the person cannot see it, Forbidden when he sees it without the ability.
    """
    site = Site.objects.visible_to(user).with_owner().filter(pk=pk).first()
    if site is None:
        raise NotFound
    require(user=user, ability=ability, site=site)
    return site


def document_for(
    *, user: Person, pk: int, ability: Ability = Ability.VIEW, with_removed: bool = False
) -> SiteDocument:
    """A file of a visible site. Raises NotFound, Forbidden when he lacks the ability there."""
    documents = SiteDocument.objects.visible_to(user)
    if not with_removed:
        documents = documents.present()
    document = documents.select_related("site__enterprise", "site__team").filter(pk=pk).first()
    if document is None:
        raise NotFound
    require(user=user, ability=ability, site=document.site)
    return document


def documents_of(site: Site) -> QuerySet[SiteDocument]:
    """The files of a site, the newest first, with who brought them."""
    return SiteDocument.objects.present().filter(site=site).select_related("by")


def require(*, user: Person, ability: Ability, site: Site) -> None:
    """Raises NotFound when the person cannot see the site, Forbidden when he lacks the ability."""
    access = access_for(user)
    if not access.can(Ability.VIEW, site):
        raise NotFound
    if not access.can(ability, site):
        raise Forbidden


def may(*, user: Person, ability: Ability, site: Site) -> bool:
    """Whether to offer an action; the services ask `require` again."""
    return access_for(user).can(ability, site)


def people_for(*, site: Site, ability: Ability, at: datetime | None = None) -> QuerySet[User]:
    """People who hold the ability on the site by a grant in force, for picking one of them.

    Superusers without a grant are left out: they may everything, but nobody sends them to work.
    """
    roles = [role for role, abilities in ABILITIES.items() if ability in abilities]
    holding = Grant.objects.in_force(at or timezone.now()).filter(scopes_over(site), role__in=roles)
    people = User.objects.able_to_sign_in(with_demo=settings.DEMO_LOGINS)
    return people.filter(pk__in=holding.values("user_id")).order_by("username")


def job_for(*, user: Person, pk: int) -> Job:
    """One's own background job. Raises NotFound for anybody else's."""
    job = Job.objects.visible_to(user).filter(pk=pk).first()
    if job is None:
        raise NotFound
    return job


def data_classes_for(*, user: Person, site: Site) -> frozenset[str]:
    """Classes of data (DataClass values) that the person may see of the site."""
    return access_for(user).data_classes(site)


def require_grants_on(
    *, user: Person, scope: Model | None, data_classes: Collection[str] = ()
) -> None:
    """The gate of granting on a scope (None: the platform).

    Raises Forbidden when he may not, or would give classes of data that he does not hold there.
    """
    held = [
        holding
        for holding in access_for(user).holdings
        if Ability.MANAGE_GRANTS in holding.abilities and holding.contains(scope)
    ]
    classes: frozenset[str] = frozenset().union(*(h.data_classes for h in held))
    if not held or not classes.issuperset(data_classes):
        raise Forbidden


def may_share_views(*, user: Person) -> bool:
    """Whether the person may share saved views: with his organisation when he manages sites of it,
    with the whole platform when he belongs to none and governs the platform.
    """
    access = access_for(user)
    if getattr(user, "organisation_id", None) is None:
        return access.has_everywhere(Ability.MANAGE_GRANTS)
    return access.has_anywhere(Ability.MANAGE_SITE)


def list_chosen(*, user: User, page: str) -> Chosen:
    """What the person keeps of a list: columns, saved views in sight, the view that comes first."""
    choice = ListChoice.objects.filter(user=user, page=page).first()
    return Chosen(
        columns=choice.columns if choice else (),
        views=list(SavedView.objects.visible_to(user).filter(page=page)),
        first_id=choice.first_view_id if choice else None,
        may_share=may_share_views(user=user),
    )


@dataclass(frozen=True, slots=True)
class ViewsOfList:
    """Saved views of one list, and which of them comes first for the person."""

    spec: ListSpec
    views: list[SavedView]
    first_id: int | None


def views_by_list(*, user: User) -> list[ViewsOfList]:
    """The saved views that the person sees, list by list, with the one that comes first there."""
    firsts = dict(
        ListChoice.objects.filter(user=user, first_view__isnull=False).values_list(
            "page", "first_view_id"
        )
    )
    views = (
        SavedView.objects.visible_to(user).select_related("owner").order_by("page", "name", "pk")
    )
    return [
        ViewsOfList(spec, list(found), firsts.get(page))
        for page, found in groupby(views, key=lambda view: view.page)
        if (spec := spec_of(page)) is not None
    ]

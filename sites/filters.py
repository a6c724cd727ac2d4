"""Filters of places, for pages and the REST API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.filters import AnyOfFilter, MomentFilter, SearchFilter, StableOrderingFilter
from sites.models import Category, Department, Enterprise, Job, Site, Team, Town, User
from sites.states import JobState


def visible_sites(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of a site filter: what the person sees, nothing without a request."""
    if request is None:
        return Site.objects.none()
    return Site.objects.visible_to(request.user)


def visible_enterprises(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of an enterprise filter."""
    if request is None:
        return Enterprise.objects.none()
    return Enterprise.objects.visible_to(request.user)


def visible_teams(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of a team filter: the teams of the sites that the person sees."""
    return Team.objects.filter(pk__in=visible_sites(request).values("team"))


def visible_people(request: HttpRequest | None) -> QuerySet[Any]:
    """Choices of an assignee filter: people with work that the person sees, and himself."""
    if request is None:
        return User.objects.none()
    sites = visible_sites(request).order_by().values("pk")
    with_orders = User.objects.filter(orders__site__in=sites)
    with_tasks = User.objects.filter(tasks__site__in=sites)
    return (
        User.objects.filter(pk__in=with_orders.values("pk"))
        | User.objects.filter(pk__in=with_tasks.values("pk"))
        | User.objects.filter(pk=request.user.pk or 0)
    )


class SiteFilter(django_filters.FilterSet):
    """Sites by name, number, owner, place and state."""

    q = SearchFilter(columns=["search_text", "address", "enterprise__search_text"])
    state = AnyOfFilter(choices=Site.State.choices, label=_("状态"))
    enterprise = django_filters.ModelChoiceFilter(queryset=visible_enterprises, label=_("企业"))
    category = django_filters.ModelChoiceFilter(
        field_name="enterprise__category", queryset=Category.objects.all(), label=_("企业类别")
    )
    department = django_filters.ModelChoiceFilter(
        field_name="enterprise__department",
        queryset=Department.objects.all(),
        label=_("主管部门"),
    )
    town = django_filters.ModelChoiceFilter(
        field_name="enterprise__town", queryset=Town.objects.all(), label=_("镇街")
    )
    team = django_filters.ModelChoiceFilter(queryset=visible_teams, label=_("运维班组"))
    updated_since = MomentFilter(field_name="updated_at", label=_("更新时间不早于"))
    ordering = StableOrderingFilter(
        fields=["number", "name", "state", "updated_at"], label=_("排序")
    )

    class Meta:
        model = Site
        fields: list[str] = []


class JobFilter(django_filters.FilterSet):
    """Background jobs by kind, state and time."""

    kind = django_filters.CharFilter(max_length=40, label=_("类型"))
    state = AnyOfFilter(choices=JobState.choices, label=_("状态"))
    created_from = MomentFilter(field_name="created_at", label=_("创建时间起"))
    ordering = StableOrderingFilter(fields=["created_at", "finished_at"], label=_("排序"))

    class Meta:
        model = Job
        fields: list[str] = []

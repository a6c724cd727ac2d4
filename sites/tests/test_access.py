"""What a grant lets a person see: by scope, role, period and class of data."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import DjangoAssertNumQueries

from core.errors import Forbidden, NotFound
from sites import selectors
from sites.models import (
    Circuit,
    Enterprise,
    Grant,
    Organisation,
    Room,
    Site,
    Team,
    Transformer,
    User,
    access_for,
    forget_access,
)
from sites.rules import ABILITIES, Ability, DataClass, Role, ScopeKind
from sites.tests.factories import (
    LONG_AGO,
    make_circuit,
    make_department,
    make_enterprise,
    make_grant,
    make_organisation,
    make_room,
    make_site,
    make_team,
    make_town,
    make_transformer,
    make_user,
    people,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def fresh(user: User) -> User:
    """The user as the next request loads him."""
    return User.objects.get(pk=user.pk)


def scopes() -> dict[ScopeKind, tuple[Any, Site]]:
    """For every kind of scope: one, and the only site in it."""
    organisation = make_organisation()
    team = make_team()
    enterprise = make_enterprise()
    town, department = make_town(), make_department()
    lone = make_site()
    return {
        ScopeKind.ORGANISATION: (
            organisation,
            make_site(team=make_team(organisation=organisation)),
        ),
        ScopeKind.TEAM: (team, make_site(team=team)),
        ScopeKind.ENTERPRISE: (enterprise, make_site(enterprise=enterprise)),
        ScopeKind.SITE: (lone, lone),
        ScopeKind.TOWN: (town, make_site(enterprise=make_enterprise(town=town))),
        ScopeKind.DEPARTMENT: (
            department,
            make_site(enterprise=make_enterprise(department=department)),
        ),
    }


@pytest.mark.parametrize("role", Role)
def test_each_scope_shows_its_sites_and_no_other(role: Role) -> None:
    places = scopes()
    for kind, (scope, site) in places.items():
        user = make_user()
        make_grant(user, role, scope)

        assert list(Site.objects.visible_to(user)) == [site], kind
        for ability in Ability:
            seen = list(Site.objects.visible_to(user, ability=ability))
            assert seen == ([site] if ability in ABILITIES[role] else []), (kind, ability)
            for other in Site.objects.with_owner():
                expected = other == site and ability in ABILITIES[role]
                assert access_for(user).can(ability, other) is expected, (kind, ability, other)


@pytest.mark.parametrize("role", Role)
def test_the_platform_shows_every_site(role: Role) -> None:
    scopes()
    user = make_user()
    make_grant(user, role)

    assert set(Site.objects.visible_to(user)) == set(Site.objects.all())
    assert access_for(user).has_everywhere(Ability.VIEW)


def test_a_scope_without_sites_shows_none() -> None:
    make_site(team=None)
    user = make_user()
    make_grant(user, Role.MANAGER, make_team())

    assert not Site.objects.visible_to(user).exists()


def test_grants_add_up() -> None:
    first, second, third = make_site(), make_site(), make_site()
    user = make_user()
    make_grant(user, Role.ENTERPRISE, first)
    make_grant(user, Role.MANAGER, second)

    assert set(Site.objects.visible_to(user)) == {first, second}
    assert list(Site.objects.visible_to(user, ability=Ability.MANAGE_SITE)) == [second]
    assert third not in Site.objects.visible_to(user)


def test_nobody_inactive_and_without_grants_see_nothing() -> None:
    site = make_site()
    fired = make_user(is_active=False)
    make_grant(fired, Role.ADMINISTRATOR)
    boss = make_user(is_superuser=True, is_active=False)

    for user in (AnonymousUser(), make_user(), fired, boss):
        assert not Site.objects.visible_to(user).exists()
        assert not access_for(user).can(Ability.VIEW, site)


def test_a_superuser_holds_everything() -> None:
    site = make_site()
    user = make_user(is_superuser=True)

    assert list(Site.objects.visible_to(user, ability=Ability.MANAGE_SITE)) == [site]
    assert all(access_for(user).has_everywhere(ability) for ability in Ability)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW - SECOND, False),
        (NOW, True),
        (NOW + timedelta(days=1) - SECOND, True),
        (NOW + timedelta(days=1), False),
    ],
)
def test_a_period_begins_and_is_over_at_its_end(at: datetime, expected: bool) -> None:  # noqa: FBT001
    site = make_site()
    user = make_user()
    make_grant(user, Role.MANAGER, site, starts_at=NOW, ends_at=NOW + timedelta(days=1))

    assert access_for(user, at).can(Ability.VIEW, site) is expected
    assert Grant.objects.in_force(at).exists() is expected
    people_then = selectors.people_for(site=site, ability=Ability.VIEW, at=at)
    assert (user in people_then) is expected


def test_an_ended_grant_shows_nothing_to_query_sets_either() -> None:
    site = make_site()
    user = make_user()
    make_grant(user, Role.MANAGER, site, ends_at=LONG_AGO + SECOND)

    assert not Site.objects.visible_to(user).exists()


def test_rows_below_a_site_follow_it() -> None:
    room = make_room()
    transformer = make_transformer(room=room)
    circuit = make_circuit(transformer=transformer)
    make_circuit()
    user = make_user()
    make_grant(user, Role.ENTERPRISE, room.site)

    assert list(Room.objects.visible_to(user)) == [room]
    assert list(Transformer.objects.visible_to(user)) == [transformer]
    assert list(Circuit.objects.visible_to(user)) == [circuit]


def test_an_enterprise_is_seen_with_any_of_its_sites_or_granted_whole() -> None:
    site, empty, other = make_site(), make_enterprise(), make_enterprise()
    user = make_user()
    make_grant(user, Role.DISPATCHER, site)
    make_grant(user, Role.ENTERPRISE, empty)

    assert set(Enterprise.objects.visible_to(user)) == {site.enterprise, empty}
    assert other not in Enterprise.objects.visible_to(user)


def test_data_classes_are_those_of_the_covering_grants() -> None:
    site, other = make_site(), make_site()
    user = make_user()
    make_grant(user, Role.DISTRICT_VIEWER, site, data_classes=[DataClass.SAFETY])
    make_grant(user, Role.TOWN_VIEWER, other, data_classes=[DataClass.ENERGY])

    assert selectors.data_classes_for(user=user, site=site) == {DataClass.SAFETY}
    assert selectors.data_classes_for(user=user, site=other) == {DataClass.ENERGY}
    assert selectors.data_classes_for(user=make_user(), site=site) == frozenset()
    assert list(Site.objects.visible_to(user, data_class=DataClass.SAFETY)) == [site]
    assert not Site.objects.visible_to(user, data_class=DataClass.LOAD).exists()


def test_rights_cost_one_query_however_often_they_are_asked(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    cast = people()
    for scope in (cast.site, cast.enterprise, cast.team, cast.town):
        make_grant(cast.ana, Role.ENTERPRISE, scope)
    ana = fresh(cast.ana)

    with django_assert_num_queries(1 + 4):
        list(Site.objects.visible_to(ana))
        list(Room.objects.visible_to(ana))
        list(Circuit.objects.visible_to(ana, ability=Ability.MANAGE_SITE))
        site = selectors.site_for(user=ana, pk=cast.site.pk, ability=Ability.MANAGE_SITE)
        selectors.data_classes_for(user=ana, site=site)
        selectors.require(user=ana, ability=Ability.HANDLE_ALARM, site=site)


def test_what_was_kept_is_asked_again_after_forgetting() -> None:
    site, user = make_site(), make_user()
    assert not access_for(user).can(Ability.VIEW, site)
    Grant.objects.create(user=user, role=Role.MANAGER, scope_kind="site", site=site)
    assert not access_for(user).can(Ability.VIEW, site)

    forget_access(user)

    assert access_for(user).can(Ability.VIEW, site)


def test_gates_tell_a_stranger_nothing_and_a_viewer_no() -> None:
    cast = people()

    assert selectors.site_for(user=cast.ana, pk=cast.site.pk) == cast.site
    with pytest.raises(NotFound):
        selectors.site_for(user=cast.cy, pk=cast.site.pk)
    with pytest.raises(NotFound):
        selectors.site_for(user=AnonymousUser(), pk=cast.site.pk)
    with pytest.raises(NotFound):
        selectors.site_for(user=cast.ana, pk=2**70)
    with pytest.raises(Forbidden):
        selectors.site_for(user=cast.ed, pk=cast.site.pk, ability=Ability.HANDLE_ALARM)
    with pytest.raises(NotFound):
        selectors.require(user=cast.cy, ability=Ability.HANDLE_ALARM, site=cast.site)
    assert selectors.may(user=cast.di, ability=Ability.HANDLE_ALARM, site=cast.site)
    assert not selectors.may(user=cast.bo, ability=Ability.HANDLE_ALARM, site=cast.site)


def test_people_who_can_work_on_a_site() -> None:
    cast = people()
    make_user(is_superuser=True)

    assert list(selectors.people_for(site=cast.site, ability=Ability.WORK_ORDER)) == [
        cast.adm,
        cast.bo,
    ]
    cast.bo.is_active = False
    cast.bo.save()
    assert list(selectors.people_for(site=cast.site, ability=Ability.WORK_ORDER)) == [cast.adm]


def test_every_role_of_the_cast_sees_the_site_and_cy_another() -> None:
    cast = people()

    for role, user in cast.by_role().items():
        assert cast.site in Site.objects.visible_to(user), role
        assert access_for(user).roles() == (role,)
    assert list(Site.objects.visible_to(cast.cy)) == [cast.other_site]
    assert set(cast.by_role()) == set(Role)


def test_companies_teams_and_colleagues_are_shown_within_ones_scopes() -> None:
    cast = people()

    assert list(Team.objects.visible_to(cast.ana)) == [cast.team]
    assert list(Team.objects.visible_to(cast.ed)) == [cast.team]
    assert not Team.objects.visible_to(cast.ed, ability=Ability.MANAGE_SITE).exists()
    assert list(Organisation.objects.visible_to(cast.bo)) == [cast.organisation]
    assert set(User.objects.visible_to(cast.ana)) == {cast.ana, cast.di, cast.bo}
    assert list(User.objects.visible_to(cast.bo)) == [cast.bo]
    assert set(User.objects.visible_to(cast.adm)) == set(User.objects.all())

"""Grants are given within one's scope, ended and never deleted, and every change names its author."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.db.utils import ProgrammingError

from core.errors import Forbidden, Invalid
from sites import services
from sites.models import Grant, User, access_for
from sites.rules import Ability, DataClass, Role, ScopeKind
from sites.tests.factories import (
    LONG_AGO,
    make_department,
    make_enterprise,
    make_grant,
    make_organisation,
    make_site,
    make_team,
    make_town,
    make_user,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def events(grant: Grant) -> list[Any]:
    """The grant's record, oldest first."""
    model = apps.get_model("sites", "GrantEvent")
    return list(model.objects.filter(pgh_obj_id=grant.pk).order_by("pgh_id"))


def test_a_grant_is_in_force_at_once_and_for_all_classes_by_default() -> None:
    user, site = make_user(), make_site()
    access_for(user)

    row = services.grant(user=user, role=Role.MANAGER, scope=site, by=None, now=LONG_AGO)

    assert (row.scope_kind, row.scope_id, row.starts_at, row.ends_at) == (
        ScopeKind.SITE,
        site.pk,
        LONG_AGO,
        None,
    )
    assert set(row.data_classes) == set(DataClass)
    assert access_for(user).can(Ability.MANAGE_SITE, site)


def test_ending_keeps_the_row() -> None:
    user, site = make_user(), make_site()
    row = make_grant(user, Role.MANAGER, site)

    services.end_grant(grant=row, by=None, now=NOW)

    row.refresh_from_db()
    assert row.ends_at == NOW
    assert not access_for(user, NOW).can(Ability.VIEW, site)
    assert access_for(user, NOW - DAY).can(Ability.VIEW, site)


def test_ending_twice_keeps_the_first_end() -> None:
    row = make_grant(make_user(), Role.MANAGER)
    services.end_grant(grant=row, by=None, now=NOW)

    services.end_grant(grant=row, by=None, now=NOW + DAY)

    row.refresh_from_db()
    assert row.ends_at == NOW


def test_a_grant_that_has_not_begun_is_withdrawn() -> None:
    user = make_user()
    row = make_grant(user, Role.MANAGER, starts_at=NOW + DAY)

    services.end_grant(grant=row, by=None, now=NOW)

    assert access_for(user, NOW + DAY).holdings == ()
    assert access_for(user, NOW + 2 * DAY).holdings == ()


def test_no_door_deletes_a_grant() -> None:
    row = make_grant(make_user(), Role.MANAGER, make_site())

    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        row.delete()
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        Grant.objects.all().delete()
    with pytest.raises(ProtectedError):
        row.user.delete()
    with pytest.raises(ProtectedError):
        row.site.delete()


def test_every_change_names_its_author() -> None:
    boss, user = make_user(), make_user()
    make_grant(boss, Role.ADMINISTRATOR)
    row = services.grant(user=user, role=Role.TECHNICIAN, scope=make_site(), by=boss, now=NOW)
    services.end_grant(grant=row, by=None, now=NOW + DAY)

    given, ended = events(row)

    assert (given.pgh_label, given.ends_at) == ("insert", None)
    assert given.pgh_context.metadata["user"] == boss.pk
    assert (ended.pgh_label, ended.ends_at) == ("update", NOW + DAY)
    assert ended.pgh_context.metadata == {"system": True}


def test_a_change_past_the_service_is_on_record_too() -> None:
    row = make_grant(make_user(), Role.TECHNICIAN, make_site())

    Grant.objects.filter(pk=row.pk).update(role=Role.MANAGER)

    assert [event.role for event in events(row)] == [Role.TECHNICIAN, Role.MANAGER]


@pytest.mark.parametrize(
    "facts",
    [
        {"ends_at": NOW},
        {"ends_at": NOW - DAY},
        {"starts_at": NOW + DAY, "ends_at": NOW + DAY},
        {"data_classes": []},
        {"data_classes": ["gossip"]},
    ],
)
def test_wrong_facts_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        services.grant(
            user=make_user(), role=Role.MANAGER, scope=make_site(), by=None, now=NOW, **facts
        )
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    "facts",
    [
        {"scope_kind": "site"},
        {"scope_kind": "platform", "town": True},
        {"scope_kind": "town", "town": True, "department": True},
        {"scope_kind": "platform", "starts_at": NOW, "ends_at": NOW - DAY},
    ],
)
def test_the_database_keeps_scope_and_period_in_order(facts: dict[str, Any]) -> None:
    places = {"town": make_town, "department": make_department}
    facts = {name: places[name]() if value is True else value for name, value in facts.items()}

    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(user=make_user(), role=Role.MANAGER, **facts)


def test_only_administrators_grant() -> None:
    site = make_site()
    for role in set(Role) - {Role.ADMINISTRATOR}:
        by = make_user()
        make_grant(by, role)
        with pytest.raises(Forbidden):
            services.grant(user=make_user(), role=Role.TECHNICIAN, scope=site, by=by, now=NOW)


def test_an_administrator_grants_within_his_scope() -> None:
    organisation = make_organisation()
    team = make_team(organisation=organisation)
    site = make_site(team=team)
    by = make_user()
    make_grant(by, Role.ADMINISTRATOR, organisation)

    for scope in (organisation, team, site):
        row = services.grant(user=make_user(), role=Role.MANAGER, scope=scope, by=by, now=NOW)
        services.end_grant(grant=row, by=by, now=NOW + DAY)
    for scope in (None, make_organisation(), make_team(), make_site(), site.enterprise):
        with pytest.raises(Forbidden):
            services.grant(user=make_user(), role=Role.MANAGER, scope=scope, by=by, now=NOW)
        row = make_grant(make_user(), Role.MANAGER, scope)
        with pytest.raises(Forbidden):
            services.end_grant(grant=row, by=by, now=NOW)


@pytest.mark.parametrize("kind", ["town", "department"])
def test_an_administrator_of_a_compartment_grants_its_enterprises(kind: str) -> None:
    compartment = make_town() if kind == "town" else make_department()
    inside, outside = make_enterprise(**{kind: compartment}), make_enterprise()
    by = make_user()
    make_grant(by, Role.ADMINISTRATOR, compartment)

    services.grant(user=make_user(), role=Role.ENTERPRISE, scope=inside, by=by, now=NOW)
    with pytest.raises(Forbidden):
        services.grant(user=make_user(), role=Role.ENTERPRISE, scope=outside, by=by, now=NOW)


def test_nobody_gives_classes_of_data_that_he_does_not_hold() -> None:
    site = make_site()
    by = make_user()
    make_grant(by, Role.ADMINISTRATOR, site, data_classes=[DataClass.SAFETY])

    with pytest.raises(Forbidden):
        services.grant(user=make_user(), role=Role.ENTERPRISE, scope=site, by=by, now=NOW)
    services.grant(
        user=make_user(),
        role=Role.ENTERPRISE,
        scope=site,
        by=by,
        now=NOW,
        data_classes=[DataClass.SAFETY],
    )


def test_grants_are_shown_to_their_holder_and_to_who_manages_them() -> None:
    organisation = make_organisation()
    team = make_team(organisation=organisation)
    admin, local, user = make_user(), make_user(), make_user()
    make_grant(admin, Role.ADMINISTRATOR)
    theirs = make_grant(local, Role.ADMINISTRATOR, organisation)
    on_team = make_grant(user, Role.TECHNICIAN, team)
    on_site = make_grant(user, Role.TECHNICIAN, make_site(team=team))
    elsewhere = make_grant(user, Role.TECHNICIAN, make_site())

    def seen(person: User) -> set[Grant]:
        return set(Grant.objects.visible_to(person))

    assert seen(admin) == set(Grant.objects.all())
    assert seen(local) == {theirs, on_team, on_site}
    assert seen(user) == {on_team, on_site, elsewhere}
    assert seen(make_user()) == set()

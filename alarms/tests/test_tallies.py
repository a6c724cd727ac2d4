"""Counts of archived alarms that are kept for a minute."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alarms import selectors
from alarms.states import Handling
from alarms.tests.factories import make_alarm, make_rule
from sites.models import User
from sites.tests.factories import make_grant, make_site, make_user, people

pytestmark = pytest.mark.django_db


def number(user: User, *, many: int) -> int:
    return sum(selectors.archived_tally(user=user, many=many)[0].values())


def archive(site: object) -> None:
    at = timezone.now() - timedelta(hours=1)
    make_alarm(site=site, rule=make_rule(), handling=Handling.ARCHIVED, at=at)


def test_few_are_counted_for_everybody_who_looks() -> None:
    cast = people()
    archive(cast.site)
    assert number(cast.ana, many=10) == 1

    archive(cast.site)

    assert selectors.archived_tally(user=cast.ana, many=10)[1] is False
    assert number(cast.ana, many=10) == 2


def test_many_are_kept_for_all_who_see_the_same_and_for_nobody_else() -> None:
    cast = people()
    archive(cast.site)
    archive(cast.other_site)
    colleague = make_user("colleague")
    make_grant(colleague, "dispatcher", cast.organisation)
    assert number(cast.ana, many=1) == 1

    archive(make_site(team=cast.team))

    assert selectors.archived_tally(user=colleague, many=1) == ({("archived", "major"): 1}, True)
    assert {user.username: number(user, many=1) for user in (cast.cy, cast.di, cast.ed)} == {
        "cy": 1,
        "di": 2,
        "ed": 1,
    }

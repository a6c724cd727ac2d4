"""The demo's organisations, teams, people and what they may do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password

from reports.services.demo.document import PASSWORD, Demo, names
from sites import services as site_services
from sites.models import Department, Enterprise, Organisation, Team, Town, User


def make_parties(*, demo: Demo) -> None:
    """Organisations and teams."""
    for facts in demo.document["organisations"]:
        demo.organisations[facts["key"]] = Organisation.objects.create(
            kind=facts["kind"], phone=fictional_phone(demo=demo), **names(facts["name"])
        )
    for facts in demo.document["teams"]:
        demo.teams[facts["key"]] = Team.objects.create(
            organisation=demo.organisations[facts["organisation"]], **names(facts["name"])
        )
        demo.team_of_town |= dict.fromkeys(facts["towns"], facts["key"])


def make_users(*, demo: Demo) -> None:
    """One person per role and a few more, all with the same public password."""
    password = make_password(PASSWORD)
    for facts in demo.document["users"]:
        user = User.objects.create(
            username=facts["username"],
            organisation=demo.organisations[facts["organisation"]],
            is_staff=facts.get("staff", False),
            is_demo=True,
            language=facts.get("language", User.Language.ZH),
            phone=fictional_phone(demo=demo),
            password=password,
            **names(facts["name"]),
        )
        demo.crews[user.username] = [demo.teams[key] for key in facts.get("teams", [])]
        user.teams.set(demo.crews[user.username])
        demo.users[user.username] = user
        _grant(demo=demo, user=user, facts=facts)


def fictional_phone(*, demo: Demo) -> str:
    """No area code begins with 000."""
    return f"000-5550-{demo.next('phone') + 100:04d}"


def _grant(*, demo: Demo, user: User, facts: dict[str, Any]) -> None:
    scopes: dict[str, Callable[[str], Any]] = {
        "organisation": lambda key: demo.organisations[key],
        "team": lambda key: demo.teams[key],
        "enterprise": lambda key: Enterprise.objects.get(number=key),
        "town": lambda key: Town.objects.get(code=key),
        "department": lambda key: Department.objects.get(code=key),
    }
    scope = scopes[facts["scope"]](facts["of"]) if facts["scope"] in scopes else None
    site_services.grant(
        user=user,
        role=facts["role"],
        scope=scope,
        by=None,
        now=demo.now,
        data_classes=facts.get("classes"),
        starts_at=demo.now - timedelta(days=365),
    )

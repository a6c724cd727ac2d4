"""Places and people for tests. A right is given through the service, as in life; those of a whole
cast are written at once, as the service writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pghistory
from django.utils import timezone

from sites import services
from sites.models import (
    Circuit,
    Department,
    Enterprise,
    Grant,
    Job,
    Organisation,
    Room,
    Site,
    Team,
    Town,
    Transformer,
    User,
)
from sites.rules import DataClass, Role, ScopeKind
from sites.services.grants import Scope
from sites.services.jobs import Outcome, Progress, Work, register

PASSWORD = "a long and boring password"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_numbers = count(1)


def make_user(username: str = "", *, password: str = "", **facts: Any) -> User:
    """A person without rights. Without a password he cannot sign in (and is made quickly)."""
    user = _user(username or f"user{next(_numbers)}", password=password, **facts)
    user.save()
    return user


def _user(username: str, *, password: str, **facts: Any) -> User:
    user = User(username=username, **facts)
    if password:
        user.set_password(password)
    else:
        user.set_unusable_password()
    return user


def make_organisation(name: str = "", **facts: Any) -> Organisation:
    """An O&M company."""
    defaults: dict[str, Any] = {"kind": Organisation.Kind.OM_COMPANY}
    return Organisation.objects.create(
        name=name or f"运维公司 {next(_numbers)}", **defaults | facts
    )


def make_team(name: str = "", *, organisation: Organisation | None = None, **facts: Any) -> Team:
    """A crew, of a company of its own unless one is given."""
    return Team.objects.create(
        name=name or f"班组 {next(_numbers)}",
        organisation=organisation or make_organisation(),
        **facts,
    )


def make_town(code: str = "", **facts: Any) -> Town:
    """A town of the district."""
    number = next(_numbers)
    defaults = {"name": f"镇街 {number}", "name_en": f"Town {number}"}
    return Town.objects.create(code=code or f"town-{number}", **defaults | facts)


def make_department(code: str = "", **facts: Any) -> Department:
    """A department, made when the dictionary does not have it."""
    number = next(_numbers)
    defaults = {"name": f"部门 {number}", "name_en": f"Department {number}"}
    return Department.objects.get_or_create(
        code=code or f"department-{number}", defaults=defaults | facts
    )[0]


def make_enterprise(name: str = "", **facts: Any) -> Enterprise:
    """An enterprise, in no town and of no department unless given."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "number": f"E{number:06d}",
        "name_en": f"Enterprise {number}",
        "contract_capacity_kva": 1000,
    }
    return Enterprise.objects.create(name=name or f"企业 {number}", **defaults | facts)


def make_site(name: str = "", *, enterprise: Enterprise | None = None, **facts: Any) -> Site:
    """A site in operation, without a team unless given."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "number": f"S{number:06d}",
        "name_en": f"Site {number}",
        "state": Site.State.OPERATION,
        "latitude_deg": 23.02,
        "longitude_deg": 113.12,
    }
    return Site.objects.create(
        name=name or f"站点 {number}",
        enterprise=enterprise or make_enterprise(),
        **defaults | facts,
    )


def make_room(name: str = "", *, site: Site | None = None, **facts: Any) -> Room:
    """A distribution room."""
    return Room.objects.create(
        name=name or f"{next(_numbers)} 号配电室", site=site or make_site(), **facts
    )


def make_transformer(name: str = "", *, room: Room | None = None, **facts: Any) -> Transformer:
    """A transformer of 1000 kVA."""
    defaults: dict[str, Any] = {"rated_kva": 1000}
    return Transformer.objects.create(
        name=name or f"{next(_numbers)} 号变压器", room=room or make_room(), **defaults | facts
    )


def make_circuit(name: str = "", *, room: Room | None = None, **facts: Any) -> Circuit:
    """A feeder of 400 A without a parent, in the room of its transformer or parent if given."""
    number = next(_numbers)
    for key in ("transformer", "parent"):
        room = room or (facts[key].room if facts.get(key) else None)
    defaults: dict[str, Any] = {"code": f"N{number}", "rated_current_a": 400.0}
    return Circuit.objects.create(
        name=name or f"出线 {number}", room=room or make_room(), **defaults | facts
    )


def make_grant(user: User, role: Role, scope: Scope | None = None, **facts: Any) -> Grant:
    """A grant by the system, in force since long ago unless `starts_at` says otherwise."""
    defaults: dict[str, Any] = {"by": None, "now": LONG_AGO}
    return services.grant(user=user, role=role, scope=scope, **defaults | facts)


def _write_a_file(job: Job, progress: Progress) -> Outcome:
    """Work for tests: three steps and a file that says what it was asked."""
    for step in range(3):
        progress(step, 3, "Step")
    words = str(job.facts.get("words", ""))
    return Outcome(f"Done: {words}", {"words": words}, words.encode(), "words.xlsx")


register(Work("test", "Test", _write_a_file))


def make_job(owner: User, *, words: str = "ok", is_run: bool = True, **facts: Any) -> Job:
    """A job of the test's kind, done unless told otherwise."""
    defaults: dict[str, Any] = {"kind": "test", "now": timezone.now(), "facts": {"words": words}}
    job = services.submit_job(owner=owner, **defaults | facts)
    if is_run:
        services.run_job(job_id=job.pk)
        job.refresh_from_db()
    return job


@dataclass(frozen=True)
class People:
    """The cast, and the places it plays on. `site` is everybody's but Cy's."""

    organisation: Organisation
    team: Team
    town: Town
    department: Department
    enterprise: Enterprise
    site: Site
    other_site: Site
    ana: User
    di: User
    bo: User
    ed: User
    gu: User
    tao: User
    dee: User
    adm: User
    cy: User

    def by_role(self) -> dict[Role, User]:
        """Who plays which role on `site`."""
        return {
            Role.ADMINISTRATOR: self.adm,
            Role.MANAGER: self.ana,
            Role.DISPATCHER: self.di,
            Role.TECHNICIAN: self.bo,
            Role.ENTERPRISE: self.ed,
            Role.DISTRICT_VIEWER: self.gu,
            Role.TOWN_VIEWER: self.tao,
            Role.DEPARTMENT_VIEWER: self.dee,
        }


def people(*, password: str = "") -> People:
    """Everybody at once, in eight roles on one site; Cy manages a site of another company.

    Ana, Adm and Cy are let into the admin (is_staff).
    """
    organisation = make_organisation("本地运维公司")
    team = make_team("一班", organisation=organisation)
    town, department = make_town(), make_department()
    enterprise = make_enterprise("印染厂", town=town, department=department)
    site = make_site("印染厂一期", enterprise=enterprise, team=team)
    elsewhere = make_organisation("外地运维公司")
    other_site = make_site("外地站点", team=make_team("外地班组", organisation=elsewhere))

    parts: dict[str, tuple[Role, Scope | None, dict[str, Any]]] = {
        "ana": (Role.MANAGER, organisation, {"organisation": organisation, "is_staff": True}),
        "di": (Role.DISPATCHER, team, {"organisation": organisation}),
        "bo": (Role.TECHNICIAN, team, {"organisation": organisation}),
        "ed": (Role.ENTERPRISE, enterprise, {}),
        "gu": (Role.DISTRICT_VIEWER, None, {}),
        "tao": (Role.TOWN_VIEWER, town, {}),
        "dee": (Role.DEPARTMENT_VIEWER, department, {}),
        "adm": (Role.ADMINISTRATOR, None, {"is_staff": True}),
        "cy": (Role.MANAGER, elsewhere, {"organisation": elsewhere, "is_staff": True}),
    }
    persons = User.objects.bulk_create(
        _user(name, password=password, name=name.title(), **facts)
        for name, (_role, _scope, facts) in parts.items()
    )
    with pghistory.context(system=True):
        Grant.objects.bulk_create(
            Grant(
                user=person,
                role=role,
                scope_kind=ScopeKind.PLATFORM if scope is None else scope._meta.model_name,
                data_classes=sorted(DataClass),
                starts_at=LONG_AGO,
                **({} if scope is None else {str(scope._meta.model_name): scope}),
            )
            for person, (role, scope, _facts) in zip(persons, parts.values(), strict=True)
        )
    cast = People(
        organisation=organisation,
        team=team,
        town=town,
        department=department,
        enterprise=enterprise,
        site=site,
        other_site=other_site,
        **{person.username: person for person in persons},
    )
    cast.bo.teams.add(team)
    return cast

"""The matrix: every route, method and topic, tried with every role, a stranger and nobody.

Routes come from the URL map, topics from the socket; expectations from tests/permission_routes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache as redis
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from sites.models import Site
from tests import permission_world
from tests.permission_routes import ADMIN, ANY_METHOD, ROUTES, STAFF, UNTRIED
from tests.permission_table import FORBIDDEN, HIDDEN, OK, SIGN_IN, Case
from tests.permission_world import MARKUP, NOBODY, PEOPLE, SECRET, STRANGER, World

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes_of(resolver: URLResolver, spaces: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """Names and patterns of all routes below a resolver."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{spaces}{entry.namespace}:" if entry.namespace else spaces
            yield from routes_of(entry, inner, path + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            name = f"{spaces}{entry.name}" if entry.name else f"{spaces}{path}{entry.pattern}"
            yield name, path + str(entry.pattern)


ALL = dict(routes_of(get_resolver()))
ROUTE_NAMES = sorted(name for name in ALL if not name.startswith("admin:"))
MODELS = sorted(model._meta.label_lower for model in admin.site._registry)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Built once; every try is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = permission_world.build()
        permission_world.has_written()
        yield made
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _unlimited() -> None:
    """Attempts to sign in are counted in Redis, which nobody rolls back."""
    redis.clear()


def value_of(world: World, text: str) -> Any:
    """What a case's `at` means: `=text` as such, otherwise the key of the world's object, or its text."""
    if text.startswith("="):
        return text[1:]
    found: Any = world
    for step in text.split("."):
        found = found[step] if isinstance(found, dict) else getattr(found, step)
    return found if isinstance(found, str) else found.pk


@cache
def _handler(kind: type[Client]) -> Any:
    """One for all of a kind, because each builds the middleware anew."""
    return kind().handler


def caller(world: World, name: str, *, by_api: bool) -> Client | APIClient:
    """The person's browser or, for the API, his telephone, signed in when the world was built."""
    client: Client = APIClient() if by_api else Client()
    client.handler = _handler(type(client))
    if name != NOBODY and by_api:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {world.tokens[name]}")
    elif name != NOBODY:
        client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[name]
    return client


@dataclass(frozen=True)
class Reply:
    """An answer, and whether asking wrote anything."""

    answer: HttpResponse
    has_written: bool

    @property
    def text(self) -> str:
        """The whole answer."""
        answer: Any = self.answer
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return body.decode(errors="replace")

    def meaning(self, case: Case) -> str:
        """In the table's words; the bare status when it means nothing that the table knows.

        A page may refuse by going back and saying why: then nothing was written.
        """
        status = self.answer.status_code
        if status == 302 and "/accounts/login/" in self.answer["Location"]:
            return SIGN_IN
        if status == case.ok:
            return OK if self.has_written or not case.changes else FORBIDDEN
        known = {401: SIGN_IN, 403: FORBIDDEN, 404: HIDDEN}
        return known.get(status, f"status {status}")


def address_of(world: World, route: str, case: Case) -> str:
    """Where a case asks."""
    address = reverse(route, kwargs={key: value_of(world, at) for key, at in case.at.items()})
    if case.query is None:
        return address
    pairs = [f"{key}={value}" for key, value in case.query(world).items()]
    return f"{address}?{'&'.join(pairs)}"


def ask(world: World, name: str, route: str, case: Case) -> Reply:
    """Send the case's request as one person, and undo what it did."""
    address = address_of(world, route, case)
    by_api = address.startswith("/api/v1/")
    facts = case.body(world) if case.body is not None else None
    extra: dict[str, Any] = {}
    if by_api and any(hasattr(value, "read") for value in (facts or {}).values()):
        extra["format"] = "multipart"
    with permission_world.undone():
        client = caller(world, name, by_api=by_api)
        answer = getattr(client, case.method.lower())(address, facts, **extra)
        return Reply(answer, permission_world.has_written())


def test_every_route_has_an_entry() -> None:
    known = set(ROUTES) | set(UNTRIED)

    assert sorted(set(ROUTE_NAMES) - known) == [], "routes without expectations"
    assert not known - set(ALL), "expectations without a route"
    assert all(len(reason.split()) > 4 for reason in (*UNTRIED.values(), *ANY_METHOD.values()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("route", "case"),
    [
        pytest.param(route, case, id=f"{route} {case.method} {case.label}".strip())
        for route, cases in sorted(ROUTES.items())
        for case in cases
    ],
)
def test_each_person_is_answered_as_the_table_says(world: World, route: str, case: Case) -> None:
    found, leaks, silent, wrote = {}, [], [], []
    for name in PEOPLE:
        reply = ask(world, name, route, case)
        found[name] = reply.meaning(case)
        text = reply.text
        is_page = str(reply.answer.get("Content-Type", "")).startswith("text/html")
        assert not (is_page and MARKUP in text), "a name became markup"
        if name in {STRANGER, NOBODY}:
            leaks += [name] if SECRET in text else []
        elif found[name] == OK and case.shows and SECRET not in text:
            silent.append(name)
        if found[name] != OK and reply.has_written:
            wrote.append(name)

    assert found == case.who
    assert not leaks, "told about a site that is none of their business"
    assert not silent, "shown nothing of their own site"
    assert not wrote, "refused, and yet something was written"


@pytest.mark.django_db
@pytest.mark.parametrize("route", sorted(ROUTES))
def test_no_other_method_is_open(world: World, route: str) -> None:
    cases = ROUTES[route]
    tried = {case.method for case in cases}
    at = cases[0].at
    for method in METHODS:
        if method in tried or route in ANY_METHOD:
            continue
        case = Case({}, method, at=at, body=lambda _world: {})
        for name in ("administrator", STRANGER, NOBODY):
            reply = ask(world, name, route, case)
            status = reply.answer.status_code
            refusals = {405} if name == "administrator" else {401, 403, 404, 405}
            is_refused = status in refusals or reply.meaning(case) == SIGN_IN
            assert is_refused, f"{name} {method} is answered with {status}"
            assert not reply.has_written


# --- The admin, whose routes follow from its models

GENERATED = {
    f"admin:{model.replace('.', '_')}_{page}"
    for model in MODELS
    for page in ("changelist", "add", "change", "delete", "history")
}
GENERAL = {
    "admin:index": 200,
    "admin:password_change": 200,
    "admin:password_change_done": 200,
    "admin:jsi18n": 200,
    "admin:autocomplete": 403,
    "admin:login": 302,
    "admin:logout": 405,
    "admin:view_on_site": 404,
    "admin:app_list": 200,
    "admin:auth_user_password_change": 403,
    "admin:devices_devicetemplate_import": 403,
}


def test_every_page_of_the_admin_has_an_entry() -> None:
    names = {name for name in ALL if name.startswith("admin:")}
    # Entries without a name send old addresses on, or to the sign-in page.
    unnamed = {name for name in names if ALL[name] == name.removeprefix("admin:")}

    assert sorted(set(MODELS) - set(ADMIN)) == [], "models without expectations"
    assert sorted(set(ADMIN) - set(MODELS)) == [], "expectations without a model"
    assert sorted(names - unnamed - GENERATED - set(GENERAL)) == [], "pages without expectations"


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS)
def test_the_admin_shows_each_person_what_the_table_says(world: World, model: str) -> None:
    row = permission_world.row_of(world, apps.get_model(model))
    assert row is not None, "the world has no such row"
    route = f"admin:{model.replace('.', '_')}"
    pages = {
        "listed": reverse(f"{route}_changelist"),
        "opened": reverse(f"{route}_change", args=[row.pk]),
        "add": reverse(f"{route}_add"),
        "delete": reverse(f"{route}_delete", args=[row.pk]),
    }
    shown: dict[str, set[str]] = {page: set() for page in pages}
    for name in PEOPLE:
        client = caller(world, name, by_api=False)
        for page, address in pages.items():
            answer: Any = client.get(address)
            assert answer.status_code in {200, 302, 403}, f"{name} {page} {answer.status_code}"
            if answer.status_code == 200:
                shown[page].add(name)
            text = answer.content.decode()
            assert MARKUP not in text, "a name became markup"
            if name in {STRANGER, NOBODY}:
                assert SECRET not in text, f"{name} {page}"

    expected = {page: {STAFF[letter] for letter in getattr(ADMIN[model], page)} for page in pages}
    assert shown == expected


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS)
def test_the_admin_takes_nothing_from_those_it_shows_nothing(world: World, model: str) -> None:
    row = permission_world.row_of(world, apps.get_model(model))
    assert row is not None
    route = f"admin:{model.replace('.', '_')}"
    sent = {
        "opened": (reverse(f"{route}_change", args=[row.pk]), {"name": "x", "username": "x"}),
        "add": (reverse(f"{route}_add"), {"name": "x"}),
        "delete": (reverse(f"{route}_delete", args=[row.pk]), {"post": "yes"}),
        "listed": (
            reverse(f"{route}_changelist"),
            {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"},
        ),
    }
    for name in PEOPLE:
        if name in {STAFF["A"], STAFF["M"]}:
            continue
        for page, (address, facts) in sent.items():
            with permission_world.undone():
                client = caller(world, name, by_api=False)
                answer = client.post(address, facts)
                assert not permission_world.has_written(), f"{name} {page}"
            # 200 is a list, or a form with its mistakes: neither has written anything.
            assert answer.status_code in {200, 302, 403}


@pytest.mark.django_db
@pytest.mark.parametrize("route", sorted(GENERAL))
def test_the_rest_of_the_admin_is_for_the_staff(world: World, route: str) -> None:
    arguments: dict[str, Any] = {
        "admin:view_on_site": {
            "content_type_id": ContentType.objects.get_for_model(Site).pk,
            "object_id": world.site.pk,
        },
        "admin:app_list": {"app_label": "sites"},
        "admin:auth_user_password_change": {"id": world.cast.bo.pk},
    }.get(route, {})
    address = reverse(route, kwargs=arguments)
    for name in PEOPLE:
        status = caller(world, name, by_api=False).get(address).status_code
        if name == STAFF["M"]:
            assert status == GENERAL[route]
        elif name not in STAFF.values():
            assert status in {302, 403, 405}, name

"""What browser tests share: a Chromium, a server, and a world that is put back after each test."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from alarms.services import watching
from tests import keeping
from tests.browser.world import World, make_world, refresh
from tests.browsing import chromium, live_app, visit
from tests.keeping import KeptKeys

__all__ = ["chromium", "live_app", "visit"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser, and commits."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Made:
    """The world, and what Redis keeps of it."""

    world: World
    keys: KeptKeys


@pytest.fixture(scope="package")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Made]:
    """Made once: every test begins with it."""
    watching.forget()
    with django_db_blocker.unblock():
        made = Made(make_world(), KeptKeys())
        keeping.begin()
        connection.close()
    yield made
    with django_db_blocker.unblock():
        keeping.end()
        connection.close()


@pytest.fixture(autouse=True)
def world(made: Made, transactional_db: None) -> Iterator[World]:
    """One site with a measured device, alarms and orders, as if made for this test alone."""
    world = deepcopy(made.world)
    refresh(world.device)
    yield world
    made.keys.put_back()
    watching.forget()

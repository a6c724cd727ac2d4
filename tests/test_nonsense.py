"""What strangers type into addresses: every page answers it in words, none falls over it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import QueryDict

from alarms.filters import AlarmFilter
from sites.rules import Role
from tests import permission_world
from tests.permission_routes import ROUTES
from tests.permission_table import OK
from tests.permission_world import World
from tests.test_permission_matrix import address_of, caller, world
from workorders.filters import OrderFilter, TaskFilter

__all__ = ["world"]

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]
# Into how many parts the pages are dealt out, for several workers to share.
PARTS = 3

READER = Role.MANAGER.value
# No text of PostgreSQL holds the first, no number of Python the second.
NONSENSE = {"nul": "%00", "digits": "9" * 4500}
FILTERS = frozenset().union(*(one.base_filters for one in (AlarmFilter, OrderFilter, TaskFilter)))


def pages(world: World) -> Iterator[str]:  # noqa: F811
    """Addresses of whatever the reader may look at; tests/test_api_fuzz.py has the API's."""
    for route, cases in sorted(ROUTES.items()):
        for case in cases:
            if case.method == "GET" and case.who.get(READER) == OK and "api-" not in route:
                yield address_of(world, route, case)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Parameters that pages ask their addresses for, as they ask."""
    names: set[str] = set()

    def note(method: str) -> None:
        original = getattr(QueryDict, method)

        def noting(self: QueryDict, key: Any, *more: Any) -> Any:
            names.add(str(key))
            return original(self, key, *more)

        monkeypatch.setattr(QueryDict, method, noting)

    for method in ("get", "getlist", "__getitem__", "__contains__"):
        note(method)
    return names


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", NONSENSE)
def test_no_page_falls_over_nonsense(
    world: World,  # noqa: F811
    kind: str,
    part: int,
    asked: set[str],
) -> None:
    client: Any = caller(world, READER, by_api=False)
    client.raise_request_exception = False
    fallen = []
    for address in list(pages(world))[part::PARTS]:
        asked.clear()
        client.get(address)
        joint = "&" if "?" in address else "?"
        # Filters refuse each for itself: they are tried together.
        for names in [sorted(asked & FILTERS), *([name] for name in sorted(asked - FILTERS))]:
            query = "&".join(f"{name}={NONSENSE[kind]}" for name in names)
            with permission_world.undone():
                answer = client.get(f"{address}{joint}{query}")
            if answer.status_code >= 500:
                fallen.append((address, names))

    assert fallen == []

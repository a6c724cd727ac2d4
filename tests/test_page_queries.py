"""Every page of the URL map has its number of queries on record, so that a change is seen in review.

Pages and addresses are those of the permission matrix; a new page fails here until
`UPDATE_GOLDEN=1 pytest tests/test_page_queries.py` has written its number down.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sites.rules import Role
from tests.permission_routes import ROUTES
from tests.permission_table import OK, Case
from tests.permission_world import World
from tests.queries import queries_of
from tests.test_permission_matrix import address_of, caller, world

__all__ = ["world"]

GOLDEN = Path(__file__).parent / "golden" / "pages.json"
READER = Role.MANAGER.value


def pages() -> Iterator[tuple[str, str, Case]]:
    """Name, route and case of whatever the reader may look at with a browser."""
    for route, cases in sorted(ROUTES.items()):
        looks = [c for c in cases if c.method == "GET" and c.who.get(READER) == OK]
        if not route.startswith("api-"):
            for case in looks:
                yield f"{route} {case.label}".strip(), route, case


@pytest.mark.django_db
def test_every_page_has_its_number_of_queries(world: World) -> None:  # noqa: F811
    client: Any = caller(world, READER, by_api=False)
    found = {}
    for name, route, case in pages():
        address = address_of(world, route, case)
        # The first look fills what a process keeps: layouts, kinds of content, templates.
        answer = client.get(address)
        if answer.status_code == 200 and answer.get("Content-Type", "").startswith("text/html"):
            found[name] = queries_of(lambda at=address: client.get(at))

    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(GOLDEN.read_text())

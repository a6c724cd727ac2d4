"""What every test of alarms begins with."""

from collections.abc import Iterator

import pytest

from alarms.services import watching


@pytest.fixture(autouse=True)
def nothing_watched() -> Iterator[None]:
    """The rules of the test before are gone with its rows."""
    watching.forget()
    yield
    watching.forget()

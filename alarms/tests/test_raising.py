"""Raising and recovering, one at a time."""

import pytest

from alarms.states import Handling
from alarms.tests.factories import make_alarm

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("handling", Handling.values)
def test_factory_reaches_every_handling(handling: str) -> None:
    alarm = make_alarm(handling=handling)

    assert alarm.handling == handling
    assert alarm.is_active == (handling != Handling.ARCHIVED)
    assert alarm.number.startswith("GJ-20261120-")

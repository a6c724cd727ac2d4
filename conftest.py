"""Starts the services of the test run before anything reads Django's settings.

DJANGO_SETTINGS_MODULE stays out of pytest's configuration: pytest-django would read the settings,
and with them the addresses, before this file.
"""

import django
import pytest
from django.conf import settings

from config import testing

# What a test touches, by its marks or fixtures, when it is none of the quick ones.
SLOW_MARKS = {"browser", "slow", "django_db"}
SLOW_FIXTURES = {"db", "transactional_db", "live_server"}

testing.begin()
django.setup()
# Every test client builds the middleware anew, and would list all static files each time.
settings.WHITENOISE_AUTOREFRESH = True


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick` is the part for script/check: no database, browser, or processes."""
    parser.addoption("--quick", action="store_true", help="only tests that need no services")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not quick, when only that is asked for."""
    if not config.getoption("--quick"):
        return
    slow = [item for item in items if not _is_quick(item)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if _is_quick(item)]


def _is_quick(item: pytest.Item) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    fixtures = set(getattr(item, "fixturenames", ()))
    return not marks & SLOW_MARKS and not fixtures & SLOW_FIXTURES


def pytest_unconfigure() -> None:
    """Stop the services, also after Ctrl-C."""
    testing.end()

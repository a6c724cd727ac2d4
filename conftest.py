"""Starts the services of the test run before anything reads Django's settings.

DJANGO_SETTINGS_MODULE stays out of pytest's configuration: pytest-django would read the settings,
and with them the addresses, before this file. In a parallel run (`-n 2`) each worker comes here too
and has services of its own; the process that only deals out the work gives its up again.
"""

import gc
import os
import random
from itertools import groupby
from pathlib import Path
from typing import Any
from zlib import crc32

import django
import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadScopeScheduling

from config import testing

# What a test touches, by its marks or fixtures, when it is none of the quick ones.
SLOW_MARKS = {"browser", "slow", "django_db"}
SLOW_FIXTURES = {"db", "transactional_db", "live_server"}
# What takes a minute or more in a parallel run, the longest first; the first mostly waits.
LONGEST = (
    "test_kills.py",
    "test_walk.py",
    "test_controls.py",
    "test_permission_matrix.py",
    "test_benchmarks.py",
    "test_nonsense.py",
)
# Files whose tests several workers share, and into how many parts; the others stay whole, because
# what their tests share is made once.
PARTS = {
    "tests/browser/test_walk.py": 24,
    "tests/browser/test_controls.py": 24,
    "tests/test_permission_matrix.py": 6,
    "tests/test_benchmarks.py": 24,
    "tests/test_nonsense.py": 24,
    "tests/test_api_fuzz.py": 4,
}

testing.begin()
django.setup()
# The settings are read; workers of a parallel run must not read theirs before they have services.
os.environ.pop("DJANGO_SETTINGS_MODULE", None)
# A busy machine is slow, not wrong.
hypothesis_settings.register_profile("patient", deadline=None)
hypothesis_settings.load_profile("patient")
# Every test client builds the middleware anew, and would list all static files each time.
settings.WHITENOISE_AUTOREFRESH = True
# Half a second of arithmetic per password shows nothing; what is kept has the same form.
PBKDF2PasswordHasher.iterations = 1_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick` is the part for script/check; `--shuffle 7` finds tests that need each other."""
    parser.addoption("--quick", action="store_true", help="only tests that need no services")
    parser.addoption("--shuffle", type=int, metavar="SEED", help="in an order of this seed")


def pytest_configure(config: pytest.Config) -> None:
    """The workers of a parallel run have services of their own, with tables made here."""
    if getattr(config.option, "numprocesses", None) and not _is_worker():
        # A conftest of the given folders may have named them again.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
        testing.make_tables()
        testing.end()


class ByFile(LoadScopeScheduling):
    """Deals out whole files, and the parts of those that take long."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return f"{file} {crc32(nodeid.encode()) % PARTS.get(file, 1)}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """How a parallel run deals the tests out."""
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not quick, and change the order, when that is asked for."""
    for item in items:
        _tell_apart(item)
    if config.getoption("--quick"):
        slow = [item for item in items if not _is_quick(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if _is_quick(item)]
    if _is_worker():
        items[:] = _long_ones_first(items)
    seed = config.getoption("--shuffle")
    if seed is not None:
        items[:] = _shuffled(items, random.Random(seed))


def pytest_collection_finish() -> None:
    """What there is now stays: nobody needs to look for garbage in it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def _long_ones_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Files that take long, so that no worker begins with one when the other is done.

    Those of the browser stay together: what they share is made once.
    """
    ranks: dict[Path, int] = {}
    for item in items:
        marks = _marks_of(item)
        if item.path.name in LONGEST:
            ranks[item.path] = LONGEST.index(item.path.name)
        elif {"browser", "slow"} & marks:
            rank = len(LONGEST) + ("browser" not in marks)
            ranks[item.path] = min(rank, ranks.get(item.path, rank))
    return sorted(items, key=lambda item: ranks.get(item.path, len(LONGEST) + 2))


def _tell_apart(item: pytest.Item) -> None:
    """Schemathesis gives all tests of a function one id; who deals them out needs one of each."""
    if item.parent and not item.nodeid.endswith(item.name):
        item._nodeid = f"{item.parent.nodeid}::{item.name}"  # type: ignore[attr-defined]


def _shuffled(items: list[pytest.Item], dice: random.Random) -> list[pytest.Item]:
    """Another order of the files, and of the tests of each: what a file shares stays together."""
    files = [list(group) for _path, group in groupby(items, key=lambda item: item.path)]
    dice.shuffle(files)
    for group in files:
        dice.shuffle(group)
    return [item for group in files for item in group]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The tests' database is a copy of migrated, empty tables, when an earlier run left them."""
    if testing.has_template():
        connection.settings_dict["TEST"]["TEMPLATE"] = testing.TEMPLATE


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Leave the migrated, empty tables to later runs; tests that commit put back what they held."""
    if not testing.has_template():
        with django_db_blocker.unblock():
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined]
            testing.make_template(connection.settings_dict["NAME"])
    from tests import keeping  # noqa: PLC0415 - not before the apps are ready

    # Django would empty all tables, and make what it can by itself anew.
    TransactionTestCase._fixture_teardown = staticmethod(keeping.put_back)  # type: ignore[attr-defined]
    with django_db_blocker.unblock():
        keeping.begin()


def _is_quick(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return not _marks_of(item) & SLOW_MARKS and not fixtures & SLOW_FIXTURES


def _marks_of(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


def pytest_unconfigure() -> None:
    """Stop the services, also after Ctrl-C."""
    testing.end()

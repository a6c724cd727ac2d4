"""Starts the services of the test run before anything reads Django's settings.

DJANGO_SETTINGS_MODULE stays out of pytest's configuration: pytest-django would read the settings,
and with them the addresses, before this file.
"""

import django

from config import testing

testing.begin()
django.setup()


def pytest_unconfigure() -> None:
    """Stop the services, also after Ctrl-C."""
    testing.end()

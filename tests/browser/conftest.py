"""What browser tests share."""

import pytest

from tests.browsing import chromium, live_app, visit

__all__ = ["chromium", "live_app", "visit"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)

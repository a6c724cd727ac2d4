"""axe finds nothing to object to on any page, at a desk and on a phone, light and dark."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.world import World, make_world
from tests.browsing import DESK, PHONE, Served, Visit, Visitor

AXE = Path(__file__).parent.parent / "vendor" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """(tags) => axe.run(document, {runOnly: tags}).then((found) => found.violations.map(
  (rule) => `${rule.id}: ${rule.nodes.slice(0, 2).map((node) => node.html.slice(0, 160))}`))"""


@pytest.fixture
def world(live_app: Served) -> World:
    return make_world()


def objections(visitor: Visitor) -> Any:
    # Evaluated by the tester, past the page's policy.
    visitor.page.evaluate(AXE.read_text())
    return visitor.page.evaluate(_RUN, RULES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "scheme"),
    [(DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")],
    ids=["desk-light", "desk-dark", "phone-light", "phone-dark"],
)
def test_pages_are_accessible(
    size: dict[str, int], scheme: str, world: World, visit: Visit
) -> None:
    di = visit(world.cast.di, size=size, scheme=scheme)

    found = {}
    for path in world.pages():
        di.open(path)
        if told := objections(di):
            found[path] = told

    assert found == {}


def test_dialogs_and_the_drawer_are_accessible(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)

    page = di.open(f"/alarms/{world.alarm.pk}/")
    page.click("[data-dialog=ignore]")
    in_dialog = objections(di)
    page = di.open(f"/live/?device={world.device.pk}")
    page.locator(".live-table [data-curve]").first.click()
    page.wait_for_selector("#drawer #drawer-curves[data-drawn]")
    in_drawer = objections(di)

    assert in_dialog == []
    assert in_drawer == []


def test_the_keyboard_reaches_the_content(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/alarms/")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-words"

"""axe finds nothing to object to on any page, at a desk and on a phone, light and dark."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from sites.models import User
from tests.browser.world import World
from tests.browsing import DESK, PHONE, Visit, Visitor

AXE = Path(__file__).parent.parent / "vendor" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """(tags) => axe.run(document, {runOnly: tags}).then((found) => found.violations.map(
  (rule) => `${rule.id}: ${rule.nodes.slice(0, 2).map((node) => node.html.slice(0, 160))}`))"""


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


def broken(*_given: Any) -> None:
    raise RuntimeError("broken")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_failures_and_the_door_are_accessible(
    scheme: str, world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    di, nobody = visit(world.cast.di, scheme=scheme), visit(scheme=scheme)
    monkeypatch.setattr("reports.views.help.libraries", broken)

    page = di.open("/about/")
    expect(page.locator(".failure-number")).to_be_visible()
    failed = objections(di)
    page = di.open("/profile/")
    page.locator("main form [name=csrfmiddlewaretoken]").first.evaluate("(field) => field.remove()")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("h1")).to_have_text("页面已过期")
    expired = objections(di)
    nobody.open("/accounts/login/")

    assert (failed, expired, objections(nobody)) == ([], [], [])
    assert [*di.violations, *nobody.complaints()] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_admin_has_our_door_and_keeps_the_policy(
    scheme: str, world: World, visit: Visit
) -> None:
    User.objects.filter(pk=world.cast.ana.pk).update(is_staff=True, is_superuser=True)
    ana, nobody = visit(world.cast.ana, scheme=scheme), visit()
    site = f"/admin/sites/site/{world.cast.site.pk}/change/"

    assert nobody.open("/admin/").url.endswith("/accounts/login/?next=%2Fadmin%2F")
    for path in ("/admin/", "/admin/sites/site/", site):
        page = ana.open(path)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        expect(page.locator("#site-name")).to_contain_text("智慧电务")

    assert ana.complaints() == []


def test_the_keyboard_reaches_the_content(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/alarms/")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-words"

"""axe finds nothing to object to in dialogs, failures and at the door; the keyboard gets in.

Pages as they open are looked at by test_walk.
"""

from typing import Any

import pytest
from playwright.sync_api import expect

from sites.models import User
from tests.browser.axe import objections
from tests.browser.world import World
from tests.browsing import Visit


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

"""Clicking around in a real browser: the policy holds, both languages, themes, without script."""

import re

import pytest
from playwright.sync_api import expect

from sites.models import User
from sites.tests.factories import PASSWORD
from tests.browser.world import World
from tests.browsing import Visit


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_policy_holds_while_one_clicks_around(scheme: str, world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana, scheme=scheme)

    page = ana.open(f"/alarms/{world.alarm.pk}/")
    page.click("[data-dialog=verify]")
    expect(page.locator("#verify")).to_be_visible()
    page.locator("#verify [data-close]").last.click()
    page.click("header .avatar")
    page.click("[data-bell]")
    expect(page.locator("#notices")).to_contain_text("剩余电流")
    page.click("[data-theme-toggle]")
    page = ana.open(f"/live/?device={world.device.pk}")
    page.locator(".live-table [data-curve]").first.click()
    expect(page.locator("#drawer #drawer-curves[data-drawn]")).to_be_visible()
    page.locator("#drawer-curves canvas").hover()
    page.locator("#drawer").get_by_role("link", name="24 小时").click()
    expect(page.locator("#drawer [aria-current]")).to_have_text("24 小时")

    told = [text for text in ana.complaints() if "404" not in text]
    assert told == []


def test_signing_in_by_hand(world: World, visit: Visit) -> None:
    world.cast.ana.set_password(PASSWORD)
    world.cast.ana.save()
    nobody = visit()
    page = nobody.open("/alarms/")

    page.fill("[name=login]", "ana")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="登录").click()

    expect(page).to_have_url(re.compile("/alarms/$"))
    expect(page.locator("h1")).to_have_text("告警管理")
    assert nobody.complaints() == []


def test_english_reaches_pages_and_scripts(world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana)
    page = ana.open("/")

    page.get_by_role("button", name="English").click()
    ana.settled()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("Work hall")
    expect(page.locator("[data-live-word]")).to_have_text("Live")
    leftovers = page.evaluate(
        r"""() => [...document.querySelectorAll("main h2, main .kpi-l, nav a span, th")]
            .map((node) => node.textContent).filter((text) => /[\u4e00-\u9fff]/.test(text))"""
    )
    assert leftovers == []
    assert User.objects.get(pk=world.cast.ana.pk).language == "en"


def test_the_theme_follows_the_system_then_the_person(world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana, scheme="dark")
    page = ana.open("/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    with page.expect_response("**/profile/theme/"):
        page.click("[data-theme-toggle]")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page = ana.open("/sites/")

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_pages_work_without_script(world: World, visit: Visit) -> None:
    """Lists, details and the forms of the dialogs are there; moves are plain posts."""
    ana = visit(world.cast.ana)
    context = ana.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    context.add_cookies(ana.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()

    page.goto(f"{ana.url}/alarms/{world.alarm.pk}/")
    page.get_by_role("link", name="查核").first.click()
    page.locator("#verify").get_by_role("button").click()

    expect(page.locator("#alarm")).to_have_attribute("data-handling", "verified")
    context.close()

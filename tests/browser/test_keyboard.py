"""Without a mouse, and read aloud: a whole round by keys, the order in which pages are read."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sites.tests.factories import PASSWORD
from tests.browser.world import World
from tests.browsing import Visit

READING = Path(__file__).parent.parent / "golden" / "reading"
# What a reader hears first of a page: its landmarks, headings and tables, in order.
SPINE = re.compile(
    r"^(\s*)- (banner|navigation|main|complementary|search|region|heading|table|caption)\b:?(.*)$"
)
CONTROLS = re.compile(r"^\s*- (button|link|textbox|searchbox|combobox|checkbox|radio)(:|$)")


def tab_to(page: Page, wanted: str, limit: int = 200) -> None:
    """Press Tab until an element that fits has the focus."""
    for _press in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", wanted):
            return
    pytest.fail(f"the keyboard does not reach {wanted}")


def test_a_round_without_a_mouse(world: World, visit: Visit) -> None:
    world.cast.di.set_password(PASSWORD)
    world.cast.di.save()
    nobody = visit()
    page = nobody.open("/")

    tab_to(page, "[name=login]")
    page.keyboard.type("di")
    tab_to(page, "[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("工作大厅")
    page.wait_for_load_state()

    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator("h1")).to_have_text("告警管理")
    page.wait_for_load_state()
    tab_to(page, f"main a[href^='/alarms/{world.alarm.pk}/']")
    page.keyboard.press("Enter")
    expect(page.locator("#alarm")).to_have_attribute("data-handling", "unverified")
    page.wait_for_load_state()

    tab_to(page, "[data-dialog=verify]")
    page.keyboard.press("Enter")
    expect(page.locator("#verify")).to_be_visible()
    tab_to(page, "#verify button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.locator("#alarm")).to_have_attribute("data-handling", "verified")
    page.wait_for_load_state()

    tab_to(page, "main a[href*='/orders/new/']")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/orders/new/"))
    page.wait_for_load_state()
    tab_to(page, "main form[method=post] button[type=submit]")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/orders/\d+/"))
    page.wait_for_load_state()

    tab_to(page, "header [data-bs-toggle=dropdown]:not([data-bell])")
    page.keyboard.press("Enter")
    tab_to(page, "header form[action*=logout] button")
    page.keyboard.press("Enter")
    expect(page.locator("[name=login]")).to_be_visible()
    assert nobody.complaints() == []


def spine(snapshot: str) -> str:
    """Landmarks, headings and tables with their names; figures and moments are not part of it."""
    kept = [f"{m[1]}{m[2]}{m[3].rstrip(':')}" for m in map(SPINE.match, snapshot.splitlines()) if m]
    return re.sub(r"\d+(?!\])", "#", "\n".join(kept)) + "\n"


def test_pages_are_read_in_a_sensible_order(world: World, visit: Visit) -> None:
    """tests/golden/reading holds the order; UPDATE_GOLDEN=1 writes it anew."""
    di = visit(world.cast.di, language="en")
    pages = {"hall": "/", "alarms": "/alarms/", "alarm": f"/alarms/{world.alarm.pk}/"}
    for name, path in pages.items():
        page = di.open(path)
        told = page.locator("body").aria_snapshot()
        levels = [int(level) for level in re.findall(r"- heading .*\[level=(\d)\]", told)]
        nameless = [line.strip() for line in told.splitlines() if CONTROLS.match(line)]

        assert levels.count(1) == 1, f"{name}: one h1"
        assert levels[0] == 1, f"{name}: the h1 comes first"
        steps = [b - a for a, b in zip(levels, levels[1:], strict=False)]
        assert max(steps, default=0) <= 1, f"{name}: no level of headings is left out"
        assert nameless == [], f"{name}: every control has a name"
        file = READING / f"{name}.txt"
        if os.environ.get("UPDATE_GOLDEN"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(spine(told), encoding="utf-8")
        assert spine(told) == file.read_text(encoding="utf-8"), name

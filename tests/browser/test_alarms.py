"""Triage by keys and by thumb: select, preview, verify in bulk, take it back; no policy breaks."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from alarms.models import Alarm
from alarms.tests.factories import make_alarm, make_rule
from tests.browser.world import World
from tests.browsing import PHONE, Visit


@pytest.mark.timeout(240)
def test_triage_by_keys(world: World, visit: Visit) -> None:
    now = timezone.now()
    first, second, third = (
        make_alarm(
            device=world.device,
            rule=make_rule(f"KEY_{number}", severity="critical"),
            at=now - timedelta(minutes=number),
        )
        for number in (1, 2, 3)
    )
    ana = visit(world.cast.ana)
    page = ana.open("/alarms/")
    row = page.locator("tr[data-row]")

    # J and K move, Space previews, J goes on in the drawer, Esc closes it.
    page.keyboard.press("j")
    expect(page.locator("tr.cur")).to_have_attribute("data-row", str(first.pk))
    page.keyboard.press(" ")
    expect(page.locator("#drawer-body h3").first).to_have_text(first.rule.label)
    page.keyboard.press("j")
    expect(page.locator("#drawer-body h3").first).to_have_text(second.rule.label)
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).not_to_be_visible()

    # X selects, Shift+J extends, a click with Shift takes the range.
    page.keyboard.press("k")
    page.keyboard.press("x")
    page.keyboard.press("Shift+J")
    expect(page.locator("[data-bulk-count]")).to_have_text("已选 2 条")
    row.nth(2).locator("[data-select]").click(modifiers=["Shift"])
    expect(page.locator("[data-bulk-count]")).to_have_text("已选 3 条")

    # E verifies what is selected; the toast takes it back by U.
    row.nth(2).focus()
    page.keyboard.press("e")
    expect(page.locator("#act-title")).to_have_text("查核 3 条告警")
    page.locator("#act button[type=submit]").click()
    expect(page.locator("#toasts")).to_contain_text("查核：成功 3")
    expect(page.locator("#act")).not_to_be_visible()
    expect(page.locator("[data-bulk]")).to_be_hidden()
    rows = Alarm.objects.filter(pk__in=[first.pk, second.pk, third.pk])
    assert set(rows.values_list("handling", flat=True)) == {"verified"}
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("撤销：成功 3")
    assert set(rows.values_list("handling", flat=True)) == {"unverified"}

    # All of the query, counted again by the server; Esc lets go.
    page.locator("[data-select-page]").check()
    page.keyboard.press("Escape")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    row.nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(third.rule.label)
    ana.settled()
    page.keyboard.press("k")
    expect(page.locator("h1")).to_have_text(second.rule.label)
    assert ana.complaints() == []


def test_what_is_selected_never_looks_unselected_while_the_list_comes_anew(
    world: World, visit: Visit
) -> None:
    page = visit(world.cast.ana).open("/alarms/")
    page.locator("[data-select-page]").check()

    page.evaluate("""
        document.body.addEventListener(
          "htmx:afterSwap",
          () => {
            const boxes = [...document.querySelectorAll("[data-select-page], tr [data-select]")];
            document.body.dataset.kept = String(boxes.every((box) => box.checked));
          },
          { once: true },
        );
        htmx.trigger("[data-list]", "refresh");
    """)

    expect(page.locator("body")).to_have_attribute("data-kept", "true")


@pytest.mark.timeout(120)
def test_triage_by_thumb(world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana, size=PHONE)
    page = ana.open("/alarms/")
    cards = page.locator(".pick-card")
    expect(cards.first.locator("[data-select]")).to_be_hidden()

    page.get_by_role("button", name="列表操作").click()
    page.get_by_role("button", name="选择多条").click()
    expect(page.locator("[data-bulk-count]")).to_have_text("已选 0 条")
    expect(page.get_by_role("button", name="查核")).to_be_disabled()
    page.locator(f".pick-card[data-row='{world.alarm.pk}'] .a-card").click()
    expect(page.locator("[data-bulk-count]")).to_have_text("已选 1 条")
    page.get_by_role("button", name="查核").click()
    page.locator("#act button[type=submit]").click()

    expect(page.locator("#toasts")).to_contain_text("查核：成功 1")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    assert Alarm.objects.get(pk=world.alarm.pk).handling == "verified"

    page.get_by_role("button", name="列表操作").click()
    with page.expect_download() as sheet:
        page.get_by_role("link", name="CSV").click()
    assert sheet.value.suggested_filename.endswith(".csv")
    cards.first.locator("a").click()
    expect(page.locator("#alarm")).to_be_visible()
    assert ana.complaints() == []

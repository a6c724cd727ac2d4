"""The frame around the pages: keys, toasts, questions, the drawer, the session, parts that fail."""

import json
import re
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from sites.models import User
from tests.browser.axe import objections
from tests.browser.test_live import raise_one
from tests.browser.world import World
from tests.browsing import PHONE, Visit


def module(page: Page, name: str, call: str) -> None:
    """Call a function of one of our modules, as a page's script would."""
    page.evaluate(f"import('/static/ops/{name}.js').then((it) => it.{call})")


def test_keys_go_help_and_stay_out_of_the_way(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/")

    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_contain_text("告警管理")
    assert objections(di) == []
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/$"))
    page.keyboard.press("Escape")
    for letter, address in (("c", "/curves/"), ("t", "/tasks/"), ("a", "/alarms/")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page).to_have_url(re.compile(f"{address}$"))
        di.settled()

    page.locator("[data-search]").press("g")
    page.locator("[data-search]").press("h")
    expect(page.locator("[data-search]")).to_have_value("gh")
    expect(page).to_have_url(re.compile("/alarms/$"))
    assert di.complaints() == []


def test_keys_can_be_switched_off_in_the_profile(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/profile/")
    page.uncheck("[name=has_shortcuts]")
    page.select_option("[name=density]", "compact")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#toasts")).to_contain_text("已保存。")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    height = "getComputedStyle(document.querySelector('.tbl td')).height"
    assert float(page.evaluate(height).removesuffix("px")) <= 36

    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("h")

    expect(page.locator("#keys-help")).to_be_hidden()
    expect(page).to_have_url(re.compile("/profile/$"))


def test_a_toast_can_be_taken_back_and_waits_while_it_is_looked_at(
    world: World, visit: Visit
) -> None:
    di = visit(world.cast.di)
    page = di.open("/")
    page.clock.install()
    page.reload()
    undo = {"url": "/profile/theme/", "fields": {"theme": "dark"}}

    page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('toast', {detail: {words: '来自服务器'}}))"
    )
    expect(page.locator(".toast-note")).to_contain_text("来自服务器")
    page.clock.run_for(4500)
    expect(page.locator(".toast-note")).to_have_count(0)
    module(page, "toast", f"toast('已归档。', {{undo: {json.dumps(undo)}}})")
    shown = page.locator(".toast-note")
    expect(shown).to_be_visible()
    assert objections(di) == []
    page.clock.run_for(6000)
    expect(shown).to_be_visible()
    shown.hover()
    page.clock.run_for(20000)
    expect(shown).to_be_visible()
    with page.expect_navigation():
        shown.get_by_role("button", name="撤销").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_an_act_may_ask_for_its_reason_first(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/profile/")
    page.evaluate(
        """() => Object.assign(document.querySelector("[data-theme-form]").dataset,
            {ask: "归档 45 条告警？", askReason: "原因", askName: "why"})"""
    )

    page.click("[data-theme-toggle]")
    dialog = page.locator("#ask")
    expect(dialog.locator("h2")).to_have_text("归档 45 条告警？")
    assert objections(di) == []
    dialog.get_by_role("button", name="确定").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="取消").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")

    page.click("[data-theme-toggle]")
    dialog.get_by_label("原因").fill("检修完成")
    dialog.get_by_role("button", name="确定").click()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("[data-theme-form] [name=why]")).to_have_value("检修完成")


def test_a_part_that_fails_says_so_and_can_be_tried_again(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/alarms/")
    broken = []

    def once(route: Route) -> None:
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.fulfill(status=503, body="")

    page.route("**/alarms/", once)
    page.evaluate("htmx.trigger('#alarm-list', 'refresh')")

    box = page.locator("#alarm-list > .part-error")
    expect(box).to_contain_text("503")
    expect(page.locator("tr[data-row]").first).to_be_visible()
    expect(page.locator("#alarm-list")).not_to_have_attribute("aria-busy", "true")
    page.unroute("**/alarms/")
    box.get_by_role("button", name="重试").click()
    expect(box).to_have_count(0)
    expect(page.locator("tr[data-row]").first).to_be_visible()


def test_the_drawer_leaves_the_page_in_use_and_fits_a_phone(world: World, visit: Visit) -> None:
    bo = visit(world.cast.bo, size=PHONE)
    page = bo.open(f"/live/?device={world.device.pk}")
    opener = page.locator(".live-table [data-curve]").first
    opener.click()
    drawer = page.locator("#drawer")
    expect(drawer.locator("#drawer-curves[data-drawn]")).to_be_visible()
    # It has come to rest where it belongs.
    expect(drawer).to_have_class(re.compile(r"\bshow\b"))

    expect(drawer).not_to_have_attribute("aria-modal", "true")
    box = drawer.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, PHONE["width"])
    assert bo.sideways() == 0
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_session_that_ends_soon_is_told_and_prolonged(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/")
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=3, seconds=30))

    page.evaluate("dispatchEvent(new Event('session-look'))")
    dialog = page.locator("#session")
    expect(dialog).to_contain_text("4 分钟")
    assert objections(di) == []
    dialog.get_by_role("button", name="继续使用").click()

    expect(dialog).to_be_hidden()
    expect(page.locator("#toasts")).to_contain_text("登录已延长。")
    assert Session.objects.get().expire_date > timezone.now() + timedelta(hours=1)


def test_the_search_finds_by_pinyin_with_the_keyboard_alone(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/")

    page.keyboard.press("/")
    box = page.locator("#search-box")
    expect(box.get_by_role("option").first).to_contain_text("工作大厅")
    page.keyboard.type("dianbiao")
    expect(box.get_by_role("option").first).to_contain_text("401 电表")
    expect(box.locator("[aria-selected=true]")).to_contain_text("401 电表")
    assert objections(di) == []
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/live/.device={world.device.pk}$"))
    page.wait_for_load_state()

    page.keyboard.press("/")
    expect(box.locator("[data-search-recent] button")).to_have_text("dianbiao")
    expect(box.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.type(world.alarm.number)
    expect(box.locator("[aria-selected=true]")).to_contain_text(world.alarm.number)
    page.locator("#search-words").fill("nothing-like-it")
    expect(box).to_contain_text("没有找到“nothing-like-it”")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert di.complaints() == []


def test_the_bell_shows_what_waits_and_remembers_what_was_seen(world: World, visit: Visit) -> None:
    User.objects.filter(pk=world.cast.di.pk).update(has_alarm_sound=True)
    di = visit(world.cast.di)
    page = di.open("/")
    bell = page.locator("#notices")
    page.click("[data-bell]")
    expect(bell.locator(".new-mark")).to_have_count(1)
    assert objections(di) == []
    bell.get_by_role("button", name="全部标为已看").click()
    expect(bell.locator(".new-mark")).to_have_count(0)

    raise_one(world, "major")
    expect(bell.locator(".new-mark")).to_have_count(1)
    assert page.locator("html").get_attribute("data-sounded") is None
    raise_one(world, "critical")

    expect(bell.locator(".e-critical")).to_have_count(1)
    expect(page.locator("html")).to_have_attribute("data-sounded", "1")
    assert di.complaints() == []


def test_nothing_moves_away_from_under_a_pressed_pointer(world: World, visit: Visit) -> None:
    User.objects.filter(pk=world.cast.di.pk).update(has_alarm_sound=True)
    page = visit(world.cast.di).open("/")
    bell, wake = page.locator("[data-bell]"), page.locator("[data-sound-enable]")
    expect(wake).to_be_visible()

    bell.hover()
    page.mouse.down()
    # By now sound that was woken by the press would be on, and the button for it gone.
    page.evaluate("new AudioContext().resume().then(() => undefined)")
    page.mouse.up()

    expect(page.locator("#notices .notice").first).to_be_visible()
    expect(wake).to_be_hidden()


def test_search_and_notices_on_a_phone(world: World, visit: Visit) -> None:
    bo = visit(world.cast.bo, size=PHONE)
    page = bo.open("/")
    page.locator("header a[data-search-open]").click()
    box = page.locator("#search-box").bounding_box()
    assert box == {"x": 0, "y": 0, "width": PHONE["width"], "height": PHONE["height"]}
    page.locator("#search-box [data-close]").click()
    page.click("[data-bell]")

    expect(page.locator("#notices .notice").first).to_be_visible()
    menu = page.locator("#notices").bounding_box()
    assert menu is not None
    assert (menu["x"], menu["width"]) == (0, PHONE["width"])
    assert bo.sideways() == 0

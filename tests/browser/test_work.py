"""Orders on the board and tasks on the phone, as people use them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from playwright.sync_api import Route, expect

from sites.tests.factories import People
from tests.browser.world import World
from tests.browsing import PHONE, Visit
from workorders import services
from workorders.models import Task, WorkOrder
from workorders.states import State
from workorders.tests.factories import make_order, picture


def order_in(cast: People, state: str, **facts: Any) -> WorkOrder:
    now = timezone.now()
    return make_order(cast=cast, state=state, now=now, due_at=now + timedelta(hours=5), **facts)


def column_of(page: Any, order: WorkOrder) -> str:
    card = page.locator(f"#card-{order.pk}")
    return card.locator("xpath=ancestor::section").get_attribute("data-column")


def drag(page: Any, order: WorkOrder, column: str) -> None:
    page.locator(f"#card-{order.pk} .b-meta").drag_to(
        page.locator(f"[data-column={column}] .b-head")
    )


def test_cards_are_dragged_refused_asked_for_and_moved_by_keys_and_by_others(
    world: World, visit: Visit
) -> None:
    cast = world.cast
    started = order_in(cast, State.ASSIGNED)
    fresh = order_in(cast, State.NEW)
    window = visit(cast.di)
    page = window.open("/orders/board/")

    # Along an edge of the table: moved.
    drag(page, started, "in_progress")
    page.wait_for_selector(f"[data-column=in_progress] #card-{started.pk}")
    started.refresh_from_db()
    assert started.state == State.IN_PROGRESS

    # Against the table: a sentence, and the card is where it was.
    drag(page, fresh, "to_accept")
    said = page.locator("#board-said .note-error")
    said.wait_for()
    assert "待受理" in said.inner_text()
    assert "待验收" in said.inner_text()
    assert column_of(page, fresh) == "new"

    # With something to be said first: the form, and then the move.
    drag(page, fresh, "assigned")
    page.wait_for_selector("#board-ask[open] select")
    page.select_option("#board-ask select", str(cast.bo.pk))
    page.click("#board-ask button[type=submit]")
    page.wait_for_selector(f"[data-column=assigned] #card-{fresh.pk}")
    assert page.url.endswith("/orders/board/")

    # By keys: Shift and an arrow take the card along.
    page.locator(f"#card-{fresh.pk} .b-title").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector(f"[data-column=in_progress] #card-{fresh.pk}")

    # By the menu.
    page.click(f"#card-{fresh.pk} .dropdown button")
    page.click(f"#card-{fresh.pk} [data-ask-move*='/hold/']")
    page.fill("#board-ask textarea", "等待备件")
    page.click("#board-ask button[type=submit]")
    page.wait_for_selector(f"[data-column=on_hold] #card-{fresh.pk}")

    # Somebody else moves one meanwhile: the board follows.
    page.wait_for_selector("[data-live-state=up]", state="attached")
    services.move(order_id=fresh.pk, move="resume", by=cast.bo, door="web", now=timezone.now())
    page.wait_for_selector(f"[data-column=in_progress] #card-{fresh.pk}")
    assert window.violations == []
    # The refusal is the only answer that a browser calls an error.
    assert [line for line in window.errors if "409" not in line] == []


def test_who_may_not_move_a_card_is_told_so(world: World, visit: Visit) -> None:
    cast = world.cast
    order = order_in(cast, State.TO_ACCEPT)
    window = visit(cast.bo)
    page = window.open("/orders/board/")

    assert page.locator(f"#card-{order.pk}").get_attribute("draggable") is None
    assert page.locator(f"#card-{order.pk} .dropdown").count() == 0
    token = "JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']"
    answer = page.evaluate(
        f"fetch('/orders/{order.pk}/drop/closed/', {{method: 'POST', headers: "
        f"{{'X-CSRFToken': {token}}}}}).then(async (a) => [a.status, (await a.json()).refused])"
    )
    assert answer[0] == 403
    assert "验收通过" in answer[1]


def test_a_technician_hands_in_a_result_with_photos_on_the_phone(
    world: World, visit: Visit, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    window = visit(world.cast.bo, size=PHONE)
    page = window.open("/work/")
    assert window.sideways() == 0

    page.click("text=开始执行")
    page.wait_for_selector("text=提交结果")
    assert page.url.endswith("/work/")
    page.click("a:has-text('提交结果')")
    page.click(".actbar a:has-text('提交结果')")
    page.fill("#do-finish textarea", "红外测温正常")
    files = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture().read()} for n in range(2)
    ]
    page.set_input_files("#do-finish input[type=file]", files)
    page.wait_for_selector("#result-previews img")
    page.click("#do-finish button[type=submit]")
    page.wait_for_selector("#task[data-state=to_accept]")

    done = Task.objects.get(pk=world.task.pk)
    assert (done.result, done.photos.count()) == ("红外测温正常", 2)
    assert page.locator("#shots img").count() == 2
    assert window.complaints() == []


def test_a_plan_shows_its_next_days_while_it_is_typed(world: World, visit: Visit) -> None:
    cast = world.cast
    window = visit(cast.ana)
    page = window.open(f"/plans/new/?team={cast.team.pk}")

    page.select_option("[name=recurrence]", "weekly")
    page.fill("[name=first_due_on]", "2027-01-31")
    page.locator("[name=first_due_on]").dispatch_event("change")
    page.wait_for_selector("#plan-preview :text('2027-02-07')")
    page.fill("[name=name]", "周检")
    page.check("[name=is_whole_team]")
    page.click("text=保存计划")
    page.wait_for_selector("h1:has-text('周检')")
    assert window.complaints() == []


def test_the_printed_order_has_the_facts_on_white_paper(world: World, visit: Visit) -> None:
    cast = world.cast
    order = order_in(cast, State.CLOSED, title="更换电缆头")
    window = visit(cast.di, scheme="dark")
    page = window.page
    page.goto(f"{window.url}/orders/{order.pk}/print/")

    page.emulate_media(media="print")
    shown = page.locator("main").inner_text()
    assert page.locator(".bar").is_hidden()
    paper = page.locator("body").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    for words in (order.number, "更换电缆头", "验收通过", "签字", "Bo"):
        assert words in shown
    assert window.complaints() == []


def test_a_photo_that_was_chosen_before_the_script_came_is_shown(
    world: World, visit: Visit, tmp_path: Path
) -> None:
    photo = tmp_path / "fuse.jpg"
    photo.write_bytes(picture().read())
    order = order_in(world.cast, State.IN_PROGRESS)
    bo = visit(world.cast.bo, size=PHONE)
    held: list[Route] = []
    bo.page.route("**/ops/ops*.js", lambda route: held.append(route))  # noqa: PLW0108 - its arguments are looked at

    bo.page.goto(f"{bo.url}/orders/{order.pk}/", wait_until="commit")
    bo.page.set_input_files("[name=file]", photo)
    for route in held:
        route.continue_()

    expect(bo.page.locator("#previews img")).to_be_visible()

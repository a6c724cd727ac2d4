"""Pages that stay open: values, news, counters, a lost connection."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, WebSocketRoute, expect

from alarms import services as alarm_services
from alarms.models import Rule
from alarms.tests.factories import make_alarm, make_rule
from tests.browser.world import World, take_in
from tests.browsing import Served, Visit
from workorders.tests.factories import make_order

STALE = re.compile("is-stale")


def raise_one(world: World, severity: str = "critical") -> int:
    rule = make_rule(severity=severity, name="新故障", name_en="New fault", key=f"new-{severity}")
    return make_alarm(device=world.device, rule=rule, at=timezone.now()).pk


def test_values_change_by_themselves(world: World, visit: Visit) -> None:
    bo = visit(world.cast.bo)
    page = bo.open(f"/live/?device={world.device.pk}")
    shown = page.locator(f"[data-live='{world.device.pk}:Ua']")
    expect(shown).to_have_text("230.0")

    take_in(world.device, voltage=217.4)

    expect(shown).to_have_text("217.4")
    assert bo.complaints() == []


def test_old_values_turn_grey_with_their_age(world: World, visit: Visit) -> None:
    bo = visit(world.cast.bo)
    page = bo.open(f"/live/?device={world.device.pk}")
    shown = page.locator(f"[data-live='{world.device.pk}:Ua']")
    expect(shown).not_to_have_class(STALE)

    page.evaluate(
        "document.querySelector('[data-live$=Ua]').closest('[data-period]').dataset.period = '0.5'"
    )

    expect(shown).to_have_class(STALE)
    expect(page.locator(f".lt-time [data-age-of='{world.device.pk}:Ua']")).to_contain_text("·")


def test_an_alarm_enters_the_list_by_itself(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/alarms/")
    bell = page.locator("header [data-count=alarms_open]")
    expect(bell).to_have_text("2")
    page.evaluate("window.stays = true")

    pk = raise_one(world)

    expect(page.locator(f"tr[data-row='{pk}']")).to_be_visible()
    expect(bell).to_have_text("3")
    expect(page.locator(".tabs [aria-current] .chipcount")).to_have_text("3")
    assert page.evaluate("window.stays") is True


def test_while_one_reads_new_rows_wait_behind_a_bar(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/alarms/")
    page.locator("tr[data-row] a").first.focus()

    pk = raise_one(world)

    bar = page.locator(".newbar")
    expect(bar).to_have_text("有 1 条新告警，点击显示")
    expect(page.locator(f"tr[data-row='{pk}']")).to_have_count(0)
    bar.get_by_role("button").click()
    expect(page.locator(f"tr[data-row='{pk}']")).to_be_visible()
    expect(page.locator(".newbar")).to_be_hidden()


def test_the_hall_counts_along(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/")
    expect(page.locator("[data-figure=alarms]")).to_have_text("2")

    raise_one(world)
    now = timezone.now()
    make_order(cast=world.cast, now=now, due_at=now + timedelta(hours=1))

    expect(page.locator("[data-figure=alarms]")).to_have_text("3")
    expect(page.locator("[data-figure=orders]")).to_have_text("2")
    expect(page.locator("figure[data-chart=bars] canvas").first).to_be_visible()


def test_a_move_of_somebody_else_is_seen(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open(f"/alarms/{world.alarm.pk}/")
    page.fill("textarea[name=note]", "halb geschrieben")

    alarm_services.verify(
        alarm_id=world.alarm.pk,
        verdict="real",
        by=world.cast.ana,
        door="web",
        now=timezone.now(),
        cause="电缆受潮",
    )

    expect(page.locator("#alarm")).to_have_attribute("data-handling", "verified")
    expect(page.locator("#log")).to_contain_text("电缆受潮")
    expect(page.locator("textarea[name=note]")).to_have_value("halb geschrieben")


def test_a_dialog_that_is_open_is_left_alone(world: World, visit: Visit) -> None:
    """And its form says which state it was opened on, so that the second is told."""
    di = visit(world.cast.di)
    page = di.open(f"/alarms/{world.alarm.pk}/")
    page.click("[data-dialog=verify]")
    page.fill("[name=verify-note]", "half written")

    alarm_services.verify(
        alarm_id=world.alarm.pk, verdict="real", by=world.cast.ana, door="web", now=timezone.now()
    )
    expect(page.locator("#alarm")).to_have_attribute("data-handling", "verified")
    expect(page.locator("[name=verify-note]")).to_have_value("half written")
    page.locator("#verify").get_by_role("button", name="确认查核").click()

    expect(page.locator("#messages")).to_contain_text("Ana 已于")
    expect(page.locator("#alarm")).to_have_attribute("data-handling", "verified")


def test_an_ended_session_leads_to_the_sign_in(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/alarms/")
    # A page that does not listen yet would only say that it is signed out.
    page.wait_for_selector("[data-live-state=up]", state="attached")

    Session.objects.all().delete()
    raise_one(world)

    expect(page.locator("[name=password]")).to_be_visible()


def test_others_see_nothing(world: World, visit: Visit) -> None:
    cy, di = visit(world.cast.cy), visit(world.cast.di)
    page, told = cy.open("/alarms/"), di.open("/alarms/")

    pk = raise_one(world)
    expect(told.locator(f"tr[data-row='{pk}']")).to_be_visible()

    assert page.locator("tr[data-alarm]").count() == 0
    assert page.locator("header [data-count=alarms_open]").is_hidden()
    assert cy.page.goto(f"{cy.url}/alarms/{world.alarm.pk}/").status == 404  # type: ignore[union-attr]


def test_an_alarm_raised_before_the_page_listens_is_shown_all_the_same(
    world: World, visit: Visit
) -> None:
    di, held, said = visit(world.cast.di), [], []

    def hold(socket: WebSocketRoute) -> None:
        held.append(socket)
        # Playwright marks the function that it is given, which a method does not bear.
        socket.on_message(lambda message: said.append(message))  # noqa: PLW0108

    di.page.route_web_socket("**/ws/live/", hold)
    page = di.open("/alarms/")
    pk = raise_one(world)

    server = held[0].connect_to_server()
    held[0].on_message(lambda message: server.send(message))  # noqa: PLW0108
    server.on_message(lambda message: held[0].send(message))  # noqa: PLW0108
    for message in said:
        server.send(message)

    expect(page.locator(f"tr[data-row='{pk}']")).to_be_visible()


@pytest.mark.slow
def test_a_lost_connection_is_told_and_healed(world: World, visit: Visit, live_app: Served) -> None:
    bo = visit(world.cast.bo)
    page = bo.open(f"/live/?device={world.device.pk}")
    shown = page.locator(f"[data-live='{world.device.pk}:Ua']")
    banner = page.locator("#connection")
    expect(banner).to_be_hidden()

    with live_app.away():
        expect(banner).to_be_visible(timeout=15_000)
        expect(banner).to_contain_text("实时连接已断开")
        expect(shown).to_have_class(STALE)
        expect(page.locator("[data-live-word]")).to_have_text("已断开")
    take_in(world.device, voltage=221.5)

    reconnect(page)
    expect(banner).to_contain_text("已恢复")
    expect(shown).to_have_text("221.5")
    expect(banner).to_be_hidden(timeout=8_000)
    expect(page.locator("[data-live-word]")).to_have_text("实时")


def reconnect(page: Page) -> None:
    """Press the button, unless the page was faster."""
    button = page.locator("[data-reconnect]")
    if button.is_visible():
        button.click()


def test_a_simulated_value_says_so(world: World, visit: Visit) -> None:
    bo = visit(world.cast.bo)

    page = bo.open(f"/alarms/{world.alarm.pk}/")

    expect(page.locator("#alarm .sim")).to_have_text("模拟")
    assert Rule.objects.get(key="IR").advice in page.locator("main").inner_text()

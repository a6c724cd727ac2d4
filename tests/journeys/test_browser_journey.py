"""A fault on the meter's socket, followed in browsers to the archived alarm; every step on record.

Di is the dispatcher at her desk, Bo the technician with a phone, Cy belongs to another company.
The meter is simulated, but read over TCP by the real poll loop; nothing of ours is replaced.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from alarms.models import Alarm, AlarmLog
from tests.browsing import PHONE, Visit, Visitor
from tests.journeys.plant import Plant
from workorders.models import WorkOrder, WorkOrderLog
from workorders.tests.factories import picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def name_people(plant: Plant) -> None:
    for user, name in ((plant.cast.di, "李文博"), (plant.cast.bo, "陈立")):
        user.name = name
        user.save()


def submit(page: Page, dialog: str, button: str) -> None:
    page.locator(f"#{dialog}").get_by_role("button", name=button).click()


def the_alarm_appears(di: Visitor, plant: Plant) -> None:
    """Di looks at the empty list when phase A is lost; the row comes to her."""
    page = di.open("/alarms/")
    expect(page.locator(".empty")).to_contain_text("没有未处理的告警")
    page.evaluate("window.isSamePage = true")

    plant.fault("phase_loss", phase="a")

    row = page.locator("tr[data-row]", has_text="断相")
    expect(row).to_be_visible(timeout=30_000)
    expect(row).to_contain_text("401 电表")
    expect(page.locator("header [data-count=alarms_open]")).not_to_have_text("0")
    assert page.evaluate("window.isSamePage") is True
    row.get_by_role("link", name="断相").click()


def di_verifies_it(page: Page) -> None:
    expect(page.locator("#alarm")).to_have_attribute("data-handling", "unverified")
    expect(page.locator("figure#event")).to_have_attribute("data-drawn", "1")
    page.click("[data-dialog=verify]")
    page.fill("[name=verify-cause]", "A 相熔断器熔断")
    page.fill("[name=verify-note]", "已电话联系现场")
    submit(page, "verify", "确认查核")
    expect(page.locator("#alarm")).to_have_attribute("data-handling", "verified")


def di_makes_an_order_and_gives_it_to_bo(page: Page) -> str:
    page.get_by_role("link", name="创建工单").click()
    expect(page.locator("[name=title]")).to_have_value("断相 · 401 电表")
    page.get_by_role("button", name="创建工单").click()
    expect(page.locator("#order")).to_have_attribute("data-state", "new")
    path = re.sub(r"^https?://[^/]+", "", page.url)
    page.click("[data-dialog=do-assign]")
    page.select_option("[name=assign-assignee]", label="陈立")
    submit(page, "do-assign", "派单")
    expect(page.locator("#order")).to_have_attribute("data-state", "assigned")
    return path


def bo_does_it_on_his_phone(bo: Visitor, order: str, photo: Path) -> None:
    """He finds his order, starts, takes a picture, hands over; his thumb never scrolls sideways."""
    page = bo.open("/orders/?mine=true")
    page.locator(f"a.a-card[href='{order}']").click()
    bo.settled()
    page.get_by_role("button", name="开始处理").click()
    expect(page.locator("#order")).to_have_attribute("data-state", "in_progress")
    page.set_input_files("[name=file]", photo)
    expect(page.locator("#previews img")).to_be_visible()
    page.fill("[name=caption]", "更换前的熔断器")
    page.get_by_role("button", name="上传照片").click()
    expect(page.locator("#shots img")).to_be_visible()
    assert page.locator("#shots img").evaluate("image => image.decode().then(() => true)")
    assert bo.sideways() == 0
    page.click("[data-dialog=do-finish]")
    page.fill("[name=finish-finding]", "A 相熔断器熔断，其余两相正常")
    page.fill("[name=finish-measures]", "更换同规格熔断器，送电后三相平衡")
    submit(page, "do-finish", "提交验收")
    expect(page.locator("#order")).to_have_attribute("data-state", "to_accept")


def di_accepts_it(di: Visitor, order: str) -> None:
    page = di.open(order)
    expect(page.locator("#shots img")).to_be_visible()
    page.click("[data-dialog=do-accept]")
    submit(page, "do-accept", "验收通过")
    expect(page.locator("#order")).to_have_attribute("data-state", "closed")
    expect(page.locator("#toasts")).to_contain_text("“验收通过”已完成。")


def di_archives_what_has_recovered(di: Visitor, alarm: Alarm, plant: Plant) -> None:
    """She waits on the page; the recovery comes to her, and with it the button."""
    page = di.open(f"/alarms/{alarm.pk}/")
    expect(page.locator("#alarm")).to_have_attribute("data-condition", "active")
    expect(page.locator("[data-dialog=archive]")).to_have_count(0)

    plant.clear()

    expect(page.locator("#alarm")).to_have_attribute("data-condition", "recovered", timeout=30_000)
    expect(page.locator("#log")).to_contain_text("恢复")
    page.click("[data-dialog=archive]")
    submit(page, "archive", "确认归档")
    expect(page.locator("#alarm")).to_have_attribute("data-handling", "archived")
    expect(page.locator("[data-dialog]")).to_have_count(0)


def an_outsider_sees_nothing(cy: Visitor, paths: list[str]) -> None:
    page = cy.open("/alarms/?view=all")
    assert page.locator("[data-row]").count() == 0
    for path in paths:
        answer = page.goto(f"{cy.url}{path}")
        assert answer is not None
        assert answer.status == 404, path


def everything_is_on_record(alarm: Alarm, order: WorkOrder, plant: Plant) -> None:
    di, bo = plant.cast.di.pk, plant.cast.bo.pk
    life = AlarmLog.objects.filter(alarm=alarm).values_list("move", "by", "door")
    assert list(life) == [
        ("raise", None, "system"),
        ("verify", di, "web"),
        ("create_order", di, "web"),
        ("order_closed", di, "web"),  # while the alarm was active
        ("recover", None, "system"),
        ("archive", di, "web"),
    ]
    work = WorkOrderLog.objects.filter(order=order).values_list("entry", "move", "by")
    assert list(work) == [
        ("created", "", di),
        ("move", "assign", di),
        ("move", "start", bo),
        ("photo", "", bo),
        ("move", "finish", bo),
        ("move", "accept", di),
    ]


def test_from_the_meters_socket_to_the_archive(plant: Plant, visit: Visit, tmp_path: Path) -> None:
    name_people(plant)
    photo = tmp_path / "fuse.jpg"
    photo.write_bytes(picture(size=(800, 600)).read())
    di, bo, cy = visit(plant.cast.di), visit(plant.cast.bo, size=PHONE), visit(plant.cast.cy)

    the_alarm_appears(di, plant)
    di_verifies_it(di.page)
    path = di_makes_an_order_and_gives_it_to_bo(di.page)
    alarm, order = Alarm.objects.get(rule__key="U_LOSS"), WorkOrder.objects.get()
    assert path == f"/orders/{order.pk}/"
    bo_does_it_on_his_phone(bo, path, photo)
    di_accepts_it(di, path)
    di_archives_what_has_recovered(di, alarm, plant)

    shot = order.photos.get()
    an_outsider_sees_nothing(cy, [f"/alarms/{alarm.pk}/", path, f"/orders/photos/{shot.pk}/"])
    everything_is_on_record(alarm, order, plant)
    assert di.complaints() == bo.complaints() == []

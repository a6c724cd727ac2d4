"""A derived point is put together with clicks, tried, saved, and drawn."""

import re

from playwright.sync_api import expect

from tests.browser.world import World
from tests.browsing import Visit


def test_points_are_clicked_into_a_formula_that_is_tried_and_drawn(
    world: World, visit: Visit
) -> None:
    ana = visit(world.cast.ana)
    site = world.cast.site.pk
    page = ana.open(f"/sites/{site}/derived/add/")
    page.fill("#id_name", "三倍有功")
    page.fill("#id_formula", " * 2")
    page.locator("#id_formula").evaluate("field => field.setSelectionRange(0, 0)")
    page.locator("summary", has_text="401 电表").click()

    page.locator(f"[data-insert='d{world.device.pk}:P']").click()

    expect(page.locator("#id_formula")).to_have_value(f"d{world.device.pk}:P * 2")
    expect(page.locator("#id_formula")).to_be_focused()
    page.get_by_role("button", name="试算").click()
    expect(page.locator("#preview-chart[data-drawn]")).to_be_visible()
    page.get_by_role("button", name="保存").click()
    row = page.get_by_role("row", name=re.compile("三倍有功"))
    expect(row).to_contain_text("2.00 kW")
    row.get_by_role("link", name="三倍有功 的曲线").click()
    expect(page.locator("#curves-chart[data-drawn]")).to_be_visible()
    assert ana.complaints() == []

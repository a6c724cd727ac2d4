"""From the search to a zoomed curve, and back to the same after a reload."""

import re

from playwright.sync_api import expect

from tests.browser.world import World
from tests.browsing import Visit


def test_search_icon_drawer_page_zoom_and_reload(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/live/?q=dianbiao")
    page.locator(".tree").get_by_role("link", name="401 电表").click()
    expect(page.locator("#device-title")).to_have_text("401 电表")
    icon = page.locator("#device [data-curve]").first

    icon.click()
    expect(page.locator("#drawer #drawer-curves[data-drawn]")).to_be_visible()
    icon.click()
    page.wait_for_url(re.compile(r"/curves/\?"))
    chart = page.locator("#curves-chart[data-drawn] canvas").first
    expect(chart).to_be_visible()
    box = chart.bounding_box() or {}
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.6, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=.*to="))
    expect(page.locator("#explorer")).to_have_attribute("data-query", re.compile("from="))
    shown = page.locator("#explorer").get_attribute("data-query")
    page.reload()

    expect(page.locator("#explorer")).to_have_attribute("data-query", shown or "")
    expect(page.locator("#curves-chart[data-drawn]")).to_be_visible()
    assert di.complaints() == []


def test_a_point_is_found_and_picked(world: World, visit: Visit) -> None:
    di = visit(world.cast.di)
    page = di.open("/curves/")
    page.fill("#picker input[name=q]", "dianbiao Ua")

    page.locator(f"#found [data-pick='{world.device.pk}:Ua']").click()

    expect(page.locator("#curves-chart[data-drawn]")).to_be_visible()
    assert f"{world.device.pk}%3AUa" in page.url
    assert di.complaints() == []

"""The map: its popup by mouse and keyboard, the sketch, and coordinates against published vectors."""

import pytest

from tests.browser.world import World
from tests.browsing import Visit

# Published test vectors (eviltransform; coordtransform for BD-09): latitude and longitude.
GCJ = [
    ([31.1774276, 121.5272106], [31.17530398364597, 121.531541859215]),
    ([22.543847, 113.912316], [22.540796131694766, 113.9171764808363]),
    ([39.911954, 116.377817], [39.91334545536069, 116.38404722455657]),
]
SQUARE = [39.915, 116.404]
GCJ_TO_BD, WGS_TO_BD = (
    [39.92133699351021, 116.41036949371029],
    [39.922699552216216, 116.41662724378733],
)
OUTSIDE = [[35.681236, 139.767125], [-33.86, 151.21]]

_CONVERT = "async ([name, at]) => (await import('/static/ops/crs.js'))[name](at)"


def test_the_popup_says_the_facts_of_the_site(world: World, visit: Visit) -> None:
    visitor = visit(world.cast.ana)
    page = visitor.open("/")
    page.wait_for_selector("#map[data-drawn]")
    pin = page.locator(".pin-major")

    pin.focus()
    page.keyboard.press("Enter")

    popup = page.locator(".leaflet-popup-content")
    popup.locator("a.btn").wait_for()
    assert world.cast.site.name in popup.inner_text()
    assert "10/0.4 kV" in popup.inner_text()
    assert page.locator(".leaflet-container path.bm-river").count() == 2
    # The map may still be moving: keys do not depend on where the button is.
    popup.locator("a.btn").press("Enter")
    page.wait_for_url(f"**/sites/{world.cast.site.pk}/")
    page.get_by_role("link", name="档案", exact=True).click()
    page.wait_for_url("**/?tab=archive")
    assert page.locator("#file").count() == 1
    page.go_back()
    page.wait_for_selector("[data-legend-of=site-load] span")
    assert visitor.complaints() == []


def test_coordinates_agree_with_published_vectors(world: World, visit: Visit) -> None:
    page = visit(world.cast.ana).open("/about/")

    def convert(name: str, at: list[float]) -> list[float]:
        return list(page.evaluate(_CONVERT, [name, at]))

    for wgs, gcj in GCJ:
        assert convert("wgs84ToGcj02", wgs) == pytest.approx(gcj, abs=1e-9)
        assert convert("gcj02ToWgs84", gcj) == pytest.approx(wgs, abs=1e-9)
    assert convert("gcj02ToBd09", SQUARE) == pytest.approx(GCJ_TO_BD, abs=1e-9)
    assert convert("wgs84ToBd09", SQUARE) == pytest.approx(WGS_TO_BD, abs=1e-9)
    assert convert("bd09ToWgs84", WGS_TO_BD) == pytest.approx(SQUARE, abs=1e-9)
    for place in OUTSIDE:
        assert convert("wgs84ToGcj02", place) == place

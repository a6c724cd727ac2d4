"""The map: its popup by mouse and keyboard, the sketch, and coordinates against published vectors."""

import pytest

from tests.browser.world import World, make_world
from tests.browsing import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# eviltransform's published test vectors: latitude and longitude, WGS-84 then GCJ-02 or BD-09. Those of
# BD-09 were read off a map: its own tests allow them ten metres.
GCJ = [
    ([31.1774276, 121.5272106], [31.17530398364597, 121.531541859215]),
    ([22.543847, 113.912316], [22.540796131694766, 113.9171764808363]),
    ([39.911954, 116.377817], [39.91334545536069, 116.38404722455657]),
]
BD = [
    ([29.196131605295484, 120.00877901149691], [29.199786, 120.019809]),
    ([29.206795749156136, 120.0253853970846], [29.210504, 120.036455]),
]
OUTSIDE = [[35.681236, 139.767125], [-33.86, 151.21]]

_CONVERT = "async ([name, at]) => (await import('/static/ops/crs.js'))[name](at)"


@pytest.fixture
def world(live_app: object) -> World:
    return make_world()


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
    popup.locator("a.btn").click()
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
    for wgs, bd in BD:
        assert convert("wgs84ToBd09", wgs) == pytest.approx(bd, abs=1e-4)
        assert convert("bd09ToWgs84", bd) == pytest.approx(wgs, abs=1e-4)
        assert convert("bd09ToWgs84", convert("wgs84ToBd09", wgs)) == pytest.approx(wgs, abs=1e-8)
    for place in OUTSIDE:
        assert convert("wgs84ToGcj02", place) == place

"""What a phone shows of data that cannot be believed, and of what is calculated."""

import pytest
from playwright.sync_api import expect

from tests.browser.world import World
from tests.browsing import PHONE, Visit


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/sites/{site}/quality/?range=30d", "修正"),
        ("/sites/{site}/derived/", "修改"),
    ],
)
def test_the_way_on_is_in_sight_of_a_phone(
    path: str, button: str, world: World, visit: Visit
) -> None:
    page = visit(world.cast.ana, size=PHONE).open(path.format(site=world.cast.site.pk))

    way_on = page.locator("main .a-card").get_by_role("link", name=button).first

    expect(way_on).to_be_visible()
    box = way_on.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= PHONE["width"]
    expect(page.locator("main table")).to_be_hidden()

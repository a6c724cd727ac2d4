"""What a phone shows of data that cannot be believed, and of what is calculated."""

import re

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


def test_a_sheet_is_fetched_and_sent_with_one_choice_of_samples(world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana)
    page = ana.open(f"/repairs/devices/{world.device.pk}/")
    form = page.locator("form", has=page.locator("#sheet-file"))
    assert form.locator("select").count() == 1
    form.locator("#sheet-point").select_option("Ua")

    with page.expect_download() as fetched:
        form.get_by_role("button", name="CSV").click()
    lines = fetched.value.path().read_text("utf-8-sig").splitlines()
    file = {"name": "修正.csv", "mimeType": "text/csv", "buffer": filled(lines).encode()}
    form.locator("#sheet-file").set_input_files(file)
    form.locator("#sheet-reason").fill("按现场记录")
    form.get_by_role("button", name="检查表格").click()

    expect(page.locator("#sheet-rows")).to_have_value(re.compile(",231.5$"))
    assert ana.complaints() == []


def filled(lines: list[str]) -> str:
    """The sheet with one new value."""
    return f"{lines[0]}\n{lines[1]}231.5\n"

"""Every page, opened in Chinese and then looked at in other windows and colours.

It keeps the policy, axe has no objection, and nobody has to scroll sideways. In English they are
looked at before their controls are used, in test_controls.
"""

import pytest
from playwright.sync_api import expect

from sites.models import User
from tests.browser.axe import objections
from tests.browser.world import World
from tests.browsing import DESK, PHONE, SMALL, TABLET, Visit, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Into how many parts the walk is cut, for several workers to share.
PARTS = 8


def complaints(visitor: Visitor) -> list[str]:
    """All but those about the page that is not there."""
    return [line for line in visitor.complaints() if "404" not in line]


def walk(world: World, part: int) -> list[tuple[User, list[str]]]:
    """Who opens which pages in a part of the walk."""
    return [
        (world.cast.ana, world.pages()[part::PARTS]),
        (world.cast.adm, world.keeper_pages()[part::PARTS]),
    ]


@pytest.mark.parametrize("part", range(PARTS))
def test_in_chinese_from_a_light_desk(part: int, world: World, visit: Visit) -> None:
    found = {}

    for person, paths in walk(world, part):
        visitor = visit(person)
        for path in paths:
            visitor.turn(size=DESK)
            page = visitor.open(path)
            found[path, "desk"] = objections(visitor)
            visitor.turn(size=PHONE)
            found[path, "phone"] = visitor.too_wide()
            visitor.turn(size=DESK, scheme="dark")
            expect(page.locator("[data-bs-theme=light]")).to_have_count(0)
            found[path, "dark desk"] = objections(visitor, colours_only=True)
            # Last, because what it says is still there in the next window.
            for canvas in page.locator("figure[data-chart] canvas").all():
                canvas.hover()
        found[person.username, "policy"] = complaints(visitor)

    assert {look: told for look, told in found.items() if told} == {}


@pytest.mark.parametrize(("language", "scheme"), [("zh-hans", "light"), ("en", "dark")])
def test_pages_of_the_platform_s_operator(
    language: str, scheme: str, world: World, visit: Visit
) -> None:
    adm = visit(world.cast.adm, language=language, scheme=scheme)
    found = {}

    own = ("/collection/", "/collection/?q=nothing-of-this-name")
    for path in (*own, *world.keeper_pages()):
        adm.turn(size=DESK, scheme=scheme)
        adm.open(path)
        for size in (DESK, PHONE, SMALL, TABLET):
            adm.turn(size=size, scheme=scheme)
            found[path, size["width"]] = adm.too_wide() + objections(adm)

    assert {look: told for look, told in found.items() if told} == {}
    assert complaints(adm) == []


def test_whoever_is_sent_has_his_buttons_in_the_window(world: World, visit: Visit) -> None:
    bo = visit(world.cast.bo, size=SMALL, language="en")

    page = bo.open("/work/")

    expect(page.locator(".work-act .btn-primary").first).to_be_visible()
    assert bo.too_wide() == []

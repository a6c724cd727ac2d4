"""Every page, opened once in each language and then looked at in other windows and colours.

It keeps the policy, axe has no objection, and nobody has to scroll sideways.
"""

import pytest
from playwright.sync_api import expect

from sites.models import User
from tests.browser.axe import objections
from tests.browser.world import World
from tests.browsing import DESK, PHONE, Visit, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Into how many parts the walk is cut, for several workers to share.
PARTS = 8
# Also a desk at 400 %.
SMALL = {"width": 320, "height": 640}
TABLET = {"width": 768, "height": 1024}
# Charts follow a frame later, and colours fade; a page that never rests is looked at all the same.
_TURNED = """Promise.race([
  new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    .then(() => Promise.all(document.getAnimations()
      .filter((it) => it instanceof CSSTransition).map((it) => it.finished.catch(() => {})))),
  new Promise((done) => setTimeout(done, 2000)),
])"""


def turn(visitor: Visitor, *, size: dict[str, int], scheme: str = "light") -> None:
    """Give the window another size and its system another scheme."""
    visitor.page.set_viewport_size(size)
    visitor.page.emulate_media(color_scheme=scheme)
    visitor.page.evaluate(_TURNED)


def too_wide(visitor: Visitor) -> list[str]:
    pixels = visitor.sideways()
    return [f"{pixels} px too wide"] if pixels else []


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
            turn(visitor, size=DESK)
            page = visitor.open(path)
            found[path, "desk"] = objections(visitor)
            turn(visitor, size=PHONE)
            found[path, "phone"] = too_wide(visitor)
            turn(visitor, size=DESK, scheme="dark")
            expect(page.locator("[data-bs-theme=light]")).to_have_count(0)
            found[path, "dark desk"] = objections(visitor, colours_only=True)
            # Last, because what it says is still there in the next window.
            for canvas in page.locator("figure[data-chart] canvas").all():
                canvas.hover()
        found[person.username, "policy"] = complaints(visitor)

    assert {look: told for look, told in found.items() if told} == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_in_english_from_a_dark_phone(part: int, world: World, visit: Visit) -> None:
    found = {}

    for person, paths in walk(world, part):
        visitor = visit(person, size=PHONE, scheme="dark", language="en")
        for path in paths:
            turn(visitor, size=PHONE, scheme="dark")
            visitor.open(path)
            found[path, "phone"] = too_wide(visitor) + objections(visitor)
            turn(visitor, size=SMALL, scheme="dark")
            found[path, "320 px"] = too_wide(visitor)
            turn(visitor, size=TABLET, scheme="dark")
            found[path, "tablet"] = too_wide(visitor)
        found[person.username, "policy"] = complaints(visitor)

    assert {look: told for look, told in found.items() if told} == {}


@pytest.mark.parametrize(("language", "scheme"), [("zh-hans", "light"), ("en", "dark")])
def test_pages_of_the_platform_s_operator(
    language: str, scheme: str, world: World, visit: Visit
) -> None:
    adm = visit(world.cast.adm, language=language, scheme=scheme)
    found = {}

    for path in ("/collection/", "/collection/?q=nothing-of-this-name"):
        for size in (DESK, PHONE, SMALL):
            turn(adm, size=size, scheme=scheme)
            adm.open(path)
            found[path, size["width"]] = too_wide(adm) + objections(adm)

    assert {look: told for look, told in found.items() if told} == {}
    assert complaints(adm) == []


def test_whoever_is_sent_has_his_buttons_in_the_window(world: World, visit: Visit) -> None:
    bo = visit(world.cast.bo, size=SMALL, language="en")

    page = bo.open("/work/")

    expect(page.locator(".work-act .btn-primary").first).to_be_visible()
    assert too_wide(bo) == []

"""Every page in English: axe has no objection on a dark telephone, no window is too small for it.

Then every harmless control of it is used once: the policy holds, nothing fails, no word is left
untranslated, Esc closes what was opened. They are used in dark and in light."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import objections
from tests.browser.world import World
from tests.browsing import DESK, PHONE, SMALL, TABLET, Visit, Visitor
from tests.test_english_pages import CHINESE, OWN_NAMES, words_of_rows

CONTROLS = Path(__file__).with_name("controls.js")
OPEN = "dialog[open], .offcanvas.show, .dropdown-menu.show"
# The reader's own choice of a theme comes before the system's; says what it was.
DARKEN = """() => {
  const { bsTheme } = document.documentElement.dataset;
  document.documentElement.dataset.bsTheme = "dark";
  return bsTheme;
}"""
# More on one page would be a loop; fewer on all of them would be a search that finds nothing.
MOST, FEWEST = 80, 5
# Into how many parts the pages are dealt out, for several workers to share.
PARTS = 8


class Crawler:
    """One person's window, and what was wrong on its page."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page = visitor, visitor.page
        self.rows = words_of_rows()
        self.used = 0
        self.wrong: list[str] = []

    def crawl(self, path: str, *, is_whole: bool) -> list[str]:
        """Use what is on a page, in `main` or in all of it; what was wrong."""
        self.wrong = []
        page = self.visitor.open(path)
        self.look(page)
        self.read("at first", page.evaluate("controls.chinese()"))
        self.use_all(page, is_whole=is_whole)
        for change in (self.theme, self.sort, self.filter):
            if change(page):
                self.visitor.settled()
                self.read(change.__name__, page.evaluate("controls.chinese()"))
        # That there is no such page, the browser says as well.
        self.wrong += [text for text in self.visitor.complaints() if "404" not in text]
        self.visitor.violations.clear()
        self.visitor.errors.clear()
        return self.wrong

    def look(self, page: Page) -> None:
        """At the page in small windows, in the dark; afterwards it is as it was."""
        scheme = page.evaluate(DARKEN)
        for size in (PHONE, SMALL, TABLET):
            self.visitor.turn(size=size, scheme="dark")
            told = self.visitor.too_wide()
            told += objections(self.visitor) if size == PHONE else []
            self.wrong += [f"{size['width']} px: {line}" for line in told]
        page.evaluate("(scheme) => { document.documentElement.dataset.bsTheme = scheme }", scheme)
        self.visitor.turn(size=DESK, scheme="dark")

    def read(self, when: str, texts: list[str]) -> None:
        """Chinese that no row of the database says is left over."""
        words = {word for text in texts for word in CHINESE.findall(text)} - OWN_NAMES
        self.wrong += [f"{when}: {word}" for word in sorted(words) if word not in self.rows]

    def use_all(self, page: Page, *, is_whole: bool) -> None:
        """Control by control; what one opens is used first, then closed."""
        for _turn in range(MOST):
            told = page.evaluate("(isWhole) => controls.next(isWhole)", is_whole)
            if told is not None:
                self.used += 1
                self.read(told["kind"], told["chinese"])
            elif not self.close(page):
                return
        self.wrong.append("controls without end")

    def close(self, page: Page) -> bool:
        """Close what is on top with Esc, which first gives up a selection; False: nothing is open."""
        count = page.locator(OPEN).count()
        for _press in range(2 if count else 0):
            page.keyboard.press("Escape")
            try:
                expect(page.locator(OPEN)).to_have_count(count - 1, timeout=1500)
            except AssertionError:
                continue
            return True
        if count:
            self.wrong.append("Esc closes nothing")
        return False

    @staticmethod
    def theme(page: Page) -> bool:
        """From dark to light or back; the next page is as this one was left."""
        switch = page.locator("[data-theme-toggle]:visible")
        if switch.count():
            switch.click()
        return bool(switch.count())

    @staticmethod
    def sort(page: Page) -> bool:
        """The first header that sorts."""
        headers = page.locator("main a.sort:visible")
        if headers.count():
            headers.first.click()
        return bool(headers.count())

    @staticmethod
    def filter(page: Page) -> bool:
        """The first other choice of the first filter that has one."""
        fields = page.locator("main form[data-auto]:not(.page-size) select:visible")
        others = fields.locator("option:not(:checked):not([disabled])")
        if not others.count():
            return False
        choice = others.first
        with page.expect_navigation():
            choice.locator("xpath=ancestor::select").select_option(choice.get_attribute("value"))
        return True


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_control_of_every_page_can_be_used(part: int, world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana, language="en", scheme="dark")
    ana.page.emulate_media(reduced_motion="reduce", color_scheme="dark")
    ana.context.add_init_script(path=CONTROLS)
    crawler = Crawler(ana)

    wrong = {
        path: found
        for number, path in enumerate(world.pages()[part::PARTS])
        # The frame is the same on all of them.
        if (found := crawler.crawl(path, is_whole=part == number == 0))
    }

    assert wrong == {}
    assert crawler.used >= FEWEST


def test_the_search_answers_while_one_types(world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana, language="en")
    page = ana.open("/")

    page.keyboard.press("/")
    page.keyboard.type("dianbiao")
    expect(page.locator("#search-hits a[role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.get_by_role("button", name="中文").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert ana.complaints() == []

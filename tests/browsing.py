"""A real browser against a real server on the test database: fixtures for tests/browser and journeys.

Both run once per package; what a test leaves of itself are rows, which its own fixtures undo.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.asgi import application
from sites.models import User

CHROMIUM = os.environ.get("CHROMIUM", "chromium")
# As root Chromium has no sandbox; without the rest it talks to its maker's hosts at every start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A busy machine is slow, not wrong.
PATIENCE_MS = 15_000
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
expect.set_options(timeout=PATIENCE_MS)
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
_TOLD = """
document.addEventListener("securitypolicyviolation", (event) =>
  window.tellViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


class Served:
    """The product's ASGI application on a port of this process; it can go away and come back."""

    def __init__(self) -> None:
        self.port = 0
        self._server: uvicorn.Server
        self._thread: threading.Thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            application,
            host="127.0.0.1",
            port=self.port,
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert self._thread.is_alive(), "the server failed to start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped inside, and on the same port afterwards."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def wait_until_idle(self) -> None:
        """Until nobody is connected and no request is under way: the tables are ours again."""
        state, deadline = self._server.server_state, time.monotonic() + 20
        while state.connections or state.tasks:
            assert time.monotonic() < deadline, "somebody is still connected"
            time.sleep(0.01)


@dataclass
class Visitor:
    """One person's browser window, and everything that it complained about."""

    page: Page
    context: BrowserContext
    url: str
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of ours and wait until it is connected and its charts are drawn."""
        self.page.goto(f"{self.url}{path}")
        self.settled()
        return self.page

    def settled(self) -> None:
        self.page.wait_for_load_state()
        if self.page.locator("[data-live-state]").count():
            self.page.wait_for_selector("[data-live-state=up]", state="attached")
        for figure in self.page.locator("figure[data-chart]").all():
            figure.locator("xpath=self::*[@data-drawn or @data-failed]").wait_for(state="attached")

    def tell_violation(self, text: str) -> None:
        self.violations.append(text)

    def turn(self, *, size: dict[str, int], scheme: str = "light") -> None:
        """Give the window another size and its system another scheme."""
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate(_TURNED)

    def sideways(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def too_wide(self) -> list[str]:
        """A line when the page is wider than its window."""
        pixels = self.sideways()
        return [f"{pixels} px too wide"] if pixels else []

    def complaints(self) -> list[str]:
        return [*self.violations, *self.errors]


Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for the tests of a package.

    Playwright keeps an event loop in this thread meanwhile: Django must not take the tests for
    coroutines, and it has to end before tests that run a loop of their own.
    """
    if shutil.which(CHROMIUM) is None:
        pytest.fail(f"no Chromium at {CHROMIUM}: install it, or name one in CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def live_app(django_db_setup: None) -> Iterator[Served]:
    """The pages, the API and the sockets on a port; a test opens the database to itself and it."""
    served = Served()
    served.start()
    yield served
    served.stop()


@pytest.fixture
def visit(chromium: Browser, live_app: Served) -> Iterator[Visit]:
    """Open a window for somebody who is signed in, or for nobody."""
    contexts: list[BrowserContext] = []

    def window(
        user: User | None = None,
        *,
        size: dict[str, int] | None = None,
        language: str = "zh-hans",
        scheme: str = "light",
    ) -> Visitor:
        context = chromium.new_context(
            viewport=size or DESK, color_scheme=scheme, has_touch=size == PHONE
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        cookies: list[Any] = [{"name": "django_language", "value": language, "url": live_app.url}]
        if user is not None:
            client = Client()
            client.force_login(user)
            session = client.cookies["sessionid"].value
            cookies.append({"name": "sessionid", "value": session, "url": live_app.url})
        context.add_cookies(cookies)
        visitor = Visitor(page=context.new_page(), context=context, url=live_app.url)
        context.expose_function("tellViolation", visitor.tell_violation)
        context.add_init_script(_TOLD)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        visitor.page.on(
            "console",
            lambda line: visitor.errors.append(line.text) if line.type == "error" else None,
        )
        return visitor

    yield window
    for context in contexts:
        context.close()
    live_app.wait_until_idle()

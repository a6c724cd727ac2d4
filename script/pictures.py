"""Drives the demo in Chromium and photographs it; started by script/screenshots."""

import argparse
import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from urllib.parse import urljoin

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Error, Page, sync_playwright

CHECKOUT = Path(__file__).resolve().parent.parent
PASSWORD = "dianwu-demo"  # noqa: S105 - the demo's, printed at each start
SIZES = {"desk": (1440, 900), "tablet": (768, 1024), "phone": (390, 844)}
# What keys do is for a keyboard's window.
DESK = ("desk",)
THEMES = ("light", "dark")
LANGUAGES = ("zh-hans", "en")
START_S = 400
SHEET_COLUMN_PX = 480
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TOLD = """
window.told = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.told.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
SETTLED = """() => document.fonts.status === "loaded"
  && [...document.querySelectorAll("figure[data-chart]")].every((figure) =>
       figure.matches("[data-drawn], [data-failed]") || !figure.checkVisibility())
  && !document.querySelector(".htmx-request")"""


@dataclass(frozen=True)
class Shot:
    """One picture: who looks, where, and what is done before.

    `first` follows a link of the page, `tab` asks for a tab of where it leads, `then` follows a link there.
    """

    name: str
    path: str
    who: str = "dispatcher"
    first: str = ""
    tab: str = ""
    then: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    sizes: tuple[str, ...] = tuple(SIZES)


_ALARM = "main a[data-open]"
_SITE = "main a[href^='/sites/']:not([href*='?'])"
_ORDER = "main td a[href^='/orders/']"
_TASK = "main td a[href^='/tasks/']"
_DEVICE = "main a[href*='device=']"
_CURVE = "main [data-curve]"
_DRAWN = "#drawer figure[data-drawn]"

SHOTS = (
    Shot("sign-in", "/accounts/login/", who=""),
    Shot("hall", "/"),
    Shot(
        "hall-popup",
        "/",
        steps=(("click", ".leaflet-marker-icon"), ("see", ".leaflet-popup a.btn")),
    ),
    Shot("hall-technician", "/", who="technician"),
    Shot("hall-manager", "/", who="manager"),
    Shot("hall-disconnected", "/", steps=(("cut", ""),)),
    Shot("alarms", "/alarms/"),
    Shot("alarms-all", "/alarms/?view=all"),
    Shot("alarms-empty", "/alarms/?view=all&q=nothing-like-this"),
    Shot("alarms-selected", "/alarms/", steps=(("key", "j"), ("key", "x")), sizes=DESK),
    Shot("alarms-preview", "/alarms/", steps=(("key", "j"), ("key", "Space")), sizes=DESK),
    Shot("alarm", "/alarms/", first=_ALARM),
    Shot(
        "alarm-dialog", "/alarms/?view=unverified", steps=(("key", "j"), ("key", "e")), sizes=DESK
    ),
    Shot("sites", "/sites/"),
    Shot("sites-cards", "/sites/?as=cards"),
    Shot("sites-map", "/sites/?as=map"),
    Shot("site", "/sites/", first=_SITE),
    Shot("site-devices", "/sites/", first=_SITE, tab="devices"),
    Shot("site-alarms", "/sites/", first=_SITE, tab="alarms"),
    Shot("site-work", "/sites/", first=_SITE, tab="work"),
    Shot("site-archive", "/sites/", first=_SITE, tab="archive"),
    Shot("live", "/live/"),
    Shot("live-device", "/live/", first=_DEVICE),
    Shot("live-drawer", "/live/", first=_DEVICE, steps=(("click", _CURVE), ("see", _DRAWN))),
    Shot("live-search", "/live/?q=jinxian"),
    Shot("curves", "/live/", first=_DEVICE, then=_CURVE),
    Shot("curves-empty", "/curves/"),
    Shot("orders", "/orders/"),
    Shot("orders-board", "/orders/board/"),
    Shot("calendar", "/calendar/"),
    Shot("calendar-week", "/calendar/?view=week"),
    Shot("order", "/orders/", first=_ORDER),
    Shot("order-new", "/orders/new/", first="main a[href*='site=']"),
    Shot("tasks", "/tasks/"),
    Shot("task", "/tasks/", first=_TASK),
    Shot("plans", "/plans/"),
    Shot("plan", "/plans/", first="main td a[href^='/plans/']"),
    Shot("my-work", "/work/", who="technician"),
    Shot("search", "/search/?q=bianya"),
    Shot("notices", "/notices/"),
    Shot("profile", "/profile/"),
    Shot("sheets", "/sheets/", who="manager"),
    Shot("meters", "/meters/add/", who="manager", first="main a[href*='gateway=']"),
    Shot("changes", "/changes/", who="manager"),
    Shot("jobs", "/jobs/", who="manager"),
    Shot("keys", "/", steps=(("key", "?"),), sizes=DESK),
    Shot("api", "/api/docs/"),
    Shot("states", "/help/states/"),
    Shot("about", "/about/"),
    Shot("not-found", "/nowhere/"),
    Shot("admin", "/admin/", who="admin"),
    Shot("admin-list", "/admin/devices/device/", who="admin"),
)
# Their complaints are what they show.
COMPLAIN = {"not-found", "hall-disconnected"}


@dataclass
class Album:
    """The pictures so far, and what was wrong."""

    folder: Path
    pictures: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    complaints: list[str] = field(default_factory=list)


def main() -> int:
    """Take the pictures that are asked for; 1 when a page complained."""
    options = _options()
    options.into.mkdir(parents=True, exist_ok=True)
    album = Album(options.into)
    with _address(options.address) as address, sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or next(filter(shutil.which, BROWSERS), "")
        browser = playwright.chromium.launch(
            executable_path=shutil.which(chromium), args=["--no-sandbox", "--disable-gpu"]
        )
        sessions = _sign_in_all(browser, address, options)
        for size in options.size or SIZES:
            for theme in options.theme or THEMES:
                _photograph(browser, address, options, album, sessions, (size, theme))
        browser.close()
    for name, pictures in album.pictures.items():
        print(_contact_sheet(album.folder, name, pictures))
    print("\n".join(album.complaints) or "No violation, no error.")
    return 1 if album.complaints else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="")
    parser.add_argument("--into", type=Path, default=CHECKOUT / "screenshots")
    parser.add_argument("--only", default="")
    parser.add_argument("--size", action="append", choices=SIZES)
    parser.add_argument("--theme", action="append", choices=THEMES)
    parser.add_argument("--language", action="append", choices=LANGUAGES)
    return parser.parse_args()


def _wanted(options: argparse.Namespace, *sizes: str) -> list[Shot]:
    asked = sizes or options.size or SIZES
    return [shot for shot in SHOTS if options.only in shot.name and set(shot.sizes) & set(asked)]


@contextlib.contextmanager
def _address(given: str) -> Iterator[str]:
    """A demo: the given one, or one that is started for us and stopped again."""
    if given:
        yield given.rstrip("/")
        return
    address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    server = subprocess.Popen((sys.executable, "-m", "config.supervisor"), cwd=CHECKOUT)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(address):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("The demo does not come up.")
            time.sleep(1)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


Sessions = dict[str, str]


def _sign_in_all(browser: Browser, address: str, options: argparse.Namespace) -> Sessions:
    """One session per person: signing in is counted, and slow on purpose."""
    sessions: Sessions = {}
    for who in {shot.who for shot in _wanted(options)} - {""}:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/accounts/login/")
        page.fill("[name=login]", who)
        page.fill("[name=password]", PASSWORD)
        page.click("main form [type=submit]")
        page.wait_for_url(lambda url: "/login/" not in url)
        cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
        sessions[who] = cookies["sessionid"]
        context.close()
    return sessions


def _photograph(
    browser: Browser,
    address: str,
    options: argparse.Namespace,
    album: Album,
    sessions: Sessions,
    look: tuple[str, str],
) -> None:
    """Every page in one size and theme, in the languages asked for."""
    size, theme = look
    width, height = SIZES[size]
    for language in options.language or LANGUAGES:
        # A person's window stays: what a browser has fetched once it does not fetch for each picture.
        for who, shots in groupby(sorted(_wanted(options, size), key=_who), key=_who):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
                has_touch=size == "phone",
                reduced_motion="reduce",
                locale="en-GB" if language == "en" else "zh-CN",
            )
            context.set_default_timeout(20_000)
            cookies = {"django_language": language}
            if who:
                cookies["sessionid"] = sessions[who]
            context.add_cookies(
                [{"name": name, "value": value, "url": address} for name, value in cookies.items()]
            )
            context.add_init_script(TOLD)
            for shot in shots:
                page = context.new_page()
                _take(page, address, shot, album, f"{shot.name}-{size}-{theme}-{language}")
                page.close()
            context.close()


def _who(shot: Shot) -> str:
    return shot.who


def _take(page: Page, address: str, shot: Shot, album: Album, title: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    try:
        answer = page.goto(f"{address}{shot.path}")
        if answer and answer.status >= 400 and shot.name != "not-found":
            raise Error(f"answered with {answer.status}")
        for link in filter(None, (shot.first, shot.then)):
            found = page.locator(link).first.get_attribute("href") or ""
            page.goto(urljoin(page.url, found) + (f"?tab={shot.tab}" if shot.tab else ""))
        _settle(page)
        for verb, target in shot.steps:
            _do(page, verb, target)
        _settle(page)
        picture = album.folder / f"{title}.png"
        page.screenshot(path=picture, full_page=not shot.steps)
        album.pictures[shot.name].append(picture)
        errors += page.evaluate("window.told")
    except Error as failure:
        album.complaints.append(f"{title}: {str(failure).splitlines()[0]}")
    if shot.name not in COMPLAIN:
        album.complaints += [f"{title}: {text}" for text in errors]


def _settle(page: Page) -> None:
    # Playwright's own waiting compiles its condition in the page, which the policy forbids.
    deadline = time.monotonic() + 10
    while not page.evaluate(SETTLED) and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    if page.locator("[data-live-state]").count():
        with contextlib.suppress(Error):
            page.wait_for_selector("[data-live-state=up]", state="attached", timeout=5_000)


def _do(page: Page, verb: str, target: str) -> None:
    if verb == "click":
        page.locator(target).first.click()
    elif verb == "key":
        page.keyboard.press(target)
        page.wait_for_timeout(100)
        _settle(page)
    elif verb == "see":
        page.wait_for_selector(target)
    elif verb == "cut":
        page.route_web_socket("**", lambda socket: socket.close())
        page.reload()
        page.wait_for_selector("[data-live-state=down]", state="attached", timeout=30_000)


def _contact_sheet(folder: Path, name: str, pictures: list[Path]) -> Path:
    """All pictures of a page side by side, for one look."""
    tiles = []
    for picture in pictures:
        with Image.open(io.BytesIO(picture.read_bytes())) as image:
            height = round(image.height * SHEET_COLUMN_PX / image.width)
            tiles.append((picture.stem, image.convert("RGB").resize((SHEET_COLUMN_PX, height))))
    sheet = Image.new(
        "RGB",
        (len(tiles) * SHEET_COLUMN_PX, 20 + max(tile.height for _stem, tile in tiles)),
        "grey",
    )
    draw = ImageDraw.Draw(sheet)
    for column, (stem, tile) in enumerate(tiles):
        sheet.paste(tile, (column * SHEET_COLUMN_PX, 20))
        draw.text((column * SHEET_COLUMN_PX + 4, 4), stem, fill="white")
    target = folder / f"_{name}.png"
    sheet.save(target)
    return target


if __name__ == "__main__":
    sys.exit(main())

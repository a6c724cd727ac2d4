"""People who look on while meters are read: windows with live values and alarms, and pages.

`python -m benchmarks.inside.audience SCRIPT HEARD`, in a process of its own. SCRIPT names port,
cookies, what each window watches and which pages are asked for; HEARD is written when the process is
told to stop: moments at which alarms were heard, and what each page took.
"""

import asyncio
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

START_S = 60
STOP_PATIENCE_S = 60


@dataclass(slots=True)
class Script:
    """Who looks at what. windows: cookie and devices of each; pages: cookie and address."""

    port: int
    cookie_name: str
    windows: list[tuple[str, list[int]]]
    pages: list[tuple[str, str]]
    pause_s: float


@dataclass(slots=True)
class Heard:
    """alarms: (window, id, epoch seconds); pages: (epoch seconds, address, seconds, status)."""

    alarms: list[tuple[int, int, float]] = field(default_factory=list)
    pages: list[tuple[float, str, float, int]] = field(default_factory=list)
    values: int = 0
    rows: int = 0
    lost: int = 0


@contextmanager
def audience(script: Script, *, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Heard]]:
    """People looking on until the end of the block; what they heard is filled in after it."""
    plan, result = folder / "audience.json", folder / "heard.json"
    plan.write_text(json.dumps(asdict(script)))
    heard = Heard()
    command = [sys.executable, "-m", __name__, str(plan), str(result)]
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            yield process, heard
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_PATIENCE_S)
    for name, value in json.loads(result.read_text()).items():
        setattr(heard, name, value)


async def _window(script: Script, number: int, heard: Heard) -> None:
    """One page: opened again whenever it is lost, as the page's script does."""
    cookie, devices = script.windows[number]
    while True:
        with suppress(OSError, TimeoutError, InvalidStatus, ConnectionClosed):
            async with connect(
                f"ws://127.0.0.1:{script.port}/ws/live/",
                origin=Origin(f"http://127.0.0.1:{script.port}"),
                additional_headers={"Cookie": f"{script.cookie_name}={cookie}"},
                open_timeout=START_S,
                max_size=None,
            ) as line:
                wish = {"op": "sub", "devices": devices, "topics": ["alarms", "orders"]}
                await line.send(json.dumps(wish))
                async for text in line:
                    _hear(json.loads(text), number, heard)
        heard.lost += 1
        await asyncio.sleep(1)


def _hear(message: dict[str, Any], number: int, heard: Heard) -> None:
    for news in message["d"] if message["t"] == "news" else ():
        _hear(news, number, heard)
    if message["t"] == "alarm" and message["ev"] == "raised":
        heard.alarms.append((number, message["id"], time.time()))
    elif message["t"] == "v":
        heard.values += 1
        heard.rows += len(message["d"])


def _turn_pages(script: Script, heard: Heard, stop: threading.Event) -> None:
    """One page after the other, with a pause between them."""
    line = http.client.HTTPConnection("127.0.0.1", script.port, timeout=START_S)
    while True:
        for cookie, address in script.pages:
            begun = time.time()
            try:
                line.request("GET", address, headers={"Cookie": f"{script.cookie_name}={cookie}"})
                answer = line.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                line.close()
                status = 0
            heard.pages.append((begun, address, time.time() - begun, status))
            if stop.wait(script.pause_s):
                return


async def _run(script: Script) -> Heard:
    heard, stop = Heard(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    done = threading.Event()
    turning = asyncio.create_task(asyncio.to_thread(_turn_pages, script, heard, done))
    windows = [
        asyncio.create_task(_window(script, number, heard)) for number in range(len(script.windows))
    ]
    await stop.wait()
    done.set()
    for window in windows:
        window.cancel()
    await asyncio.gather(*windows, return_exceptions=True)
    await turning
    return heard


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    listened = uvloop.run(_run(Script(**given)))
    Path(sys.argv[2]).write_text(json.dumps(asdict(listened)))

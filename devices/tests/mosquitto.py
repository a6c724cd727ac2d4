"""A real broker for tests: Mosquitto on a port of its own, with a password and a memory."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

# Debian has it where only root looks.
PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
USER, PASSWORD = "bridge", "pass word"

_CONFIG = """
listener {port} 127.0.0.1
user {user}
allow_anonymous false
password_file {folder}/passwords
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_inflight_messages 100
"""


class Mosquitto:
    """Started, stopped and started again over the same memory."""

    def __init__(self, folder: Path) -> None:
        assert PROGRAM
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        user = "root" if os.geteuid() == 0 else ""
        text = _CONFIG.format(port=self.port, folder=folder, user=user)
        lines = [line for line in text.splitlines() if line.strip() != "user"]
        (folder / "mosquitto.conf").write_text("\n".join(lines))
        passwords = folder / "passwords"
        subprocess.run(  # noqa: S603 - of the broker's own package
            [str(shutil.which("mosquitto_passwd")), "-b", "-c", str(passwords), USER, PASSWORD],
            check=True,
        )

    def start(self) -> None:
        assert PROGRAM
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program that script/test installs
                [PROGRAM, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def client(self) -> Client:
        """Somebody who publishes; connected."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(USER, PASSWORD)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        return client

    def publish(self, *messages: tuple[str, Any], qos: int = 1, retain: bool = False) -> None:
        """Send messages in this order; returns when the broker has them."""
        client = self.client()
        for topic, payload in messages:
            client.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()


@contextmanager
def mosquitto() -> Iterator[Mosquitto]:
    """A broker that runs."""
    with tempfile.TemporaryDirectory(prefix="dianwu-mqtt-") as folder:
        broker = Mosquitto(Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

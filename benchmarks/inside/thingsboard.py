"""ThingsBoard's gateway as a peer: installed by pip, configured for the benchmark meters, run.

Its fastest way of reading, as far as we found: one request per meter, of a range that it decodes to
40 values. Everything that costs it time and is no part of the work is off: statistics, logs below a
warning, remote configuration, shared attributes.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.inside.addresses import address
from benchmarks.inside.field import UNITS

REQUIREMENTS = Path(__file__).resolve().parent / "thingsboard.txt"
VERSION = "3.8.5"
# Two registers a value.
VALUES, LAST_REGISTER = 40, 79
LARGEST_READ = 125
LOGGERS = (
    "database",
    "service",
    "connector",
    "converter",
    "tb_connection",
    "storage",
    "extension",
)


def install(folder: Path) -> Path:
    """A virtual environment with the gateway's pinned versions; the gateway's command.

    Raises SystemExit with what pip said, when it cannot reach them.
    """
    print(f"  installing ThingsBoard's gateway {VERSION}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    wanted = ["--quiet", "--no-deps", "--requirement", str(REQUIREMENTS)]
    done = subprocess.run([*pip, *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise SystemExit(
            f"ThingsBoard's gateway {VERSION} cannot be installed, so there is nothing to compare"
            " with. This benchmark needs a package registry that pip can reach; pip says:\n"
            + "\n".join(said[-3:] or done.stderr.splitlines()[-3:])
        )
    return folder / "bin" / "thingsboard-gateway"


@dataclass(frozen=True, slots=True)
class Gateway:
    """How it is to be run."""

    command: Path
    home: Path
    port: int
    door: int

    def configure(self, *, gateways: int, period_ms: int) -> None:
        """Write its files: gateways at addresses of their own on one port, UNITS meters behind each."""
        config = self.home / "config"
        config.mkdir(parents=True, exist_ok=True)
        slaves = [self._slave(number, period_ms) for number in range(gateways * UNITS)]
        files = {
            "tb_gateway.json": self._main(),
            "modbus.json": {
                "name": "modbus",
                "logLevel": "WARNING",
                "master": {"slaves": slaves},
            },
            "logs.json": _logs(),
        }
        for name, content in files.items():
            (config / name).write_text(json.dumps(content))

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """It polls until the end of the block."""
        environment = os.environ | {
            "TB_GW_CONFIG_DIR": str(self.home / "config"),
            # It asks its maker for updates: not from here.
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }
        with (
            (self.home / "thingsboard.log").open("wb") as log,
            subprocess.Popen(
                [str(self.command)],
                cwd=self.home,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                # It takes its time to say goodbye to so many meters, and keeps nothing.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def last_words(self) -> str:
        """The end of its log."""
        text = (self.home / "thingsboard.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-5:])

    def _slave(self, number: int, period_ms: int) -> dict[str, Any]:
        place, unit = divmod(number, UNITS)
        values = {
            "tag": "v${address}",
            "type": "32float",
            "functionCode": 3,
            "objectsCount": 2,
            "address": f"0-{LAST_REGISTER}",
            "maxRegistersPerRequest": LARGEST_READ,
        }
        return {
            "host": address(place),
            "port": self.port,
            "type": "tcp",
            "method": "socket",
            "unitId": unit + 1,
            "deviceName": f"meter-{number}",
            "deviceType": "default",
            "timeout": 5,
            "retries": 1,
            "byteOrder": "BIG",
            "wordOrder": "BIG",
            "pollPeriod": period_ms,
            "attributes": [],
            "timeseries": [values],
            "attributeUpdates": [],
            "rpc": [],
        }

    def _main(self) -> dict[str, Any]:
        """What does not stand here is as in the file that it is delivered with."""
        return {
            "thingsboard": {
                "host": "127.0.0.1",
                "port": self.door,
                "security": {"type": "accessToken", "accessToken": "benchmark"},
                "remoteShell": False,
                "remoteConfiguration": False,
                "syncDevicesSharedAttributesOnConnect": False,
                "checkConnectorsConfigurationInSeconds": 3600,
                "statistics": {"enable": False},
                "deviceFiltering": {"enable": False, "filterFile": "list.json"},
                "checkingDeviceActivity": {"checkDeviceInactivity": False},
                "maxPayloadSizeBytes": 8196,
                "minPackSendDelayMS": 50,
                "minPackSizeToSend": 500,
                "qos": 1,
                "reportStrategy": {"type": "ON_RECEIVED"},
            },
            "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 100_000},
            "grpc": {"enabled": False},
            "connectors": [
                {"type": "modbus", "name": "modbus", "configuration": "modbus.json"},
            ],
        }


def _logs() -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
        "loggers": {
            name: {"handlers": ["console"], "level": "WARNING", "propagate": False}
            for name in LOGGERS
        },
        "root": {"level": "ERROR", "handlers": ["console"]},
    }

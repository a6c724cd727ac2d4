"""Serve the simulated gateways of the database over Modbus TCP, until told to stop."""

import asyncio
import signal
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

from devices.drivers.simulator.director import Director
from devices.drivers.simulator.faults import FaultError
from devices.drivers.simulator.replay import ReplayError
from devices.drivers.simulator.server import serve
from devices.services.simulation import simulated_gateways, simulated_key

LOOK_EVERY_S = 5.0


class Command(BaseCommand):
    help = "Answer for every simulated gateway and device of the database; follows its changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--control", type=Path, default=settings.SIMULATOR_CONTROL)
        parser.add_argument(
            "--director", action="store_true", help="let something go wrong every few minutes"
        )
        parser.add_argument("--script", type=Path, help="faults by time, YAML or JSON")
        parser.add_argument(
            "--replay",
            type=Path,
            metavar="FOLDER",
            help="measured data for devices with a replay-* template; their code names the file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asyncio.run(self._run(options))
        except (FaultError, ReplayError, OSError) as refusal:
            raise CommandError(str(refusal)) from refusal

    async def _run(self, options: dict[str, Any]) -> None:
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ending.set)
        script = options["script"]
        seed = 1 if options["director"] else None
        while not ending.is_set():
            key, gateways = await sync_to_async(_load)()
            stop = asyncio.Event()
            watching = asyncio.create_task(_watch(key, stop, ending))
            try:
                await serve(
                    gateways,
                    control_path=options["control"],
                    stop=stop,
                    script=script,
                    replay=options["replay"],
                    state_path=settings.SIMULATOR_STATE,
                    director=Director(gateways, seed=seed) if seed is not None else None,
                )
            finally:
                watching.cancel()
            # The script's faults were entered once; a change of devices does not begin them anew.
            script = None


def _load() -> tuple[str, list[Any]]:
    return simulated_key(), simulated_gateways()


def _key() -> str | None:
    """None while the database is away: the meters go on."""
    close_old_connections()
    try:
        return simulated_key()
    except Exception:  # noqa: BLE001 - whatever keeps the database away, the meters do not care
        return None


async def _watch(key: str, stop: asyncio.Event, ending: asyncio.Event) -> None:
    """Set `stop` when the process has to end or the devices have changed."""
    while not ending.is_set():
        try:
            await asyncio.wait_for(ending.wait(), LOOK_EVERY_S)
        except TimeoutError:
            now = await sync_to_async(_key)()
            if now is not None and now != key:
                break
    stop.set()

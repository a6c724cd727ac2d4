"""Make something go wrong in the simulator, or put it right."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from devices.drivers.simulator.control import ControlError, command
from devices.services.simulation import bus_name, device_name


class Command(BaseCommand):
    help = (
        "fault list | fault start KIND --device ID [--seconds S] | fault stop [KIND] [--device ID]"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", "status", "start", "stop", "values"])
        parser.add_argument("kind", nargs="?", help="see: fault list")
        parser.add_argument("--device", type=int, help="device id")
        parser.add_argument("--bus", type=int, help="bus id, for faults of a whole gateway")
        parser.add_argument("--seconds", type=float, help="ends by itself")
        parser.add_argument("--ramp", type=float, help="seconds until full strength")
        parser.add_argument("--level", type=float, help="strength, see: fault list")
        parser.add_argument("--phase", help="a, b or c")
        parser.add_argument("--control", type=Path, default=settings.SIMULATOR_CONTROL)

    def handle(self, *args: Any, **options: Any) -> None:
        words = {
            "fault": options["kind"],
            "target": _target(options),
            "duration_s": options["seconds"],
            "ramp_s": options["ramp"],
            "level": options["level"],
            "phase": options["phase"],
        }
        facts = {key: value for key, value in words.items() if value is not None}
        try:
            answer = command(options["control"], {"cmd": options["action"], **facts})
        except ControlError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=1))


def _target(options: dict[str, Any]) -> str | None:
    if options["device"] is not None:
        return device_name(device_id=options["device"])
    if options["bus"] is not None:
        return bus_name(bus_id=options["bus"])
    return None

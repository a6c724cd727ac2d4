"""Let gateways dial in, and poll them over the lines that they open, until told to stop."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from devices.models import FIRST_DOOR
from devices.services import dialin


class Command(BaseCommand):
    help = "Listen for DTUs that dial in, and poll the devices behind them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.DTU_HOST)
        parser.add_argument("--port", type=int, default=settings.DTU_PORT)
        parser.add_argument(
            "--door",
            type=int,
            default=0,
            help="which one of several doors; gateways name theirs as their shard",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["door"] < FIRST_DOOR:
            raise CommandError(f"--door is between 0 and {FIRST_DOOR - 1}")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            dialin.serve(
                host=options["host"], port=options["port"], door=options["door"], stop=stop
            )
        except OSError as refusal:
            where = f"{options['host']}:{options['port']}"
            raise CommandError(
                f"cannot listen on {where}: {refusal.strerror or refusal}"
            ) from refusal

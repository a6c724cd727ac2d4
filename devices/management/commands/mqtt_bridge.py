"""Take the messages of brokers as samples, until told to stop."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from devices.services import bridging


class Command(BaseCommand):
    help = "Subscribe at the MQTT brokers of data sources and store what their messages say."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        bridging.serve(stop=stop)

"""Makes the plant of a kill test in the database of the environment; prints its devices.

python -m devices.tests.killed_plant PORT…: a gateway of shard 0 with DEVICES meters at each port.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

import django
from django.core.management import call_command
from django.db import connection

DEVICES = 10


def main(ports: list[int]) -> None:
    # Only now are the tables known.
    factories = import_module("devices.tests.factories")
    if not connection.introspection.table_names():
        call_command("migrate", verbosity=0, interactive=False)
    version = factories.make_template_version(value_codes=("Ua",), counter_codes=("EPI",))
    devices = {}
    for port in ports:
        gateway = factories.make_gateway(shard=0, period_s=1, offline_after_s=5)
        bus = factories.make_bus(gateway=gateway, port=port, timeout_ms=2000)
        for _number in range(DEVICES):
            device = factories.make_device(bus=bus, template_version=version)
            devices[device.pk] = port, device.unit_id
    sys.stdout.write(json.dumps(devices))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main([int(text) for text in sys.argv[1:]])

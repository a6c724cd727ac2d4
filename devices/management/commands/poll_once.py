"""Read one device over its bus and show what it says, without storing anything."""

import math
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from devices.drivers import Profile
from devices.drivers.pool import BusPool
from devices.history import LayoutGroup
from devices.models import Device
from devices.services.plan import Plan, PlanLoader, PlannedDevice
from devices.services.sampling import samples
from devices.states import Quality

PATIENCE_S = 30.0


class Command(BaseCommand):
    help = (
        "Read a device once and print its points, for finding out why it is silent. Opens a "
        "connection of its own: a gateway that allows only one is held by the poll worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("device", type=int, help="device id")

    def handle(self, *_args: Any, **options: Any) -> None:
        plan, device = _planned(options["device"])
        job = device.jobs[-1]
        if job is None:
            raise CommandError(f"the template of device {device.pk} has nothing to read")
        spec = next(spec for spec in plan.buses if spec.key == job.bus_key)
        pool = BusPool()
        pool.start()
        try:
            pool.apply([spec])
            read = pool.request(job).result(PATIENCE_S)
        finally:
            pool.stop()
        self.stdout.write(f"{spec.host}:{spec.port} unit {job.unit_id} error {read.error or '-'}")
        for block, words in zip(job.blocks, read.blocks or [], strict=False):
            self.stdout.write(f"FC{block.function_code} {block.address}+{block.count}: {words}")
        groups = samples([read], plan).groups
        if not groups:
            raise CommandError(f"no answer: {read.error}")
        self._show(groups[0], device.version.profile)

    def _show(self, group: LayoutGroup, profile: Profile) -> None:
        self.stdout.write(f"quality {Quality(int(group.quality[0])).name}")
        codes = (*profile.value_codes, *profile.counter_codes)
        numbers = [*group.values[0].tolist(), *group.counters[0].tolist()]
        units = {register.code: register.unit for register in profile.registers}
        for code, number in zip(codes, numbers, strict=True):
            text = "-" if math.isnan(number) else f"{number:.10g} {units[code]}"
            self.stdout.write(f"{code:12} {text}")


def _planned(pk: int) -> tuple[Plan, PlannedDevice]:
    """The device as its poll worker knows it."""
    row = Device.objects.filter(pk=pk).select_related("bus__gateway").first()
    if row is None:
        raise CommandError(f"there is no device {pk}")
    if row.bus is None:
        raise CommandError(f"device {pk} is on no bus")
    if row.bus.gateway.dtu_id:
        raise CommandError(f"the gateway of device {pk} dials in: read it from its page")
    plan = PlanLoader(row.bus.gateway.poll_shard).load(now=timezone.now())
    if pk not in plan.devices:
        raise CommandError(f"device {pk} or its gateway is not enabled")
    return plan, plan.devices[pk]

"""A relay behind a real socket, two people who may switch it, and the worker that owns its bus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from devices.drivers.simulator.mbap import Refusal
from devices.models import ControlOperation, Device, TemplateOutput
from devices.services import control
from devices.services.plan import planned_version
from devices.services.polling import Poller
from devices.tests.factories import (
    make_bus,
    make_device,
    make_gateway,
    make_output,
    make_template_version,
)
from devices.tests.meters import Line, Meter
from sites.models import Site, User
from sites.rules import Role
from sites.tests.factories import make_grant, make_site, make_user

SHARD = 78
# Longer than any time-out of these tests.
NEVER_S = 60.0


@dataclass
class Relay(Meter):
    """A meter with coils; counts the writes that reach it, and can misbehave."""

    coils: list[bool] = field(default_factory=lambda: [False] * 8)
    writes: list[tuple[int, bool]] = field(default_factory=list)
    write_delay_s: float = 0.0
    refuses_with: int = 0
    ignores: bool = False

    def bits(self, function_code: int, address: int, count: int) -> bytes:
        """The coils."""
        return bytes([sum(self.coils[address + n] << n for n in range(count))])

    def write_bits(self, address: int, values: list[bool]) -> None:
        """Note it, and obey unless told otherwise."""
        self.writes.append((address, values[0]))
        if self.refuses_with:
            raise Refusal(self.refuses_with)
        if not self.ignores:
            self.coils[address : address + len(values)] = values


@dataclass
class Desk:
    """Everything that a switching needs."""

    site: Site
    device: Device
    output: TemplateOutput
    operator: User
    guardian: User
    relay: Relay
    line: Line

    def select(
        self, *, wanted: bool = True, by: User | None = None, now: datetime | None = None
    ) -> ControlOperation:
        """The operator selects."""
        request = control.Request(self.output, wanted, "检修前停电", "CZP-0042")
        return control.select(
            device=self.fresh(),
            request=request,
            by=by or self.operator,
            door="web",
            now=now or timezone.now(),
        )

    def confirm(
        self, operation: ControlOperation, *, by: User | None = None, now: datetime | None = None
    ) -> ControlOperation:
        """The guardian says yes to what he has seen."""
        return control.confirm(
            operation_id=operation.pk,
            seen=operation.seen,
            by=by or self.guardian,
            door="web",
            now=now or timezone.now(),
        )

    def execute(
        self, operation: ControlOperation, *, now: datetime | None = None
    ) -> ControlOperation:
        """The operator executes."""
        return control.execute(
            operation_id=operation.pk,
            by=self.operator,
            door="web",
            now=now or timezone.now(),
        )

    def fresh(self) -> Device:
        """The device as a page reads it."""
        return Device.objects.select_related("site__team", "site__enterprise", "bus__gateway").get(
            pk=self.device.pk
        )


def make_desk(line: Line, *, timeout_ms: int = 200) -> Desk:
    """A site that allows remote control, with one relay and two people."""
    site = make_site(is_control_allowed=True)
    gateway = make_gateway(site=site, shard=SHARD, period_s=3600)
    version = make_template_version()
    device = make_device(
        bus=make_bus(gateway=gateway, port=line.port, timeout_ms=timeout_ms),
        template_version=version,
    )
    relay = Relay(planned_version(version).profile)
    line.units[device.unit_id] = relay
    people = [make_user(name) for name in ("switcher", "watcher")]
    for person in people:
        make_grant(person, Role.DISPATCHER, site)
    return Desk(
        site=site,
        device=device,
        output=make_output(version),
        operator=people[0],
        guardian=people[1],
        relay=relay,
        line=line,
    )


@contextmanager
def working() -> Iterator[Poller]:
    """A worker that owns the shard and whose next poll is an hour away."""
    poller = Poller(SHARD)
    poller.cycle(now=timezone.now(), deadline_s=0.1)
    try:
        yield poller
    finally:
        poller.stop(now=timezone.now())

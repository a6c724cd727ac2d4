"""What pages show of the clocks of meters."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from devices.drivers.clocks import ClockDef
from devices.models import ClockSetting, Device, DeviceClock
from devices.states import clock_words
from sites.models import User

CLOCKS_SHOWN = 200
SETTINGS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ClockLine:
    """A clock and what was done about it last. may_be_set: the template says that it takes it."""

    clock: DeviceClock
    setting: ClockSetting | None
    is_off: bool
    may_be_set: bool

    @property
    def words(self) -> str:
        """Why it could not be read."""
        return clock_words(self.clock.error)


def clocks_for(*, user: User) -> QuerySet[DeviceClock]:
    """Clocks of the devices that the person sees, with what a line prints."""
    rows = DeviceClock.objects.visible_to(user).readable()
    return rows.select_related(
        "device__site__enterprise", "device__site__team", "device__room", "device__template_version"
    ).order_by("device__site_id", "device__code", "pk")


def clock_lines(rows: Iterable[DeviceClock]) -> list[ClockLine]:
    """Lines of clocks, with their latest settings in one query."""
    clocks = list(rows)
    settings = ClockSetting.objects.filter(device__in=[clock.pk for clock in clocks])
    latest = {
        one.device_id: one for one in settings.order_by("device_id", "-at").distinct("device_id")
    }
    return [_line(clock, latest.get(clock.pk)) for clock in clocks]


def _line(clock: DeviceClock, setting: ClockSetting | None) -> ClockLine:
    device, drift_s = clock.device, clock.drift_s
    return ClockLine(
        clock=clock,
        setting=setting,
        is_off=drift_s is not None and abs(drift_s) > device.site.clock_tolerance_s,
        may_be_set=ClockDef.of(device.template_version.clock).may_be_set,
    )


def clock_of(device: Device) -> ClockLine | None:
    """The clock of one device; None when it has none, or its first turn is not entered yet."""
    rows = DeviceClock.objects.readable().filter(pk=device.pk)
    rows = rows.select_related("device__site", "device__template_version")
    return next(iter(clock_lines(rows)), None)


def settings_of(device: Device) -> list[ClockSetting]:
    """The latest settings of a clock, newest first."""
    return list(ClockSetting.objects.filter(device=device).select_related("by")[:SETTINGS_SHOWN])

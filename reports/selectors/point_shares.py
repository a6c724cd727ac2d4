"""Data completeness of each point of a device, by day of its site."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.time import day_bounds, local_day
from devices import history, selectors
from devices.models import Device, Register, Tally
from devices.selectors import DevicePoint
from devices.services.schedule import DAILY_S, SLOW_S
from reports.selectors.completeness import Share, together
from sites.models import User

MOST_DAYS = 92


@dataclass(frozen=True, slots=True)
class PointShares:
    """A point with its share of each day, and of all of them."""

    point: DevicePoint
    by_day: list[tuple[date, Share]]

    @property
    def whole(self) -> Share:
        return together(share for _day, share in self.by_day)


@dataclass(frozen=True, slots=True)
class DeviceShares:
    """The device's own share of each day, the oldest first, and those of its points."""

    device_days: list[tuple[date, Share]]
    points: list[PointShares]
    until: datetime | None

    @property
    def days(self) -> list[date]:
        return [day for day, _share in self.device_days]

    @property
    def whole(self) -> Share:
        return together(share for _day, share in self.device_days)


def last_days(device: Device, *, now: datetime, days: int) -> tuple[date, date]:
    """The first of the last days of the device's site, and the day after the present one."""
    today = local_day(now, device.site.timezone)
    return today - timedelta(days=days - 1), today + timedelta(days=1)


def point_shares(*, user: User, device: Device, first: date, until: date) -> DeviceShares:
    """Good samples of those expected, of the points that the person may see, from `first` to before `until`.

    A sample counts for a point when it had a valid value of it, not one that somebody put in. What is expected of a point is what
    is expected of its device, or less for registers that are read less often.
    device: as selectors.device_for gives it.
    """
    days = [first + timedelta(days=number) for number in range((until - first).days)]
    tallies = {
        row.day: row for row in Tally.objects.filter(device=device, day__gte=first, day__lt=until)
    }
    own = [_own(tallies.get(day)) for day in days]
    points = selectors.points_for(user=user, devices=[device])[device.pk]
    counted = history.days(
        points=[(device.pk, point.code) for point in points],
        first=first,
        until=until,
        zone=device.site.timezone,
    )
    rarely = _rarely(device)
    put_in = history.put_in(
        device_id=device.pk,
        codes=[point.code for point in points],
        edges=[day_bounds(day, device.site.timezone)[0] for day in (*days, until)],
    )

    def shares_of(code: str) -> list[tuple[date, Share]]:
        counts = [
            figures.count - said
            for figures, said in zip(counted[device.pk, code], put_in[code], strict=True)
        ]
        return list(zip(days, _shares(own, counts, rarely.get(code, 1.0)), strict=True))

    shares = [PointShares(point, shares_of(point.code)) for point in points]
    until_at = max((row.counted_until for row in tallies.values()), default=None)
    return DeviceShares(list(zip(days, own, strict=True)), shares, until_at)


def _own(tally: Tally | None) -> Share:
    if tally is None:
        return Share()
    return Share(tally.good_total, tally.expected_total, tally.counted_until)


def _shares(own: Sequence[Share], counts: Sequence[int], part: float) -> list[Share]:
    """No more of a point than of its device: a sample that is bad as a whole may have values."""
    shares = []
    for share, count in zip(own, counts, strict=True):
        expected = round(share.expected * part, 6)
        shares.append(Share(min(float(count), share.good, expected), expected, share.until))
    return shares


def _rarely(device: Device) -> dict[str, float]:
    """Of registers that are not read in every cycle, which part of the cycles they are read in."""
    if device.bus is None:
        return {}
    # A slow register is read in the first cycle after its time, which may be the next but one.
    every_s = {"slow": SLOW_S + device.period_s, "daily": DAILY_S}
    rows = Register.objects.filter(version=device.template_version_id).exclude(poll_class="fast")
    return {
        code: min(1.0, device.period_s / every_s[poll_class])
        for code, poll_class in rows.values_list("point__code", "poll_class")
    }

"""Gaps in the samples of a site's devices, with where they were lost.

The counts of each hour say where to look; the samples there say from when to when; neighbours on
the same bus, behind the same gateway and elsewhere say whose it was.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from django.db.models import F, Q

from core.time import day_bounds
from devices import history
from devices.drivers import gaps as finding
from devices.drivers.gaps import Hours, Place, Scene
from devices.models import Device, Gateway, Lockout, SampleLoss, Tally
from devices.selectors.online import reasons_between
from devices.states import GapReason
from sites.models import Site

# Devices of other sites that are asked whether the platform heard anybody, per poll process.
WITNESSES = 8
# The verdict on a link comes after the silence allowed, and so may lie behind the gap's end.
_LATE_VERDICT = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples of one device that did not come: after `start`, before `end`.

    is_open: none has come since, as far as samples are counted. is_cut: it reaches beyond the
    period asked for.
    """

    device: Device
    start: datetime
    end: datetime
    missing: int
    reason: GapReason
    is_open: bool
    is_cut: bool

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def minutes(self) -> float:
        return self.length.total_seconds() / 60


@dataclass(frozen=True, slots=True)
class SiteGaps:
    """Gaps of a period, the newest first; nothing after `until` is counted yet (None: nothing is)."""

    gaps: list[Gap]
    until: datetime | None


@dataclass(frozen=True, slots=True)
class _Period:
    start: datetime
    end: datetime


def gaps_of_site(*, site: Site, start: datetime, end: datetime) -> SiteGaps:
    """Gaps of at least two samples of the site's devices that touch the half-open period.

    A constant number of queries; a month of a site with few gaps opens few blocks.
    """
    devices = {
        device.pk: device
        for device in Device.objects.filter(site=site).select_related(
            "bus__gateway", "source", "circuit", "room"
        )
    }
    period = _Period(start, end)
    hours = _hours(devices, period)
    found = _gaps(hours, period)
    until = max((one.until_s for one in hours.values()), default=None)
    told = [
        Gap(
            device=devices[gap.device_id],
            start=_moment(gap.begin_s),
            end=_moment(gap.end_s),
            missing=gap.missing,
            reason=reason,
            is_open=gap.is_open,
            is_cut=gap.is_cut,
        )
        for gap, reason in _reasons(site, devices, hours, found, period)
    ]
    told.sort(key=lambda gap: (gap.start, gap.device.pk), reverse=True)
    return SiteGaps(told, None if until is None else _moment(until))


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _hours(device_ids: Collection[int], period: _Period) -> dict[int, Hours]:
    """The counted hours of the days that a period touches, by device; each site has its own days."""
    days = (period.start - _DAY).date(), (period.end + _DAY).date()
    rows = Tally.objects.filter(device__in=list(device_ids), day__range=days)
    bounds: dict[tuple[date, str], float] = {}
    parts: dict[int, list[tuple[float, list[int], list[float], float]]] = defaultdict(list)
    columns = rows.order_by("device", "day").values_list(
        "device", "day", "device__site__timezone", "good", "expected", "counted_until"
    )
    for pk, day, zone, good, expected, until in columns.iterator(chunk_size=5000):
        if (day, zone) not in bounds:
            bounds[day, zone] = day_bounds(day, zone)[0].timestamp()
        parts[pk].append((bounds[day, zone], good, expected, until.timestamp()))
    return {pk: _joined(of_device) for pk, of_device in parts.items()}


def _joined(days: Sequence[tuple[float, list[int], list[float], float]]) -> Hours:
    starts = [begin + finding.HOUR_S * np.arange(len(good)) for begin, good, _e, _u in days]
    return Hours(
        start_s=np.concatenate(starts),
        good=np.concatenate([np.array(good, np.float64) for _b, good, _e, _u in days]),
        expected=np.concatenate([np.array(some, np.float64) for _b, _g, some, _u in days]),
        until_s=max(until for _b, _g, _e, until in days),
    )


def _gaps(hours: Mapping[int, Hours], period: _Period) -> dict[int, list[finding.Gap]]:
    """The gaps of each device in order; the samples of all stretches are read at once."""
    limits = {"start_s": period.start.timestamp(), "end_s": period.end.timestamp()}
    runs = {pk: finding.runs(of_device, **limits) for pk, of_device in hours.items()}
    at_s = history.moments(
        [
            (pk, _moment(run.begin_s), _moment(run.end_s))
            for pk, of_device in runs.items()
            for run in of_device
        ]
    )
    nothing = np.empty(0)
    found = {
        pk: [
            gap
            for run in of_device
            for gap in finding.gaps(pk, hours[pk], run, at_s.get(pk, nothing))
            if gap.end_s > limits["start_s"] and gap.begin_s < limits["end_s"]
        ]
        for pk, of_device in runs.items()
    }
    return {pk: of_device for pk, of_device in found.items() if of_device}


def _reasons(
    site: Site,
    devices: Mapping[int, Device],
    hours: dict[int, Hours],
    found: dict[int, list[finding.Gap]],
    period: _Period,
) -> list[tuple[finding.Gap, GapReason]]:
    if not found:
        return []
    shards = {
        device.bus.gateway_id: device.bus.gateway.poll_shard
        for device in devices.values()
        if device.bus is not None
    }
    elsewhere = {shard: _witnesses(site, shard) for shard in sorted(set(shards.values()))}
    strangers = {pk for several in elsewhere.values() for pk in several}
    their_hours = _hours(strangers, period) if strangers else {}
    their_gaps = _gaps(their_hours, period) if strangers else {}
    scene = Scene(
        places={pk: _place(device) for pk, device in devices.items()},
        hours=hours | their_hours,
        gaps=found | their_gaps,
        witnesses=lambda place: elsewhere.get(shards.get(place.gateway or 0, -1), ()),
        reason_of=_reason_of(site, devices, period),
        is_maintained=_is_maintained(site, devices, period),
        is_given_up=_is_given_up(devices, shards, period),
    )
    return [
        (gap, GapReason(scene.cause(gap).value)) for several in found.values() for gap in several
    ]


def _place(device: Device) -> Place:
    if device.bus is None:
        return Place(source=device.source_id)
    return Place(bus=device.bus_id, gateway=device.bus.gateway_id)


def _witnesses(site: Site, shard: int) -> list[int]:
    """Devices of other sites that the same process polls, those heard last first."""
    gateways = Gateway.objects.filter(is_enabled=True).exclude(site=site).polled_by(shard)
    rows = Device.objects.in_service().filter(bus__gateway__in=gateways)
    return list(
        rows.order_by(F("last_seen_at").desc(nulls_last=True)).values_list("pk", flat=True)[
            :WITNESSES
        ]
    )


def _reason_of(
    site: Site, devices: Mapping[int, Device], period: _Period
) -> Callable[[finding.Gap], str]:
    """Why the link of a gap's device, or of its gateway, went down during it."""
    events = reasons_between(
        site_id=site.pk, start=period.start - _LATE_VERDICT, end=period.end + _LATE_VERDICT
    )

    def said(kind: str, pk: int | None, gap: finding.Gap) -> str:
        rows = events.get((kind, pk or 0), [])
        place = bisect_left(rows, (_moment(gap.begin_s), ""))
        if place < len(rows) and rows[place][0] <= _moment(gap.end_s):
            return rows[place][1]
        return ""

    def reason(gap: finding.Gap) -> str:
        bus = devices[gap.device_id].bus
        of_gateway = said("gateway", bus.gateway_id, gap) if bus else ""
        return of_gateway or said("device", gap.device_id, gap)

    return reason


def _is_maintained(
    site: Site, devices: Mapping[int, Device], period: _Period
) -> Callable[[finding.Gap], bool]:
    """Whether somebody worked at the device's place when a gap began, by the lock-outs."""
    rows = Lockout.objects.filter(site=site, starts_at__lt=period.end).filter(
        Q(ended_at=None) | Q(ended_at__gt=period.start - _HOUR)
    )
    works = list(rows.values_list("room", "device", "starts_at", "ended_at"))

    def is_maintained(gap: finding.Gap) -> bool:
        device = devices[gap.device_id]
        # It began some time between the last sample and the first that did not come.
        begin, first = _moment(gap.begin_s), _moment(gap.begin_s + gap.period_s)
        return any(
            room in (None, device.room_id)
            and of_device in (None, device.pk)
            and since <= first
            and (until is None or until > begin)
            for room, of_device, since, until in works
        )

    return is_maintained


def _is_given_up(
    devices: Mapping[int, Device], shards: Mapping[int, int], period: _Period
) -> Callable[[finding.Gap], bool]:
    """Whether samples of a gap's time were given up for want of room while they waited."""
    rows = SampleLoss.objects.filter(
        shard__in=set(shards.values()), first_at__lt=period.end, last_at__gt=period.start
    )
    losses = [
        (shard, first.timestamp(), last.timestamp())
        for shard, first, last in rows.values_list("shard", "first_at", "last_at")
    ]

    def is_given_up(gap: finding.Gap) -> bool:
        bus = devices[gap.device_id].bus
        shard = shards.get(bus.gateway_id) if bus else None
        begin, end = gap.begin_s + gap.period_s, gap.end_s - gap.period_s
        return any(shard == of and first <= begin and last >= end for of, first, last in losses)

    return is_given_up

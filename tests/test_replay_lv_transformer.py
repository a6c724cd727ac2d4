"""Measured data through the whole chain: socket, polling, storing, rules, people.

A low-voltage transformer, measured over ten months, is served again by the simulator row by row. The
clock is the file's: delays and days mean what they meant then.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from alarms import services as alarm_services
from alarms.models import Alarm
from alarms.services import watching
from alarms.states import Condition, Handling, Verdict
from devices.drivers.simulator import SimDevice, SimGateway
from devices.drivers.simulator.replay import Track, open_folder
from devices.models import Device
from devices.services import templates
from devices.services.polling import Poller
from devices.tests.factories import make_bus, make_device, make_gateway
from devices.tests.simulated import Background, background, shipped_profile
from sites.tests.factories import People, people
from workorders import services as order_services
from workorders.models import WorkOrder
from workorders.states import Kind, Move, Priority, State

MEASURED = Path(
    os.environ.get("DIANWU_MEASURED_DATA", settings.BASE_DIR.parent / "shared" / "data")
)
FOLDER = MEASURED / "lv_transformer_15min"
TRACK = "current_voltage"
# All 19,352 rows instead of the windows and the sample; takes minutes.
IS_WHOLE = "DIANWU_REPLAY_ALL" in os.environ
PERIOD_S = 900
SHARD = 83

# What the file shows, by its own clock (taken as China's): first and second bad row, second good row.
LOSSES = [
    ("2019-07-16T06:20", "2019-07-16T06:30", "2019-07-16T08:00", "Ub"),
    ("2019-08-07T18:44", "2019-08-07T19:00", "2019-08-07T20:15", "Uc"),
    ("2019-08-11T22:13", "2019-08-11T22:15", "2019-08-12T00:45", "Ub"),
]
COLUMNS = {
    "Ua": "v_l1n_V", "Ub": "v_l2n_V", "Uc": "v_l3n_V", "Ia": "i_l1_A", "Ib": "i_l2_A",
    "Ic": "i_l3_A", "Uab": "v_l12_V", "Ubc": "v_l23_V", "Uca": "v_l31_V", "In": "i_n_A",
}  # fmt: skip
RESOLUTION = 0.1
SEED, SAMPLE = 20190716, 600

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.timeout(1800 if IS_WHOLE else 300),
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason="no measured data: set DIANWU_MEASURED_DATA to its folder"
    ),
]


def moment(text: str) -> datetime:
    """A time of the file."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


@dataclass
class Chain:
    """The measured transformer behind its gateway, and a worker that polls it."""

    cast: People
    device: Device
    simulator: Background
    poller: Poller
    track: Track
    now: datetime = datetime(2019, 6, 25, tzinfo=UTC)
    stored: int = 0
    order: WorkOrder | None = None
    handled: list[int] = field(default_factory=list)

    def replay(self, row: int) -> None:
        """Let the meter show a row, poll it at the row's time, and let people do their work."""
        self.simulator.tell(cmd="replay", track=TRACK, row=row)
        at = float(self.track.moments[row])
        # The gateway is due once per period; the samples carry the file's time.
        self.now = max(datetime.fromtimestamp(at, UTC), self.now + timedelta(seconds=PERIOD_S))
        cycle = self.poller.cycle(now=self.now, deadline_s=10, stamp_s=at)
        assert cycle is not None
        assert cycle.reads == 1, row
        self.stored += cycle.stored
        for alarm in self.losses().filter(condition=Condition.RECOVERED):
            if alarm.handling == Handling.UNVERIFIED and len(self.handled) < 2:
                self.handle(alarm)

    def losses(self) -> QuerySet[Alarm]:
        """The phase losses that were raised, in the order of time."""
        return Alarm.objects.filter(rule__key="U_LOSS").order_by("raised_at")

    def handle(self, alarm: Alarm) -> None:
        """Verified as real; the first one by a work order, up to the archive."""
        now = alarm.recovered_at + timedelta(minutes=1)
        act = {"by": self.cast.di, "door": "web"}
        alarm_services.verify(
            alarm_id=alarm.pk, verdict=Verdict.REAL, cause="高压熔断器熔断", now=now, **act
        )
        if not self.handled:
            self.order = self.repair(alarm, now)
        alarm_services.archive(alarm_id=alarm.pk, now=now + timedelta(hours=5), **act)
        self.handled.append(alarm.pk)

    def repair(self, alarm: Alarm, now: datetime) -> WorkOrder:
        """Di sends Bo, who finds and mends it; Di accepts."""
        di, bo = self.cast.di, self.cast.bo
        order = order_services.create(
            site=alarm.site, kind=Kind.REPAIR, priority=Priority.URGENT, title="B 相断相",
            description="", due_at=now + timedelta(hours=4), by=di, door="web",
            now=now + timedelta(minutes=2), alarm_id=alarm.pk, seen=Handling.VERIFIED,
        )  # fmt: skip
        for minutes, by, move, facts in [
            (3, di, Move.ASSIGN, {"assignee": bo}),
            (20, bo, Move.START, {}),
            (80, bo, Move.FINISH, {"finding": "B 相熔断器熔断", "measures": "更换熔断器"}),
            (90, di, Move.ACCEPT, {}),
        ]:
            order = order_services.move(
                order_id=order.pk, move=move, by=by, door="api",
                now=now + timedelta(minutes=minutes), **facts,
            ).order  # fmt: skip
        return order


@pytest.fixture
def chain() -> Iterator[Chain]:
    watching.forget()
    cast = people()
    cast.site.nominal_voltage_v = 230
    cast.site.save()
    versions = {result.version.template.key: result.version for result in templates.load_library()}
    alarm_services.load_rules()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gateway = make_gateway(site=cast.site, shard=SHARD, period_s=PERIOD_S)
    device = make_device(
        bus=make_bus(gateway=gateway, port=port, timeout_ms=2000),
        template_version=versions["replay-three-phase"],
    )
    meter = SimDevice(
        unit_id=device.unit_id,
        profile=shipped_profile("replay-three-phase"),
        name="transformer",
        replay=TRACK,
    )
    tracks = open_folder(FOLDER)
    with background(SimGateway(name="gw", port=port, devices=[meter]), tracks=tracks) as simulator:
        poller = Poller(SHARD)
        made = Chain(cast, device, simulator, poller, tracks[TRACK])
        poller.cycle(now=made.now, deadline_s=0)
        yield made
        poller.stop(now=made.now)
    watching.forget()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """The file as it is, read by nobody else's code."""
    with gzip.open(FOLDER / f"{TRACK}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def chosen(rows: list[dict[str, str]]) -> list[int]:
    """Windows around the events and a seeded sample of everything; all rows when asked for."""
    if IS_WHOLE:
        return list(range(len(rows)))
    starts = [
        next(n for n, row in enumerate(rows) if row["ts_local"].startswith(first))
        for first, *_rest in LOSSES
    ]
    windows = {n for start in starts for n in range(start - 40, start + 40)}
    return sorted(windows | set(random.Random(SEED).sample(range(len(rows)), SAMPLE)))


def stored(device: Device) -> dict[float, dict[str, float]]:
    """Every stored sample by its time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_part('epoch', at), values, quality FROM reading WHERE device_id = %s",
            [device.pk],
        )
        found = cursor.fetchall()
    assert {quality for _at, _values, quality in found} == {0}
    codes = device.template_version.layout.value_codes
    return {at: dict(zip(codes, values, strict=True)) for at, values, _quality in found}


def log_of(alarm: Alarm) -> list[tuple[str, datetime]]:
    return [(move, at) for move, at in alarm.log.values_list("move", "at") if move]


def test_measured_phase_losses_are_found_and_handled(
    chain: Chain, rows: list[dict[str, str]]
) -> None:
    assert len(rows) == len(chain.track.moments) == 19352

    for row in chosen(rows):
        chain.replay(row)

    check_stored(chain, rows)
    check_alarms(chain)
    check_archived(chain)


def check_stored(chain: Chain, rows: list[dict[str, str]]) -> None:
    """What is stored equals the file; of two rows with one time the first one counts."""
    expected: dict[float, dict[str, str]] = {}
    for number in chosen(rows):
        at = datetime.fromisoformat(f"{rows[number]['ts_local']}+08:00").timestamp()
        expected.setdefault(at, rows[number])

    found = stored(chain.device)

    assert chain.stored == len(expected)
    assert found.keys() == expected.keys()
    for at, row in expected.items():
        for code, column in COLUMNS.items():
            # Written with one decimal, carried as tenths, stored as float32.
            assert round(found[at][code] / RESOLUTION) == round(float(row[column]) / RESOLUTION)
            assert abs(found[at][code] - float(row[column])) < RESOLUTION / 100, (at, code)


def check_alarms(chain: Chain) -> None:
    """The three phase losses, each at its moment, and no other."""
    alarms = list(chain.losses())
    assert [
        (alarm.raised_at, alarm.recovered_at, alarm.recurrences, alarm.worst_code)
        for alarm in alarms
    ] == [(moment(second), moment(good), 0, code) for _first, second, good, code in LOSSES]
    for alarm in alarms:
        assert alarm.site == chain.cast.site
        assert alarm.device == chain.device
        assert (alarm.limit, alarm.unit, alarm.severity) == (115.0, "V", "critical")
    first, _second, third = alarms
    assert (first.value, first.peak) == (84.3, 81.3)
    assert first.log.first().facts["points"] == {"Ua": 156.4, "Ub": 84.3, "Uc": 239.6}
    assert (third.value, third.peak) == (0.0, 0.0)


def check_archived(chain: Chain) -> None:
    """The first one went its whole way, and every step is on record."""
    first, second, third = chain.losses()
    verified = first.recovered_at + timedelta(minutes=1)
    assert chain.handled == [first.pk, second.pk]
    assert third.handling == Handling.UNVERIFIED
    assert log_of(first) == [
        ("raise", first.raised_at),
        ("recover", first.recovered_at),
        ("verify", verified),
        ("create_order", verified + timedelta(minutes=2)),
        ("archive", verified + timedelta(hours=5)),
    ]
    assert first.log.get(move="create_order").facts == {"order": "GD-20190716-0001"}
    assert first.number.startswith("GJ-20190716-")
    assert chain.order is not None
    assert chain.order.state == State.CLOSED
    assert [
        (row.move, row.by) for row in chain.order.log.exclude(move="").select_related("by")
    ] == [
        (Move.ASSIGN, chain.cast.di),
        (Move.START, chain.cast.bo),
        (Move.FINISH, chain.cast.bo),
        (Move.ACCEPT, chain.cast.di),
    ]

"""Measured data served again: from a folder that the test writes, and from real files if there are."""

import asyncio
import csv
import gzip
import random
from pathlib import Path

import numpy as np
import pytest

from devices.drivers import DeviceRead
from devices.drivers.codec import Decoder
from devices.drivers.modbus import ModbusTcpTransport
from devices.drivers.planner import plan
from devices.drivers.simulator import SimDevice, SimGateway
from devices.drivers.simulator.replay import ReplayError, open_folder
from devices.drivers.simulator.server import Simulator
from devices.drivers.simulator.world import World
from devices.tests.simulated import shipped_profile

MEASURED = Path(__file__).resolve().parents[3] / "shared" / "data" / "lv_transformer_15min"
needs_measured_data = pytest.mark.skipif(
    not MEASURED.is_dir(), reason="no measured data beside the checkout"
)

ROWS = """\
ts_local,v_l1n_V,v_l2n_V,v_l3n_V,i_l1_A,note
2019-07-16T06:20:00,159.1,81.2,240.3,10.5,first
2019-07-16T06:20:00,158.0,80.0,239.9,10.4,again
2019-07-16T06:35:00,230.0,,231.5,0.0,empty cell
"""


def write_folder(folder: Path) -> Path:
    with gzip.open(folder / "feeder.csv.gz", "wt") as stream:
        stream.write(ROWS)
    (folder / "oil.csv").write_text(
        "time,T_oil_C,OTI_alarm_flag\n2019-07-16T06:30:00+08:00,-3.4,1\n"
    )
    (folder / "edges_derived.csv").write_text("ts_local,oil_temp_C\n2019-07-16T06:20:00,3\n")
    return folder


def gateway() -> SimGateway:
    return SimGateway(
        name="gw",
        port=0,
        devices=[
            SimDevice(
                unit_id=1,
                profile=shipped_profile("replay-three-phase"),
                name="feeder",
                replay="feeder",
            ),
            SimDevice(
                unit_id=2, profile=shipped_profile("replay-transformer"), name="oil", replay="oil"
            ),
        ],
    )


def test_files_columns_and_times_are_understood(tmp_path: Path) -> None:
    tracks = open_folder(write_folder(tmp_path))

    assert list(tracks) == ["feeder", "oil"]
    assert [column.code for column in tracks["feeder"].columns] == ["Ua", "Ub", "Uc", "Ia"]
    assert [column.code for column in tracks["oil"].columns] == ["T_oil", "OTI_alarm"]
    assert tracks["oil"].moments[0] - tracks["feeder"].moments[0] == 600
    assert len(tracks["feeder"].moments) == 3


def test_a_folder_may_say_itself_what_its_columns_are(tmp_path: Path) -> None:
    (tmp_path / "pump.csv").write_text("when,spannung,strom,Ua_V\n2020-01-01T00:00:00,0.4,7,1\n")
    (tmp_path / "left.csv").write_text("ts_local,v_V\n2020-01-01T00:00:00,1\n")
    (tmp_path / "replay.yaml").write_text(
        "skip: [left]\n"
        "files:\n"
        "  pump: {time: when, columns: {spannung: [Uab, kV], strom: [Ia, A], Ua_V: null}}\n"
    )

    tracks = open_folder(tmp_path)
    values = tracks["pump"].current(shipped_profile("replay-three-phase"))

    assert list(tracks) == ["pump"]
    assert values == {"Uab": pytest.approx(400.0), "Ia": 7.0}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no CSV"),
        ({"a.csv": "x,y\n1,2\n"}, "no CSV"),
        ({"a.csv": "x,Ua_V\n1,2\n"}, "no time column"),
        ({"a.csv": "time,Ua_V\nyesterday,2\n"}, "no ISO time"),
        ({"a.csv": "time,Ua_V\n", "replay.yaml": "- x"}, "wanted"),
        ({"a.csv": "time,Ua_V\n", "replay.yaml": "{"}, "replay.yaml"),
        ({"a.csv": "time,Ua_V\n"}, "no rows"),
    ],
)
def test_a_folder_that_cannot_be_replayed_is_refused(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(ReplayError, match=said):
        open_folder(tmp_path)
    with pytest.raises(ReplayError, match="no folder"):
        open_folder(tmp_path / "nowhere")


def test_a_device_that_names_no_file_is_refused(tmp_path: Path) -> None:
    tracks = open_folder(write_folder(tmp_path))
    profile = shipped_profile("replay-three-phase")
    lost = SimDevice(unit_id=1, profile=profile, name="d", replay="elsewhere")

    with pytest.raises(ReplayError, match="elsewhere"):
        World([SimGateway(name="g", port=0, devices=[lost])], tracks=tracks)


def test_rows_are_stepped_by_number_because_times_repeat(tmp_path: Path) -> None:
    world = World([gateway()], tracks=open_folder(write_folder(tmp_path)))
    console = Simulator(world).console

    def shown(**facts: object) -> tuple[int, float | None]:
        console.handle({"cmd": "replay", "track": "feeder", **facts})
        return world.tracks["feeder"].row, world.values("feeder")["Ua"]

    assert shown() == (0, 159.1)
    assert shown(step=1) == (1, 158.0)
    assert shown(row=2) == (2, 230.0)
    assert console.handle({"cmd": "replay", "track": "feeder", "step": 1})["at_end"] == ["feeder"]
    assert shown(time=world.tracks["feeder"].moments[0] + 60) == (1, 158.0)
    assert shown(time=0) == (0, 159.1)
    with pytest.raises(ReplayError):
        shown(row=3)
    position = console.handle({"cmd": "status"})["replay"]["feeder"]
    assert (position["row"], position["rows"], position["time"]) == (0, 3, "2019-07-16T06:20:00")
    assert position["epoch_s"] == 1563229200.0


def read_rows(world: World, unit: int, key: str, track: str, rows: list[int]) -> np.ndarray:
    """Values of these rows as they come out of the Modbus server and the decoder."""
    profile = shipped_profile(key)
    blocks = plan(profile)

    async def run() -> list[DeviceRead]:
        simulator = Simulator(world)
        await simulator.open()
        transport = ModbusTcpTransport("127.0.0.1", simulator.listeners[0].port)
        await transport.connect(timeout_s=5)
        reads = []
        for row in rows:
            simulator.handle({"cmd": "replay", "track": track, "row": row})
            reads.append(
                [await transport.read(block, unit_id=unit, timeout_s=5) for block in blocks]
            )
        transport.close()
        await simulator.close()
        return reads

    return Decoder(profile, blocks).decode(asyncio.run(run()))[0]


def test_the_server_gives_the_rows_and_marks_what_is_missing(tmp_path: Path) -> None:
    world = World([gateway()], tracks=open_folder(write_folder(tmp_path)))

    feeder = read_rows(world, 1, "replay-three-phase", "feeder", [0, 1, 2])
    oil = read_rows(world, 2, "replay-transformer", "oil", [0])

    np.testing.assert_allclose(
        feeder[:, :4],
        [[159.1, 81.2, 240.3, 10.5], [158.0, 80.0, 239.9, 10.4], [230.0, np.nan, 231.5, 0.0]],
        rtol=1e-6,
    )
    assert np.isnan(feeder[:, 6:]).all()
    np.testing.assert_allclose(oil[0], [-3.4, np.nan, np.nan, 0, 1, 0, 0], rtol=1e-6)


@needs_measured_data
def test_measured_voltages_and_currents_come_out_as_the_file_has_them() -> None:
    with gzip.open(MEASURED / "current_voltage.csv.gz", "rt") as stream:
        table = list(csv.reader(stream))
    header, body = table[0], table[1:]
    with gzip.open(MEASURED / "voltage_events_derived.csv.gz", "rt") as stream:
        events = [row for row in csv.DictReader(stream) if "loss" in row["kind"]]
    times = [row[0] for row in body]
    wanted = set(random.Random(1).sample(range(len(body)), 200))
    for event in events:
        first, last = times.index(event["first_row_ts"]), times.index(event["last_row_ts"])
        wanted |= set(range(max(0, first - 3), last + 4))
    rows = sorted(wanted)
    profile = shipped_profile("replay-three-phase")
    device = SimDevice(unit_id=1, profile=profile, name="d", replay="current_voltage")
    tracks = open_folder(MEASURED)
    world = World([SimGateway(name="g", port=0, devices=[device])], tracks=tracks)

    values = read_rows(world, 1, profile.key, "current_voltage", rows)

    order = [
        "v_l1n_V",
        "v_l2n_V",
        "v_l3n_V",
        "i_l1_A",
        "i_l2_A",
        "i_l3_A",
        "v_l12_V",
        "v_l23_V",
        "v_l31_V",
        "i_n_A",
    ]
    expected = [[float(body[row][header.index(name)]) for name in order] for row in rows]
    assert len(events) == 3
    assert set(tracks) == {"current_voltage", "overview"}
    np.testing.assert_allclose(values, expected, atol=1e-4)


@needs_measured_data
def test_measured_oil_temperature_and_contacts_come_out_as_the_file_has_them() -> None:
    with gzip.open(MEASURED / "overview.csv.gz", "rt") as stream:
        table = list(csv.reader(stream))[1:]
    hot = [number for number, row in enumerate(table) if float(row[1]) > 200]
    rows = sorted({*hot, *random.Random(2).sample(range(len(table)), 100)})
    profile = shipped_profile("replay-transformer")
    device = SimDevice(unit_id=1, profile=profile, name="d", replay="overview")
    world = World([SimGateway(name="g", port=0, devices=[device])], tracks=open_folder(MEASURED))

    values = read_rows(world, 1, profile.key, "overview", rows)

    expected = [[float(table[row][n]) for n in (1, 3, 4, 2, 5, 6, 7)] for row in rows]
    assert len(hot) == 47
    np.testing.assert_allclose(values, expected, atol=1e-4)

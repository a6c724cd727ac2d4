"""The simulated gateway byte by byte, its faults, and the way to command it."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.drivers.simulator import SimDevice, SimGateway
from devices.drivers.simulator.control import ControlError, ControlServer, command
from devices.drivers.simulator.faults import FaultError
from devices.drivers.simulator.server import Simulator, serve
from devices.drivers.simulator.units import FIRST_SETTING
from devices.drivers.simulator.world import World
from devices.tests.simulated import make_gateway, shipped_profile, simulating, until

SOON_S = 0.1


class Client:
    """Sends bytes and takes bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int, host: str = "127.0.0.1") -> "Client":
        return cls(*await asyncio.open_connection(host, port))

    def send(self, body: bytes, *, unit: int = 1, number: int = 7) -> None:
        self.writer.write(struct.pack(">HHHB", number, 0, len(body) + 1, unit) + body)

    async def take(self) -> tuple[int, int, bytes]:
        """Transaction, unit and body of the next answer."""
        number, protocol, length, unit = struct.unpack(
            ">HHHB", await asyncio.wait_for(self.reader.readexactly(7), 5)
        )
        assert protocol == 0
        return number, unit, await self.reader.readexactly(length - 1)

    async def ask(self, body: bytes, *, unit: int = 1) -> bytes:
        self.send(body, unit=unit)
        number, answered, answer = await self.take()
        assert (number, answered) == (7, unit)
        return answer

    async def is_silent(self) -> bool:
        try:
            await asyncio.wait_for(self.reader.read(1), SOON_S)
        except TimeoutError:
            return True
        return False

    async def is_cut(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), 5) == b""
        except ConnectionError:
            return True


@asynccontextmanager
async def talking(gateway: SimGateway | None = None) -> AsyncIterator[tuple[Simulator, Client]]:
    async with simulating(gateway or make_gateway(units=(1, 2))) as simulator:
        client = await Client.to(simulator.listeners[0].port)
        try:
            yield simulator, client
        finally:
            client.writer.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def question(function_code: int, *words: int) -> bytes:
    return bytes((function_code,)) + struct.pack(f">{len(words)}H", *words)


@pytest.mark.asyncio
async def test_registers_hold_the_values_of_the_model() -> None:
    async with talking() as (simulator, client):
        answer = await client.ask(question(3, 0, 2))
        shown = simulator.world.values("gw/1")["Ua"]

    assert answer[:2] == bytes((3, 4))
    assert struct.unpack(">f", answer[2:])[0] == pytest.approx(shown, rel=1e-6)


@pytest.mark.asyncio
async def test_units_are_told_apart() -> None:
    async with talking() as (_, client):
        answers = [await client.ask(question(3, 0, 80), unit=unit) for unit in (1, 2)]
        absent = await client.ask(question(3, 0, 2), unit=9)

    assert answers[0] != answers[1]
    assert absent == bytes((0x83, 11))


@pytest.mark.asyncio
async def test_coils_and_settings_can_be_written_and_read_back() -> None:
    async with talking() as (_, client):
        assert await client.ask(question(5, 2, 0xFF00)) == question(5, 2, 0xFF00)
        assert await client.ask(question(1, 0, 8)) == bytes((1, 1, 0b100))
        coils = question(15, 0, 5) + bytes((1, 0b10011))
        assert await client.ask(coils) == question(15, 0, 5)
        assert await client.ask(question(1, 0, 8)) == bytes((1, 1, 0b10011))
        assert await client.ask(question(6, FIRST_SETTING, 258)) == question(6, FIRST_SETTING, 258)
        many = question(16, FIRST_SETTING + 1, 2) + bytes((4, 0, 9, 1, 0))
        assert await client.ask(many) == question(16, FIRST_SETTING + 1, 2)
        assert await client.ask(question(3, FIRST_SETTING, 3)) == bytes((3, 6, 1, 2, 0, 9, 1, 0))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (question(7), 1),
        (question(23, 0, 1), 1),
        (question(3, 4000, 1), 2),
        (question(3, 65535, 2), 2),
        (question(4, 0, 1), 2),
        (question(2, 0, 1), 2),
        (question(1, 7, 2), 2),
        (question(6, 0, 1), 2),
        (question(5, 100, 0xFF00), 2),
        (question(3, 0, 0), 3),
        (question(3, 0, 126), 3),
        (question(1, 0, 2001), 3),
        (question(5, 0, 1), 3),
        (question(3, 0), 3),
        (question(16, FIRST_SETTING, 2) + bytes((2, 0, 1)), 3),
        (question(16, FIRST_SETTING, 2), 3),
        (question(15, 0, 9) + bytes((1, 1)), 3),
    ],
)
async def test_what_cannot_be_done_is_an_exception(asked: bytes, code: int) -> None:
    async with talking() as (_, client):
        assert await client.ask(asked) == bytes((asked[0] | 0x80, code))
        assert (await client.ask(question(3, 0, 2)))[0] == 3


@pytest.mark.asyncio
async def test_questions_may_come_together_or_in_pieces() -> None:
    async with talking() as (_, client):
        for number in (1, 2, 3):
            client.send(question(3, 2 * number, 2), number=number)
        assert [(await client.take())[0] for _ in range(3)] == [1, 2, 3]

        whole = struct.pack(">HHHB", 9, 0, 6, 1) + question(3, 0, 1)
        for byte in whole:
            client.writer.write(bytes((byte,)))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.take())[0] == 9


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0\1\0\0\0\1\1\3", b"\0\1\0\0\xff\xff\1\3", b"\0\1\0\0\0\0\1"],
)
async def test_garbage_ends_the_connection_and_nothing_else(garbage: bytes) -> None:
    async with talking() as (simulator, client):
        client.writer.write(garbage)
        assert await client.is_cut()
        other = await Client.to(simulator.listeners[0].port)
        assert (await other.ask(question(3, 0, 1)))[0] == 3
        other.writer.close()


@pytest.mark.asyncio
async def test_a_dead_meter_is_silent_and_its_neighbour_is_not() -> None:
    async with talking() as (simulator, client):
        simulator.handle({"cmd": "start", "fault": "dead_meter", "target": "gw/2"})
        client.send(question(3, 0, 1), unit=2)
        assert await client.is_silent()
        assert (await client.ask(question(3, 0, 1), unit=1))[0] == 3
        simulator.handle({"cmd": "stop", "target": "gw/2"})
        assert (await client.ask(question(3, 0, 1), unit=2))[0] == 3


@pytest.mark.asyncio
async def test_a_slow_meter_answers_late() -> None:
    async with talking() as (simulator, client):
        simulator.handle({"cmd": "start", "fault": "slow_meter", "target": "gw/2", "level": 0.3})
        client.send(question(3, 0, 1), unit=2)
        assert await client.is_silent()
        assert (await client.take())[2][0] == 3


@pytest.mark.asyncio
async def test_a_dead_gateway_drops_its_clients_and_comes_back_at_its_port() -> None:
    async with talking() as (simulator, client):
        port = simulator.listeners[0].port
        simulator.handle({"cmd": "start", "fault": "dead_gateway", "target": "gw"})
        await simulator.heed_faults()
        assert await client.is_cut()
        with pytest.raises(ConnectionRefusedError):
            await Client.to(port)
        simulator.handle({"cmd": "stop", "fault": "dead_gateway"})
        await simulator.heed_faults()
        again = await Client.to(port)
        assert (await again.ask(question(3, 0, 1)))[0] == 3
        again.writer.close()


@pytest.mark.asyncio
async def test_a_silent_gateway_takes_questions_and_answers_none() -> None:
    async with talking() as (simulator, client):
        simulator.handle({"cmd": "start", "fault": "silent_gateway", "target": "gw"})
        await simulator.heed_faults()
        client.send(question(3, 0, 1))
        assert await client.is_silent()
        simulator.handle({"cmd": "stop"})
        await simulator.heed_faults()
        assert (await client.ask(question(3, 0, 1)))[0] == 3


@pytest.mark.asyncio
async def test_many_gateways_share_a_port_on_addresses_of_their_own() -> None:
    port = free_port()
    gateways = [
        SimGateway(
            name=f"g{n}",
            host=f"127.9.0.{n}",
            port=port,
            devices=[SimDevice(unit_id=1, profile=shipped_profile("simulated"), seed=n)],
        )
        for n in (1, 2)
    ]
    async with simulating(*gateways):
        clients = [await Client.to(port, f"127.9.0.{n}") for n in (1, 2)]
        answers = [await client.ask(question(3, 0, 80)) for client in clients]
        for client in clients:
            client.writer.close()

    assert answers[0] != answers[1]


@asynccontextmanager
async def serving(
    gateways: Sequence[SimGateway], folder: Path, **facts: object
) -> AsyncIterator[Path]:
    """The whole server, with a socket to command it."""
    stop, control = asyncio.Event(), folder / "control.sock"
    running = asyncio.create_task(serve(gateways, control_path=control, stop=stop, **facts))
    try:
        await until(lambda: control.exists() or running.done())
        yield control
    finally:
        stop.set()
        await running


async def tell(control: Path, **facts: object) -> dict[str, object]:
    return await asyncio.to_thread(command, control, facts)


def one_gateway() -> SimGateway:
    devices = [
        SimDevice(unit_id=unit, profile=shipped_profile("simulated"), name=name, seed=unit)
        for unit, name in ((1, "incomer"), (2, "feeder"))
    ]
    return SimGateway(name="plant", port=free_port(), devices=devices)


@pytest.mark.asyncio
async def test_faults_are_commanded_over_the_control_socket(tmp_path: Path) -> None:
    async with serving([one_gateway()], tmp_path) as control:
        assert control.stat().st_mode & 0o777 == 0o600
        listed = await tell(control, cmd="list")
        assert listed["gateways"][0]["devices"] == ["incomer", "feeder"]
        assert "overload" in listed["faults"]

        before = await tell(control, cmd="values", target="feeder")
        started = await tell(
            control, cmd="start", fault="residual_step", target="feeder", level=500, duration_s=900
        )
        during = await tell(control, cmd="values", target="feeder")
        assert during["values"]["IR"] - before["values"]["IR"] > 450
        status = await tell(control, cmd="status")
        assert [fault["target"] for fault in status["faults"]] == ["feeder"]
        await tell(control, cmd="stop", number=started["fault"]["number"])
        assert (await tell(control, cmd="status"))["faults"] == []

        await tell(control, cmd="start", fault="breaker_trip", target="plant")
        for name in ("incomer", "feeder"):
            values = (await tell(control, cmd="values", target=name))["values"]
            assert (values["DI1"], values["P"]) == (0, 0)
        assert len((await tell(control, cmd="stop"))["stopped"]) == 1

    assert not control.exists()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"cmd": "dance"},
        {"cmd": "start"},
        {"cmd": "start", "fault": "overload", "target": "nobody"},
        {"cmd": "start", "fault": "quake", "target": "feeder"},
        {"cmd": "start", "fault": "dead_gateway", "target": "feeder"},
        {"cmd": "start", "fault": "overload", "target": "feeder", "level": "high"},
        {"cmd": "values"},
        {"cmd": "values", "target": "nobody"},
        {"cmd": "replay", "track": "none"},
    ],
)
async def test_a_wrong_command_is_answered_with_its_reason(
    tmp_path: Path, facts: dict[str, object]
) -> None:
    async with serving([one_gateway()], tmp_path) as control:
        with pytest.raises(ControlError) as refused:
            await tell(control, **facts)
        assert str(refused.value)
        assert (await tell(control, cmd="status"))["ok"]


@pytest.mark.asyncio
async def test_lines_that_are_no_json_are_answered_too(tmp_path: Path) -> None:
    async with serving([one_gateway()], tmp_path) as control:
        reader, writer = await asyncio.open_unix_connection(str(control))
        writer.write(b"hello\n[1]\n" + json.dumps({"cmd": "status"}).encode() + b"\n")
        answers = [json.loads(await reader.readline()) for _ in range(3)]
        writer.close()

    assert [answer["ok"] for answer in answers] == [False, False, True]


def test_nobody_at_the_socket_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no simulator answers"):
        command(tmp_path / "none.sock", {"cmd": "status"})


@pytest.mark.asyncio
async def test_a_socket_file_left_behind_is_no_obstacle_and_a_living_one_is(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    first = ControlServer(path, lambda facts: {})
    await first.open()
    second = ControlServer(path, lambda facts: {})
    with pytest.raises(OSError, match="in use"):
        await second.open()
    await first.close()


@pytest.mark.asyncio
async def test_a_script_begins_its_faults_by_time(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        "- {at: 0, fault: breaker_trip, target: incomer, duration: 3600}\n".replace(
            "duration:", "duration_s:"
        )
        + "- {at: 900, fault: overload, target: feeder, level: 1.2}\n"
    )
    async with serving([one_gateway()], tmp_path, script=script) as control:
        values = (await tell(control, cmd="values", target="incomer"))["values"]
        status = await tell(control, cmd="status")

    assert values["DI1"] == 0
    begins = [fault["begins_at"] for fault in status["faults"]]
    assert begins[1] - begins[0] == pytest.approx(900)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text",
    [
        "at: 3",
        "- {at: 3}",
        "- {at: x, fault: overload, target: feeder}",
        "- {at: 0, fault: overload, target: nobody}",
        "- {at: 0, fault: quake, target: feeder}",
        "- [",
    ],
)
async def test_a_wrong_script_stops_the_start(tmp_path: Path, text: str) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(text)

    with pytest.raises(FaultError):
        await serve([one_gateway()], control_path=None, stop=asyncio.Event(), script=script)


@pytest.mark.asyncio
async def test_counters_do_not_fall_back_when_the_simulator_restarts(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    gateway = one_gateway()
    async with serving([gateway], tmp_path, state_path=state) as control:
        before = (await tell(control, cmd="values", target="feeder"))["values"]["EPI"]
        await tell(control, cmd="start", fault="counter_reset", target="feeder", duration_s=0.2)
        reset = (await tell(control, cmd="values", target="feeder"))["values"]["EPI"]
    async with serving([gateway], tmp_path, state_path=state) as control:
        after = (await tell(control, cmd="values", target="feeder"))["values"]["EPI"]

    assert before > 1000
    assert reset == pytest.approx(0, abs=1)
    assert reset <= after < 5


@pytest.mark.asyncio
async def test_faults_under_way_go_on_when_the_simulator_restarts(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    gateway = one_gateway()
    async with serving([gateway], tmp_path, state_path=state) as control:
        facts = {"duration_s": 600, "level": 300}
        await tell(control, cmd="start", fault="residual_step", target="feeder", **facts)
        await tell(control, cmd="start", fault="door_open", target="feeder", duration_s=0.01)
    async with serving([gateway], tmp_path, state_path=state) as control:
        after = (await tell(control, cmd="values", target="feeder"))["values"]
        faults = (await tell(control, cmd="status"))["faults"]

    assert after["IR"] > 300
    assert [fault["fault"] for fault in faults] == ["residual_step"]


@pytest.mark.asyncio
async def test_a_spoilt_state_file_is_no_obstacle(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text("{spoilt")
    async with serving([one_gateway()], tmp_path, state_path=state) as control:
        assert (await tell(control, cmd="status"))["ok"]


@pytest.mark.asyncio
async def test_a_taken_port_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    gateway = one_gateway()
    control = tmp_path / "control.sock"
    with socket.socket() as other:
        other.bind(("127.0.0.1", gateway.port))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            await serve([gateway], control_path=control, stop=asyncio.Event())

    assert not control.exists()


def test_names_are_unique() -> None:
    profile = shipped_profile("simulated")
    twice = [SimDevice(unit_id=unit, profile=profile, name="same") for unit in (1, 2)]

    with pytest.raises(ValueError, match="same"):
        World([SimGateway(name="g", port=0, devices=twice)])
    with pytest.raises(ValueError, match="'g'"):
        World([SimGateway(name="g", port=0), SimGateway(name="g", port=0)])


def test_all_devices_can_be_meant_at_once() -> None:
    world = World([make_gateway("a"), make_gateway("b")])
    world.start_fault("breaker_trip", "all", {})
    world.step()

    assert [world.values(name)["DI1"] for name in ("a/1", "b/1")] == [0, 0]

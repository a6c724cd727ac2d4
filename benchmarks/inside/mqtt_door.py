"""What ThingsBoard's gateway talks to: the platform's MQTT door, without the platform behind it.

`python -m benchmarks.inside.mqtt_door PORT`, in a process of its own. A plain broker does not do: the
gateway publishes nothing before its question for the limits of the session is answered, and a broker
sends it its own messages back, which the platform does not. Counts what arrives; on SIGUSR1 prints
connections, messages and values. Source: MQTT 3.1.1 and 5.0 of OASIS; the topics of ThingsBoard's
gateway API.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvloop

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP = 8, 9, 10, 11, 12, 13
MQTT_5 = 5
TELEMETRY = "v1/gateway/telemetry"
QUESTIONS = {
    "v1/devices/me/rpc/request/": "v1/devices/me/rpc/response/",
    "v1/devices/me/attributes/request/": "v1/devices/me/attributes/response/",
}
# No limits of rate; the others as an installed ThingsBoard has them.
LIMITS = {
    "maxPayloadSize": 65536,
    "maxInflightMessages": 100,
    "rateLimits": {},
    "gatewayRateLimits": {},
}


@dataclass(slots=True)
class Heard:
    """What arrived so far."""

    connections: int = 0
    messages: int = 0
    values: int = 0


@contextmanager
def opened(port: int) -> Iterator[subprocess.Popen[str]]:
    """The door, open until the end of the block."""
    command = [sys.executable, "-m", __name__, str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "up\n":
                raise RuntimeError("ThingsBoard's door did not open")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def heard_by(process: subprocess.Popen[str]) -> Heard:
    """What arrived so far."""
    process.send_signal(signal.SIGUSR1)
    if process.stdout is None:
        raise RuntimeError("the door has no voice")
    return Heard(*(int(word) for word in process.stdout.readline().split()))


class Client(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self.is_five = False
        self.rest = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = transport  # type: ignore[assignment]
        self.heard.connections += 1

    def data_received(self, data: bytes) -> None:
        """Called by the loop: parts of packets, one, or several."""
        for head, body in self._packets(self.rest + data):
            self._take(head, body)

    def _packets(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Fixed header's first byte and what follows its length, of whole packets."""
        while data:
            size, begin = _length(data, 1)
            if begin == 0 or len(data) < begin + size:
                break
            yield data[0], data[begin : begin + size]
            data = data[begin + size :]
        self.rest = data

    def _take(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == CONNECT:
            # Two bytes of length and the name "MQTT" stand before the level.
            self.is_five = body[6] == MQTT_5
            self._send(CONNACK << 4, b"\0\0" + self._no_properties())
        elif kind == PUBLISH:
            self._published(head, body)
        elif kind == SUBSCRIBE:
            self._send(SUBACK << 4, body[:2] + self._no_properties() + self._granted(body))
        elif kind == UNSUBSCRIBE:
            self._send(UNSUBACK << 4, body[:2] + (self._no_properties() + b"\0") * self.is_five)
        elif kind == PINGREQ:
            self._send(PINGRESP << 4, b"")

    def _published(self, head: int, body: bytes) -> None:
        size = int.from_bytes(body[:2])
        topic, at = body[2 : 2 + size].decode(), 2 + size
        if head & 0b110:
            self._send(PUBACK << 4, body[at : at + 2])
            at += 2
        payload = body[self._after_properties(body, at) :]
        self.heard.messages += 1
        if topic == TELEMETRY:
            self.heard.values += _values(payload)
            return
        for question, answer in QUESTIONS.items():
            if topic.startswith(question):
                found = LIMITS if b"getSessionLimits" in payload else {}
                self._publish(answer + topic.removeprefix(question), json.dumps(found).encode())

    def _publish(self, topic: str, payload: bytes) -> None:
        name = topic.encode()
        self._send(PUBLISH << 4, len(name).to_bytes(2) + name + self._no_properties() + payload)

    def _granted(self, body: bytes) -> bytes:
        """A byte for each filter: quality of service 1."""
        at, count = self._after_properties(body, 2), 0
        while at < len(body):
            at += 2 + int.from_bytes(body[at : at + 2]) + 1
            count += 1
        return b"\1" * count

    def _after_properties(self, body: bytes, at: int) -> int:
        if not self.is_five:
            return at
        size, begin = _length(body, at)
        return begin + size

    def _no_properties(self) -> bytes:
        return b"\0" * self.is_five

    def _send(self, head: int, body: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        size, length = len(body), bytearray()
        while True:
            size, digit = divmod(size, 128)
            length.append(digit | (128 if size else 0))
            if not size:
                break
        self.transport.write(bytes([head]) + length + body)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends; (0, 0) when that has not come yet."""
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at
    return 0, 0


def _values(payload: bytes) -> int:
    """Of {device: [{"ts": …, "values": {…}}, …]}."""
    devices = json.loads(payload).values()
    return sum(len(entry.get("values", ())) for entries in devices for entry in entries)


async def _run(port: int) -> None:
    heard, stop = Heard(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        print(heard.connections, heard.messages, heard.values, flush=True)

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, tell)
    server = await loop.create_server(lambda: Client(heard), "127.0.0.1", port)
    print("up", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(_run(int(sys.argv[1])))

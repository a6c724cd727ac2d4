"""The only file that speaks MQTT: a line to a broker that loses no message at QoS 1.

The session stays with the broker (3.1.1, clean_session off): while nobody is connected it keeps
what comes. A message is acknowledged when its caller says that it is done; what was not goes out
again after a reconnect.
"""

import logging
import queue
import ssl
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

logger = logging.getLogger(__name__)

QOS = 1
KEEPALIVE_S = 30
# Between two attempts to connect, doubled each time.
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 60
# Messages that come close together are taken together: until it is quiet for so long, or enough.
# A broker sends no more than its window of unacknowledged messages, so waiting longer would not
# fill a batch, only slow it down.
QUIET_S = 0.03
GATHER_S = 0.5
MOST = 2000
# Beyond these, reading from the socket waits (QoS 1), or the message is given up (QoS 0).
WAITING = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How a broker is reached. ca_certificate: PEM of who signed its certificate, '' for the system's."""

    host: str
    port: int
    client_id: str
    username: str = ""
    password: str = field(default="", repr=False)
    uses_tls: bool = False
    ca_certificate: str = ""


class Message(NamedTuple):
    """One message. at: when it came, epoch seconds. session: the connection it came over."""

    topic: str
    payload: bytes
    at: float
    is_retained: bool
    mid: int
    qos: int
    session: int


class Line:
    """A connection that is kept up until it is closed. `take` and `done` are for one thread."""

    def __init__(
        self, address: Address, *, filters: Sequence[str], dropped_filters: Sequence[str] = ()
    ) -> None:
        """dropped_filters: subscriptions of before that the broker may still hold.

        Raises ssl.SSLError for a certificate that cannot be read.
        """
        self.is_up = False
        self.error = ""
        self.given_up = 0
        self._filters = list(filters)
        self._dropped = list(dropped_filters)
        self._address = address
        self._session = 0
        self._waiting: queue.Queue[Message] = queue.Queue(WAITING)
        self._closed = Event()
        self._client = self._make(address)

    def open(self) -> None:
        """Begin to connect, in a thread of its own."""
        self._client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        self._client.loop_start()

    def close(self) -> None:
        """Say goodbye; the broker keeps the session and what was not acknowledged."""
        self._closed.set()
        self._client.disconnect()
        self._client.loop_stop()
        self.is_up = False

    def take(self, wait_s: float) -> list[Message]:
        """Messages in the order in which they came, none when none came in time."""
        taken: list[Message] = []
        until = time.monotonic() + GATHER_S
        try:
            taken.append(self._waiting.get(timeout=wait_s))
            while len(taken) < MOST and time.monotonic() < until:
                taken.append(self._waiting.get(timeout=QUIET_S))
        except queue.Empty:
            pass
        return taken

    def done(self, messages: Sequence[Message]) -> None:
        """Acknowledge, in the order in which they came; not over a line that they did not come by."""
        for message in messages:
            if message.qos and message.session == self._session:
                self._client.ack(message.mid, message.qos)

    def _make(self, address: Address) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=address.client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        if address.username:
            client.username_pw_set(address.username, address.password or None)
        if address.uses_tls:
            context = ssl.create_default_context(cadata=address.ca_certificate or None)
            client.tls_set_context(context)
        client.on_connect = self._connected
        client.on_connect_fail = self._not_connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._came
        return client

    def _connected(
        self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _more: Any
    ) -> None:
        if reason.is_failure:
            self.error = str(reason)
            return
        self._session += 1
        self.is_up = True
        self.error = ""
        if self._dropped:
            client.unsubscribe(self._dropped)
        client.subscribe([(each, QOS) for each in self._filters])

    def _not_connected(self, _client: Client, _data: Any) -> None:
        # The library tells no reason, but it is still being handled.
        reason = sys.exc_info()[1]
        self.error = str(reason or "unreachable")[:200]

    def _disconnected(
        self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _more: Any
    ) -> None:
        self.is_up = False
        if not self._closed.is_set():
            self.error = self.error or str(reason)

    def _subscribed(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _more: Any
    ) -> None:
        refused = [
            each for each, reason in zip(self._filters, reasons, strict=False) if reason.is_failure
        ]
        if refused:
            self.error = f"not subscribed: {', '.join(refused)}"[:200]

    def _came(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        came = Message(
            _topic_of(message),
            bytes(message.payload),
            time.time(),
            message.retain,
            message.mid,
            message.qos,
            self._session,
        )
        while not self._closed.is_set():
            try:
                self._waiting.put(came, block=bool(came.qos), timeout=1.0)
            except queue.Full:
                if not came.qos:
                    self.given_up += 1
                    return
            else:
                return


def _topic_of(message: MQTTMessage) -> str:
    """The topic; one that is no UTF-8 fits no rule and is told as such."""
    try:
        return message.topic
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}"

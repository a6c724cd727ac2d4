"""The bridges to brokers: which process holds each, whether it is connected, what comes through."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models import MqttBroker


class BridgeState(TextChoices):
    """How a broker is read. The values are for machines and stay."""

    ALONE = "alone", _("无桥接进程")
    AWAY = "away", _("未连接")
    CONNECTED = "connected", _("已连接")
    OFF = "off", pgettext_lazy("feature", "已停用")


@dataclass(frozen=True, slots=True)
class BridgeLine:
    """One broker. refused: samples; unreadable: messages that made none, or not all of theirs."""

    broker: MqttBroker
    state: BridgeState
    messages: int
    stored: int
    refused: int
    unreadable: int

    @property
    def since(self) -> datetime | None:
        """Of the state; a process that was killed wrote nothing down."""
        if self.state == BridgeState.OFF:
            return None
        if self.state == BridgeState.ALONE:
            return self.broker.held_until or self.broker.link_changed_at
        return self.broker.link_changed_at

    @property
    def process(self) -> str:
        """Machine and process number of who reads it."""
        words = self.broker.holder.split(" ")
        is_read = self.state in (BridgeState.AWAY, BridgeState.CONNECTED)
        return f"{words[0]} · {words[2]}" if is_read and len(words) > 2 else ""

    @property
    def error(self) -> str:
        """Why it cannot connect, or what the broker refused."""
        is_read = self.state in (BridgeState.AWAY, BridgeState.CONNECTED)
        return self.broker.link_error if is_read else ""


def bridge_lines(*, now: datetime) -> list[BridgeLine]:
    """Every broker, those that are not read first; one query."""
    order = list(BridgeState)
    rows = MqttBroker.objects.select_related("source__site").order_by("source_id")
    lines = [_line(broker, now) for broker in rows]
    return sorted(lines, key=lambda line: order.index(line.state))


def _line(broker: MqttBroker, now: datetime) -> BridgeLine:
    counts = broker.counts
    return BridgeLine(
        broker=broker,
        state=_state(broker, now),
        messages=counts.get("messages", 0),
        stored=counts.get("stored", 0),
        refused=counts.get("refused", 0),
        unreadable=sum(fault["count"] for fault in broker.faults.values()),
    )


def _state(broker: MqttBroker, now: datetime) -> BridgeState:
    if not (broker.is_enabled and broker.source.is_enabled):
        return BridgeState.OFF
    if broker.held_until is None or broker.held_until < now:
        return BridgeState.ALONE
    return BridgeState.CONNECTED if broker.is_online else BridgeState.AWAY

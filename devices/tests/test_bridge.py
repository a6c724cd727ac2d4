"""The bridge with a real broker: what was published is stored, once, whoever is away or killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config import bridge as waiting
from config import env
from devices import live
from devices.models import DataSource, Device, MqttBroker
from devices.services import bridging, brokers, feeding, lease
from devices.tests.factories import make_broker, make_fed_device, make_mapping, make_source
from devices.tests.mosquitto import PASSWORD, PROGRAM, USER, Mosquitto, mosquitto
from devices.tests.test_feeding import latest, stored
from tests.conftest import Eventually, eventually

__all__ = ["eventually"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM, reason="script/test installs Mosquitto"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Mosquitto]:
    with mosquitto() as broker:
        yield broker


class Plant:
    """A source with a broker, and one device."""

    def __init__(self, server: Mosquitto) -> None:
        self.server = server
        self.source, _key = make_source()
        self.device = make_fed_device(source=self.source, code="m7")
        facts: dict[str, Any] = {"port": server.port, "username": USER, "password": PASSWORD}
        self.broker = make_broker(source=self.source, **facts)
        # Nobody else's messages of before.
        self.root = f"plant{self.broker.client_id}"
        make_mapping(broker=self.broker, topic=f"{self.root}/{{device}}/data")

    def topic(self, device: str = "m7") -> str:
        return f"{self.root}/{device}/data"

    def message(self, at: datetime, device: str = "m7", **values: Any) -> tuple[str, str]:
        return self.topic(device), json.dumps({"ts": at.timestamp() * 1000, **values})

    def now(self) -> MqttBroker:
        return MqttBroker.objects.get(pk=self.broker.pk)


@pytest.fixture
def plant(server: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    monkeypatch.setattr(bridging, "LOOK_S", 0.1)
    monkeypatch.setattr(bridging, "NOTE_S", 0.1)
    made = Plant(server)
    yield made
    live.forget(site_id=made.source.site_id, device_ids=[made.device.pk])


@contextmanager
def bridge() -> Iterator[None]:
    """The command's work in a thread."""
    stop = threading.Event()

    def run() -> None:
        try:
            bridging.serve(stop=stop)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def voltages(device: Device) -> list[float]:
    return [round(row["Ua"], 1) for row in stored(device) if "Ua" in row]


def test_what_is_published_is_stored_shown_and_told(plant: Plant, eventually: Eventually) -> None:
    now = timezone.now()
    with bridge():
        eventually(lambda: plant.now().is_online)
        plant.server.publish(
            plant.message(now, ua=231.5, ep=20417.25),
            plant.message(now - timedelta(seconds=60), ua=230.5),
            plant.message(now, ua=231.5, ep=20417.25),
            plant.message(now, device="m8", ua=1),
            (plant.topic(), "{"),
            (plant.topic(), json.dumps({"ts": now.timestamp() * 1000, "ua": "high"})),
        )
        eventually(lambda: plant.now().counts.get("messages") == 6)

    found = plant.now()
    assert voltages(plant.device) == [230.5, 231.5]
    # What is older than the newest is history and nothing else.
    assert latest(plant.device) == {"Ua": 231.5, "EPI": 20417.25}
    assert Device.objects.get(pk=plant.device.pk).is_online
    assert {code: fault["count"] for code, fault in found.faults.items()} == {
        "payload_unreadable": 1,
        "not_a_number": 1,
        "values_missing": 1,
    }
    assert found.faults["payload_unreadable"]["example"] == "{"
    assert found.strangers["m8"]["code"] == "device_unknown"
    assert (found.is_online, found.holder) == (False, "")


def test_a_retained_message_of_long_ago_is_history_and_no_sign_of_life(
    plant: Plant, eventually: Eventually
) -> None:
    old = timezone.now() - timedelta(hours=7)
    plant.server.publish(plant.message(old, ua=229.5), retain=True)

    with bridge():
        eventually(lambda: voltages(plant.device) == [229.5])

    plant.device.refresh_from_db()
    assert not plant.device.is_online
    assert latest(plant.device) == {}


def test_values_that_come_a_topic_each_are_one_sample(plant: Plant, eventually: Eventually) -> None:
    make_mapping(
        broker=plant.broker,
        topic=f"{plant.root}/each/{{device}}/{{point}}",
        form="topic",
        value_path="v",
        time_path="t",
        time_form="s",
        points="ua = Ua\nub = Ub\nuc = Uc",
    )
    at = int(timezone.now().timestamp())
    topic = f"{plant.root}/each/m7"
    with bridge():
        eventually(lambda: plant.now().is_online)
        client = plant.server.client()
        for name, volts in (("ua", 1), ("ub", 2)):
            client.publish(f"{topic}/{name}", json.dumps({"t": at, "v": volts}), qos=1)
        eventually(lambda: stored(plant.device) == [{"Ua": 1.0, "Ub": 2.0}])
        # One that comes behind the others is not lost.
        client.publish(f"{topic}/uc", json.dumps({"t": at, "v": 3}), qos=1).wait_for_publish(10)
        eventually(lambda: stored(plant.device) == [{"Ua": 1.0, "Ub": 2.0}, {"Uc": 3.0}])
        client.disconnect()
        client.loop_stop()


def test_the_broker_keeps_what_comes_while_nobody_is_here_and_over_its_own_restart(
    plant: Plant, eventually: Eventually
) -> None:
    now = timezone.now()
    with bridge():
        eventually(lambda: plant.now().is_online)
    plant.server.publish(*(plant.message(now - timedelta(seconds=n), ua=n) for n in range(50)))

    with bridge():
        eventually(lambda: len(voltages(plant.device)) == 50)
        plant.server.stop()
        eventually(lambda: not plant.now().is_online)
        plant.server.start()
        eventually(lambda: plant.now().is_online)
        plant.server.publish(plant.message(now, ua=500), plant.message(now, "m8", ua=1))
        eventually(lambda: plant.now().strangers)

    assert sorted(voltages(plant.device)) == [float(n) for n in range(50)]


def test_a_password_that_cannot_be_opened_and_one_that_is_wrong_are_told(
    plant: Plant, eventually: Eventually
) -> None:
    brokers.save_broker(broker=plant.broker, password="other")  # noqa: S106 - a wrong one
    with bridge():
        eventually(lambda: "authori" in plant.now().link_error.lower())
        plant.broker.sealed_password = "x"  # noqa: S105 - what another key left
        plant.broker.save()
        eventually(lambda: plant.now().link_error == "password")
        brokers.save_broker(broker=plant.broker, password=PASSWORD)
        eventually(lambda: plant.now().is_online)

    assert PASSWORD not in plant.broker.sealed_password


def test_one_bridge_at_a_time_has_a_broker(plant: Plant) -> None:
    now = timezone.now()
    pk = plant.broker.pk

    assert brokers.hold(pk=pk, owner="a", now=now)
    assert not brokers.hold(pk=pk, owner="b", now=now)
    assert brokers.hold(pk=pk, owner="a", now=now)
    assert brokers.hold(pk=pk, owner="b", now=now + timedelta(seconds=brokers.LEASE_S + 1))
    assert not brokers.note(pk=pk, owner="a", facts={"is_online": True})
    # Of a process that was killed on this machine it is known at once.
    gone = lease.identity().rpartition(" ")[0] + " 1"
    MqttBroker.objects.filter(pk=pk).update(holder=gone, held_until=now + timedelta(hours=1))
    assert brokers.hold(pk=pk, owner="b", now=now)


def tables() -> str:
    """The address of this test's tables for other processes."""
    name = str(connection.settings_dict["NAME"])
    return os.environ["DATABASE_URL"].replace("/dianwu?", f"/{name}?")


def start_bridge() -> subprocess.Popen[bytes]:
    """The process of the table: it waits, small, and becomes the command."""
    return subprocess.Popen(
        [sys.executable, "-m", "config.bridge"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": tables(), "DJANGO_SETTINGS_MODULE": "config.settings"},
    )


def test_nothing_is_started_without_a_broker(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "DATABASE_URL", tables())
    assert waiting.is_any()

    MqttBroker.objects.update(is_enabled=False)

    assert not waiting.is_any()
    monkeypatch.setattr(env, "DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert not waiting.is_any()


def test_a_bridge_that_is_killed_between_receiving_and_storing_loses_nothing(
    plant: Plant, eventually: Eventually
) -> None:
    now = timezone.now()
    first = start_bridge()
    try:
        eventually(lambda: plant.now().is_online, within_s=60)
        # Somebody else sends for the same source: the bridge has the messages and has to wait.
        with feeding._alone(DataSource.objects.get(pk=plant.source.pk)):  # noqa: SLF001 - the lock
            plant.server.publish(
                *(plant.message(now - timedelta(seconds=n), ua=n) for n in range(40))
            )
            seen = plant.now().last_seen_at
            eventually(lambda: plant.now().last_seen_at != seen)
            first.send_signal(signal.SIGKILL)
            first.wait(10)
        assert voltages(plant.device) == []
    finally:
        first.kill()
        first.wait(10)

    with bridge():
        eventually(lambda: len(voltages(plant.device)) >= 40)

    assert sorted(voltages(plant.device)) == [float(n) for n in range(40)]


def test_times_of_a_sample_are_those_of_the_message(plant: Plant, eventually: Eventually) -> None:
    at = timezone.now().replace(microsecond=250_000) - timedelta(minutes=5)
    with bridge():
        eventually(lambda: plant.now().is_online)
        plant.server.publish(plant.message(at, ua=231.5))
        eventually(lambda: voltages(plant.device))
    with connection.cursor() as cursor:
        cursor.execute("SELECT at FROM reading WHERE device_id = %s", [plant.device.pk])
        assert cursor.fetchall() == [(at,)]

"""What the operator of the platform sees of collecting: a dead worker, slow lines, full disks."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from devices import live
from devices.drivers.pace import Digest
from devices.models import Device, PollHour, PollShard, SampleLoss
from devices.selectors import spool, told
from devices.selectors.storage import Level, storage
from devices.services import brokers
from devices.tests.factories import make_broker, make_bus, make_device, make_gateway, make_source
from reports import senders
from reports.selectors import collection
from reports.selectors.collection.metrics import rendered
from reports.services import heartbeat
from reports.tasks import note_tick
from sites.tests.clients import api_client
from sites.tests.factories import People, people
from tests.queries import check, queries_of

pytestmark = pytest.mark.django_db

SHARD = 3
NOW = datetime(2026, 11, 26, 4, 0, 5, tzinfo=UTC)
S = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clean() -> None:
    """What other tests have told."""
    keys = ("collection:beat", "collection:report", "collection:heartbeat", spool.KEY)
    live.store_state.client.delete(*keys, f"poll:told:{SHARD}")


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    gateway = make_gateway(site=cast.site, shard=SHARD)
    return make_device(bus=make_bus(gateway=gateway))


def tell(device: Device, *, at: datetime, silent: int = 1, slow: int = 1) -> None:
    """As a worker does: the bus is slow and cannot be reached, the device keeps silent."""
    lines = Digest(
        buses=2,
        connected=1,
        slowest=[(device.bus_id, 312.5, 900.0)] * slow,
        away=[(device.bus_id, 2, 4.0)],
        silent=[(device.pk, 7, 14.0)] * silent,
        away_count=1,
        silent_count=silent,
    )
    facts = told.Told(
        at=at.timestamp(),
        owner="host ns 17 1",
        window_s=10.0,
        cycles=10,
        late=1,
        slowest_ms=1200.0,
        reads=50,
        stored=40,
        gateways=1,
        devices=1,
        errors={"timeout": 10},
        lines=lines,
    )
    told.tell(SHARD, facts)


def cycled(at: datetime) -> PollShard:
    return PollShard.objects.create(
        number=SHARD, cycle_at=at, cycle_ms=250.0, owner="host ns 17 1", fence=9
    )


def codes(now: datetime) -> dict[str, collection.Trouble]:
    return {trouble.code: trouble for trouble in collection.look(now=now).troubles}


def test_a_worker_that_was_killed_becomes_visible(device: Device) -> None:
    collection.note_beat(now=NOW)
    cycled(NOW)

    assert "shard_late" not in codes(NOW + 29 * S)
    late = codes(NOW + 31 * S)["shard_late"]
    assert (late.subject, late.seconds, late.is_mild) == ("poll.3", 31.0, False)

    # Nobody waits for a shard without gateways.
    device.bus.gateway.is_enabled = False
    device.bus.gateway.save()
    assert "shard_late" not in codes(NOW + 31 * S)


def test_a_shard_that_nobody_ever_polled_is_late(device: Device) -> None:
    assert codes(NOW)["shard_late"].seconds is None


def test_losses_a_full_disk_a_silent_clock_and_waiting_samples_are_told(device: Device) -> None:
    cycled(NOW)
    SampleLoss.objects.create(
        shard=SHARD, thinned=2, dropped=5, first_at=NOW, last_at=NOW, noted_at=NOW
    )
    oldest = (NOW - timedelta(minutes=6)).timestamp()
    spool.tell(SHARD, spool.SpoolFacts(rows=70, bytes=1000, oldest_at=oldest), now=NOW)
    collection.note_beat(now=NOW - 100 * S)

    found = codes(NOW)

    assert found["samples_lost"].amount == 7
    assert found["spool_waiting"].is_mild
    assert found["beat_silent"].seconds == 100
    assert "samples_lost" not in codes(NOW + timedelta(hours=2))
    full = spool.SpoolFacts(rows=70, bytes=2**40, oldest_at=oldest)
    spool.tell(SHARD, full, now=NOW)
    assert not codes(NOW)["spool_full"].is_mild


@pytest.mark.parametrize(
    ("level", "code"), [(Level.URGENT, "disk_urgent"), (Level.WARNING, "disk_low")]
)
def test_a_forecast_below_the_threshold_is_told(level: Level, code: str) -> None:
    disk = replace(storage(now=NOW), level=level, days_left=10)

    found = collection.troubles_of([], [], collection.parts(now=NOW), disk, now=NOW)

    assert {trouble.code: trouble.seconds for trouble in found}[code] == 864_000


def test_the_page_shows_slow_and_silent_lines_and_takes_the_same_queries_for_more(
    client: Client, cast: People, device: Device
) -> None:
    now = timezone.now()
    cycled(now)
    PollHour.objects.create(
        shard=SHARD,
        hour=now.replace(minute=0, second=0, microsecond=0),
        cycles=100,
        late_cycles=4,
        slowest_ms=1200,
        reads=500,
        failed_reads=10,
        stored=490,
    )
    tell(device, at=now)
    client.force_login(cast.adm)

    page = client.get("/collection/").content.decode()
    assert device.label in page
    assert "312.5" in page
    assert "host · 17" in page
    few = queries_of(lambda: client.get("/collection/"))
    tell(device, at=now, silent=60, slow=20)
    assert queries_of(lambda: client.get("/collection/")) == few
    check("collection", few)

    only_device = client.get("/collection/", {"kind": "device", "page": 3}).context["page"]
    assert (only_device.paginator.count, only_device.number) == (60, 3)
    assert len(client.get("/collection/", {"q": device.name}).context["away"]) > 0
    assert client.get("/collection/", {"q": "nothing-of-this-name"}).context["away"] == []
    assert client.get("/collection/", {"shard": "poll.8"}).context["away"] == []


def test_rest_tells_the_same(cast: People, device: Device) -> None:
    now = timezone.now()
    cycled(now)
    tell(device, at=now)

    found = api_client(cast.adm).get("/api/v1/collection/").json()

    [shard] = [row for row in found["shards"] if row["name"] == "poll.3"]
    assert (shard["fence"], shard["rows_per_s"], shard["is_late"]) == (9, 4.0, False)
    assert [(row["kind"], row["id"]) for row in found["away"]] == [
        ("gateway", device.bus_id),
        ("device", device.pk),
    ]
    assert found["slowest"][0]["mean_ms"] == 312.5
    assert len(found["days"]) == 30


def test_metrics_are_what_prometheus_reads_and_name_no_site(
    client: Client, cast: People, device: Device
) -> None:
    now = timezone.now()
    cycled(now - 300 * S)
    tell(device, at=now)
    text = client.get("/metrics").content.decode()

    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    assert found["dianwu_shard_cycle_age_seconds", "poll.3"] >= 300
    assert found["dianwu_shard_late", "poll.3"] == 1
    assert found["dianwu_trouble", "shard_late"] == 1
    assert found["dianwu_trouble", "samples_lost"] == 0
    assert found["dianwu_shard_rows_per_second", "poll.3"] == 4
    assert found["dianwu_shard_failures_per_second", "timeout", "poll.3"] == 1
    assert found["dianwu_devices", "unknown"] == 1
    assert found["dianwu_open_alarms", "critical"] == 0
    assert "dianwu_queue_messages" in text
    for secret in (cast.site.name, device.name, device.bus.gateway.name):
        assert secret not in text


def test_metrics_are_for_who_knows_the_token_or_for_this_machine(
    client: Client, settings: Any
) -> None:
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 404
    settings.METRICS_TOKEN = "a-token"  # noqa: S105 - of this test
    assert client.get("/metrics").status_code == 401
    wrong = client.get("/metrics", HTTP_AUTHORIZATION="Bearer another")
    right = client.get("/metrics", HTTP_AUTHORIZATION="Bearer a-token", REMOTE_ADDR="203.0.113.9")
    assert (wrong.status_code, right.status_code) == (401, 200)


def test_the_bell_tells_the_operator_and_nobody_else(cast: People, device: Device) -> None:
    now = timezone.now()
    bells = {name: Client() for name in ("adm", "ana")}
    for name, bell in bells.items():
        bell.force_login(getattr(cast, name))
    cycled(now - 300 * S)
    heartbeat.look(now=now)

    seen = {name: bell.get("/notices/").context["notices"] for name, bell in bells.items()}

    assert "shard_late" in {trouble.code for trouble in seen["adm"].troubles}
    assert seen["ana"].troubles == []
    # Nobody has looked for a while: that is news of its own.
    assert [t.code for t in collection.last_report(now=now + 200 * S).troubles] == ["watch_silent"]


class Watcher(BaseHTTPRequestHandler):
    """Somebody outside who notices."""

    heard: list[tuple[str, str]] = []  # noqa: RUF012 - a new one for each server
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.heard.append((self.path, body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def watcher(settings: Any) -> Iterator[type[Watcher]]:
    handler = type("Handler", (Watcher,), {"heard": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/ping/abc?x=1"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_heart_beats_while_all_is_well_and_says_what_is_not(
    watcher: type[Watcher], device: Device
) -> None:
    cycled(NOW)
    collection.note_beat(now=NOW)

    assert heartbeat.beat(now=NOW + 5 * S)
    heartbeat.beat(now=NOW + 40 * S)

    assert watcher.heard == [
        ("/ping/abc?x=1", ""),
        ("/ping/abc/fail?x=1", "shard_late poll.3 40s"),
    ]
    watcher.status = 500
    heartbeat.beat(now=NOW)
    pulse = collection.last_pulse()
    assert pulse is not None
    assert (pulse.is_well, pulse.error) == (True, "status 500")


def test_nobody_who_listens_and_a_wrong_address_are_told(settings: Any) -> None:
    settings.HEARTBEAT_URL = "http://127.0.0.1:9/"
    pulse = heartbeat.beat(now=NOW)
    assert pulse is not None
    assert "refused" in pulse.error
    with pytest.raises(senders.Unsent):
        senders.ping("ftp://127.0.0.1/")
    settings.HEARTBEAT_URL = ""
    assert heartbeat.beat(now=NOW) is None


def test_what_waits_in_a_queue_has_an_age(settings: Any) -> None:
    with redis.Redis.from_url(settings.BROKER_REDIS_URL) as broker:
        broker.delete("notify")
        for sent_at in (NOW - 300 * S, NOW):
            message = {"headers": {"sent_at": sent_at.timestamp()}}
            broker.lpush("notify", json.dumps(message))
        found = {queue.name: queue for queue in collection.queues(now=NOW)}
        late = codes(NOW)["queue_late"]
        broker.delete("notify")

    assert (found["notify"].length, found["notify"].oldest_s) == (2, 300)
    assert (late.subject, late.amount) == ("notify", 2)


def test_only_the_clock_sends_the_look() -> None:
    note_tick(sender="reports.tasks.look_at_collection")

    beat_s = collection.last_beat(now=timezone.now())

    assert beat_s is not None
    assert beat_s < 5


def test_live_and_ready(client: Client, settings: Any) -> None:
    assert client.get("/health/live/").json() == {"status": "ok"}
    ready = client.get("/health/ready/")
    assert (ready.status_code, ready.json()["reasons"]) == (200, [])
    assert ready.json()["collection"] == []
    settings.REDIS_URL = "redis://127.0.0.1:9"
    away = client.get("/health/ready/")
    assert (away.status_code, away.json()["reasons"]) == (503, ["redis_down"])


def bridged(cast: People, *, name: str, **facts: Any) -> Any:
    broker = make_broker(source=make_source(site=cast.site, name=name)[0], host="mqtt.example")
    brokers.hold(pk=broker.pk, owner="host ns 21 1", now=NOW)
    brokers.note(pk=broker.pk, owner="host ns 21 1", facts=facts | {"link_changed_at": NOW})
    return broker


def test_bridges_tell_whether_they_are_connected_and_what_they_refused(
    cast: People, client: Client
) -> None:
    fault = {"count": 3, "about": "", "topic": "t", "example": "x", "at": NOW.isoformat()}
    counts = {"messages": 40, "stored": 30, "refused": 7}
    facts = {"counts": counts, "faults": {"not_json": fault}, "last_seen_at": NOW}
    bridged(cast, name="甲厂", is_online=True, **facts)
    away = bridged(cast, name="乙厂", is_online=False, link_error="refused")
    off = bridged(cast, name="丙厂", is_online=True)
    off.is_enabled = False
    off.save(update_fields=["is_enabled"])
    make_broker(source=make_source(site=cast.site, name="丁厂")[0])

    lines = collection.bridge_lines(now=NOW + 5 * S)

    assert [line.broker.source.name for line in lines] == ["丁厂", "乙厂", "甲厂", "丙厂"]
    assert [line.state.value for line in lines] == ["alone", "away", "connected", "off"]
    assert [line.process for line in lines] == ["", "host · 21", "host · 21", ""]
    assert (lines[1].error, lines[1].since) == ("refused", NOW)
    assert (lines[2].messages, lines[2].unreadable, lines[2].refused) == (40, 3, 7)
    # A process that was killed says nothing more: its word lapses.
    lapsed = NOW + timedelta(seconds=brokers.LEASE_S + 1)
    states = {line.broker.pk: line for line in collection.bridge_lines(now=lapsed)}
    assert states[away.pk].state == "alone"
    assert states[away.pk].since == NOW + timedelta(seconds=brokers.LEASE_S)

    client.force_login(cast.adm)
    page = client.get("/collection/").content.decode()
    assert all(name in page for name in ("MQTT 桥接", "甲厂", "丁厂", "mqtt://mqtt.example:1883"))
    told = api_client(cast.adm).get("/api/v1/collection/").json()["bridges"]
    assert {row["name"]: row["messages_unreadable"] for row in told}["甲厂"] == 3
    assert all(row["state"] in ("alone", "off") for row in told)


def test_a_broker_that_nobody_reads_is_told(cast: People) -> None:
    broker = bridged(cast, name="甲厂", is_online=True)
    lapsed = NOW + timedelta(seconds=brokers.LEASE_S)

    assert "bridge_missing" not in codes(lapsed + 60 * S)
    late = codes(lapsed + 150 * S)["bridge_missing"]
    broker.is_enabled = False
    broker.save(update_fields=["is_enabled"])

    assert (late.subject, late.seconds) == (f"source.{broker.pk}", 150)
    assert "bridge_missing" not in codes(lapsed + 150 * S)


def test_bridges_are_in_the_metrics_without_names(cast: People) -> None:
    counts = {"messages": 40, "stored": 30, "refused": 7}
    bridged(cast, name="甲厂", is_online=True, counts=counts)
    bridged(cast, name="乙厂", is_online=False)

    text = rendered(now=NOW + 5 * S).decode()

    assert 'dianwu_mqtt_brokers{state="connected"} 1.0' in text
    assert 'dianwu_mqtt_brokers{state="away"} 1.0' in text
    assert "dianwu_mqtt_messages_total 40.0" in text
    assert "dianwu_mqtt_refused_samples_total 7.0" in text
    assert "厂" not in text

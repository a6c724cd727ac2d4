"""The same facts for Prometheus: read from the tables and Redis at each scrape, nothing kept in memory.

Labels name shards, queues, kinds: never sites, devices or people.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from alarms.models import Alarm
from alarms.states import Severity
from devices.ingest import AWAY
from devices.models import Device, Gateway, PollHour, SampleLoss
from devices.selectors.storage import Storage, storage
from devices.selectors.told import Told
from reports.selectors.collection.bridges import BridgeLine, BridgeState, bridge_lines
from reports.selectors.collection.parts import Parts, parts
from reports.selectors.collection.pulse import last_pulse
from reports.selectors.collection.shards import ShardLine, shard_lines, shard_name
from reports.selectors.collection.troubles import Code, troubles_of


def rendered(*, now: datetime) -> bytes:
    """All metrics in the text format; with the database away only that it is."""
    registry = CollectorRegistry()
    registry.register(_Facts(now))
    ProcessCollector(namespace="dianwu_web", registry=registry)
    return generate_latest(registry)


class _Facts:
    """One look, as a collector."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not look already."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Look once."""
        try:
            found = list(_all(self._now))
        except AWAY:
            found = [_troubles({Code.DATABASE})]
        yield from found


def _all(now: datetime) -> Iterator[Metric]:
    shards, found, disk = shard_lines(now=now), parts(now=now), storage(now=now)
    bridges = bridge_lines(now=now)
    yield from _shards(shards, now)
    yield from _totals()
    yield from _equipment()
    yield from _bridges(bridges)
    yield from _parts(found)
    yield from _disk(disk)
    troubles = troubles_of(shards, bridges, found, disk, now=now)
    yield _troubles({trouble.code for trouble in troubles})
    pulse = last_pulse()
    if pulse is not None:
        yield _plain("dianwu_heartbeat_age_seconds", "Last ping sent.", now.timestamp() - pulse.at)
        yield _plain("dianwu_heartbeat_sent", "1 when somebody took it.", not pulse.error)


def _troubles(codes: Collection[str]) -> Metric:
    figures = ((code.value, float(code in codes)) for code in Code)
    return _labelled("dianwu_trouble", "1 for each thing that is not well.", "code", figures)


def _shards(shards: list[ShardLine], now: datetime) -> Iterator[Metric]:
    """Per shard; a figure that nobody knows is left out."""
    facts: dict[str, tuple[str, Callable[[ShardLine], float | None]]] = {
        "cycle_age_seconds": ("Since the latest cycle.", lambda shard: shard.age_s),
        "cycle_seconds": ("How long the latest cycle took.", _took_s),
        "late": ("1 when gateways wait and nobody polls.", lambda shard: shard.is_late),
        "spool_rows": ("Samples that wait on the disk.", lambda s: s.spool.rows if s.spool else 0),
        "spool_bytes": ("Their bytes.", lambda s: s.spool.bytes if s.spool else 0),
        "spool_age_seconds": ("The oldest of them.", lambda s: s.spool_age_s(now) or 0),
    }
    for name, (words, figure) in facts.items():
        values = ((shard.name, figure(shard)) for shard in shards)
        yield _labelled(f"dianwu_shard_{name}", words, "shard", values)
    yield from _told(shards)


def _told(shards: list[ShardLine]) -> Iterator[Metric]:
    """What workers said within the last minute."""
    says = {shard.name: shard.told for shard in shards if shard.told}
    facts: dict[str, tuple[str, Callable[[Told], float]]] = {
        "reads_per_second": ("Devices asked.", lambda told: told.reads_per_s),
        "rows_per_second": ("Rows stored.", lambda told: told.stored_per_s),
        "gateways": ("Gateways in the plan.", lambda told: told.gateways),
        "lines": ("Lines to gateways.", lambda told: told.lines.buses),
        "lines_up": ("Lines that stand.", lambda told: told.lines.connected),
        "lines_away": ("Lines that cannot be reached.", lambda told: told.lines.away_count),
        "silent_devices": ("Devices in back-off.", lambda told: told.lines.silent_count),
        "queued_reads": ("Reads that wait.", lambda told: told.lines.queued),
    }
    for name, (words, figure) in facts.items():
        values = ((shard, figure(told)) for shard, told in says.items())
        yield _labelled(f"dianwu_shard_{name}", words, "shard", values)
    errors = GaugeMetricFamily(
        "dianwu_shard_failures_per_second",
        "Reads without data, by kind.",
        labels=["shard", "error"],
    )
    for shard, told in says.items():
        for kind, count in told.errors.items():
            errors.add_metric([shard, kind], count / told.window_s)
    yield errors


def _totals() -> Iterator[Metric]:
    """What only grows."""
    sums = PollHour.objects.order_by().values("shard")
    rows: list[Any] = list(
        sums.annotate(
            all_reads=Sum("reads"),
            bad_reads=Sum("failed_reads"),
            all_rows=Sum("stored"),
            all_cycles=Sum("cycles"),
            all_late=Sum("late_cycles"),
        )
    )
    for name, words, key in (
        ("dianwu_reads", "Devices asked.", "all_reads"),
        ("dianwu_failed_reads", "Of these without data.", "bad_reads"),
        ("dianwu_rows_stored", "Samples stored by polling.", "all_rows"),
        ("dianwu_cycles", "Cycles.", "all_cycles"),
        ("dianwu_late_cycles", "Cycles that took longer than a tick.", "all_late"),
    ):
        family = CounterMetricFamily(name, words, labels=["shard"])
        for row in rows:
            family.add_metric([shard_name(row["shard"])], row[key])
        yield family
    lost = CounterMetricFamily("dianwu_rows_lost", "Samples given up.", labels=["kind"])
    given_up = SampleLoss.objects.aggregate(thin=Sum("thinned"), gone=Sum("dropped"))
    lost.add_metric(["thinned"], given_up["thin"] or 0)
    lost.add_metric(["dropped"], given_up["gone"] or 0)
    yield lost


def _equipment() -> Iterator[Metric]:
    """Gateways and devices that answer or not, and open alarms."""
    for name, words, rows in (
        ("dianwu_devices", "Devices in service.", Device.objects.in_service()),
        ("dianwu_gateways", "Gateways in use.", Gateway.objects.filter(is_enabled=True)),
    ):
        states = rows.order_by().aggregate(
            online=Count("pk", filter=Q(is_online=True)),
            offline=Count("pk", filter=Q(is_online=False)),
            unknown=Count("pk", filter=Q(is_online=None)),
        )
        yield _labelled(name, words, "state", states.items())
    rows_of = Alarm.objects.open().order_by().values_list("severity").annotate(n=Count("pk"))
    counts = dict(rows_of)
    open_now = ((severity.value, counts.get(severity.value, 0)) for severity in Severity)
    yield _labelled("dianwu_open_alarms", "Open alarms.", "severity", open_now)


def _bridges(lines: list[BridgeLine]) -> Iterator[Metric]:
    """Brokers by state, and what came from all of them."""
    states = [line.state for line in lines]
    by_state = ((state.value, states.count(state)) for state in BridgeState)
    yield _labelled("dianwu_mqtt_brokers", "Brokers of data sources.", "state", by_state)
    for name, words, count in (
        ("messages", "Messages read.", sum(line.messages for line in lines)),
        ("unreadable_messages", "Of these with a fault.", sum(line.unreadable for line in lines)),
        ("rows_stored", "Samples stored of them.", sum(line.stored for line in lines)),
        ("refused_samples", "Samples refused.", sum(line.refused for line in lines)),
    ):
        yield CounterMetricFamily(f"dianwu_mqtt_{name}", words, value=count)


def _parts(found: Parts) -> Iterator[Metric]:
    lengths = ((queue.name, queue.length) for queue in found.queues)
    ages = ((queue.name, queue.oldest_s or 0) for queue in found.queues)
    yield _labelled("dianwu_queue_messages", "Tasks that wait.", "queue", lengths)
    yield _labelled("dianwu_queue_age_seconds", "The oldest of them.", "queue", ages)
    yield _plain("dianwu_redis_up", "1 when Redis answers.", found.is_redis_up)
    yield _plain("dianwu_redis_bytes", "Its memory.", found.redis_bytes)
    yield _plain("dianwu_postgres_connections", "Lines in use.", found.postgres_lines)
    yield _plain("dianwu_postgres_connections_limit", "At most.", found.postgres_most_lines)
    if found.beat_s is not None:
        yield _plain("dianwu_beat_age_seconds", "Since the clock's last tick.", found.beat_s)


def _disk(disk: Storage) -> Iterator[Metric]:
    sizes = ((kind.kind.value, kind.size_bytes) for kind in disk.kinds)
    growth = ((kind.kind.value, kind.bytes_per_day) for kind in disk.kinds)
    yield _labelled("dianwu_history_bytes", "Taken by the history.", "kind", sizes)
    yield _labelled("dianwu_history_bytes_per_day", "Added by a day.", "kind", growth)
    yield _plain("dianwu_database_bytes", "The whole database.", disk.database_bytes)
    if disk.free_bytes is not None:
        yield _plain("dianwu_disk_free_bytes", "Room left.", disk.free_bytes)
    if disk.days_left is not None:
        yield _plain("dianwu_disk_days_left", "Until it is full.", disk.days_left)


def _took_s(shard: ShardLine) -> float | None:
    took_ms = shard.row.cycle_ms if shard.row else None
    return None if took_ms is None else took_ms / 1000


def _plain(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=float(value))


def _labelled(
    name: str, words: str, label: str, values: Iterable[tuple[str, float | None]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values:
        if value is not None:
            family.add_metric([key], float(value))
    return family

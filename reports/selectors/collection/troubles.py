"""What is not well with collecting, in words for machines and for people."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import redis
from django.db.models import Sum, TextChoices
from django.utils.translation import gettext_lazy as _

from devices import live
from devices.ingest import AWAY
from devices.models import SampleLoss
from devices.selectors.storage import Level, Storage, storage
from reports.selectors.collection.bridges import BridgeLine, BridgeState, bridge_lines
from reports.selectors.collection.parts import Parts, Queue, parts
from reports.selectors.collection.shards import ShardLine, shard_lines, shard_name

REPORT_KEY = "collection:report"
# A report is made twice a minute; an older one tells of nobody but its maker.
STALE_S = 120.0
BEAT_LATE_S = 90.0
# A message that waits longer than this is not only in line.
QUEUE_LATE_S = 120.0
# Behind a job of somebody, which may take so long.
JOBS_LATE_S = 1800.0
SPOOL_LATE_S = 300.0
BRIDGE_LATE_S = 120.0
SPOOL_FULL_PERCENT = 80.0
LOSSES_FOR = timedelta(hours=1)


class Code(TextChoices):
    """What can be wrong. The values are for machines and stay."""

    DATABASE = "database_down", _("数据库无应答")
    REDIS = "redis_down", _("Redis 无应答")
    SHARD = "shard_late", _("采集分片长时间未完成轮询")
    LOST = "samples_lost", _("采样数据被舍弃")
    SPOOL_FULL = "spool_full", _("磁盘暂存区将满")
    SPOOL = "spool_waiting", _("采样在磁盘暂存区等待入库")
    DISK_URGENT = "disk_urgent", _("数据库磁盘空间告急")
    DISK = "disk_low", _("数据库磁盘空间偏少")
    BEAT = "beat_silent", _("定时调度无动作")
    QUEUE = "queue_late", _("任务队列积压")
    BRIDGE = "bridge_missing", _("MQTT 代理长时间无桥接进程")
    WATCH = "watch_silent", _("采集状态长时间无人检查")


# What the platform's own alarms tell as well, once they have a site.
ALARMED = frozenset(
    {Code.SHARD, Code.LOST, Code.SPOOL, Code.SPOOL_FULL, Code.DISK, Code.DISK_URGENT}
)
# Worth knowing, but nobody need get up at night.
MILD = frozenset({Code.SPOOL, Code.DISK})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, with whom, since when or for how long, and how much."""

    code: str
    subject: str = ""
    seconds: float | None = None
    amount: int | None = None

    @property
    def label(self) -> str:
        return str(Code(self.code).label)

    @property
    def is_mild(self) -> bool:
        """Whether it may wait until morning."""
        return self.code in MILD

    @property
    def is_alarmed(self) -> bool:
        """Whether there is an alarm for it."""
        return self.code in ALARMED

    @property
    def words(self) -> str:
        """For machines: code, subject, figures."""
        seconds = "" if self.seconds is None else f"{self.seconds:.0f}s"
        amount = "" if self.amount is None else str(self.amount)
        return " ".join(filter(None, (self.code, self.subject, seconds, amount)))


@dataclass(frozen=True, slots=True)
class Report:
    """What was wrong at a moment. at: epoch seconds."""

    at: float
    troubles: tuple[Trouble, ...] = ()

    @property
    def is_well(self) -> bool:
        """Nothing that somebody would have to get up for."""
        return all(trouble.is_mild for trouble in self.troubles)

    @property
    def words(self) -> str:
        """For machines, the worst first."""
        return "; ".join(trouble.words for trouble in self.troubles)


def look(*, now: datetime) -> Report:
    """Look at everything; a database that is away is a finding, not an error."""
    try:
        found = troubles_of(
            shard_lines(now=now),
            bridge_lines(now=now),
            parts(now=now),
            storage(now=now),
            now=now,
        )
    except AWAY:
        found = [Trouble(Code.DATABASE)]
    return Report(now.timestamp(), tuple(found))


def troubles_of(
    shards: Sequence[ShardLine],
    bridges: Iterable[BridgeLine],
    found: Parts,
    disk: Storage,
    *,
    now: datetime,
) -> list[Trouble]:
    """What is wrong by these facts, what cannot wait first."""
    troubles = [
        *([] if found.is_redis_up else [Trouble(Code.REDIS)]),
        *_of_shards(shards, now),
        *_of_bridges(bridges, now),
        *_of_losses(now),
        *_of_disk(disk),
        *(_of_clock(found.beat_s) if found.is_redis_up else ()),
        *_of_queues(found.queues),
    ]
    return sorted(troubles, key=lambda trouble: trouble.is_mild)


def _of_shards(shards: Iterable[ShardLine], now: datetime) -> Iterator[Trouble]:
    for shard in shards:
        if shard.is_late:
            yield Trouble(Code.SHARD, shard.name, shard.age_s)
        age_s = shard.spool_age_s(now)
        if shard.spool_percent >= SPOOL_FULL_PERCENT:
            yield Trouble(Code.SPOOL_FULL, shard.name, age_s)
        elif age_s is not None and age_s > SPOOL_LATE_S:
            yield Trouble(Code.SPOOL, shard.name, age_s)


def _of_bridges(bridges: Iterable[BridgeLine], now: datetime) -> Iterator[Trouble]:
    for line in bridges:
        alone_s = (now - (line.since or line.broker.updated_at)).total_seconds()
        if line.state == BridgeState.ALONE and alone_s > BRIDGE_LATE_S:
            yield Trouble(Code.BRIDGE, f"source.{line.broker.pk}", alone_s)


def _of_losses(now: datetime) -> Iterator[Trouble]:
    lost = SampleLoss.objects.filter(noted_at__gt=now - LOSSES_FOR).order_by().values("shard")
    sums = lost.annotate(rows=Sum("dropped") + Sum("thinned")).values_list("shard", "rows")
    for shard, rows in sums:
        yield Trouble(Code.LOST, shard_name(shard), amount=rows)


def _of_disk(disk: Storage) -> Iterator[Trouble]:
    codes = {Level.URGENT: Code.DISK_URGENT, Level.WARNING: Code.DISK}
    if code := codes.get(disk.level):
        left_s = None if disk.days_left is None else disk.days_left * 86_400.0
        yield Trouble(code, seconds=left_s)


def _of_clock(beat_s: float | None) -> Iterator[Trouble]:
    if beat_s is None or beat_s > BEAT_LATE_S:
        yield Trouble(Code.BEAT, seconds=beat_s)


def _of_queues(found: Iterable[Queue]) -> Iterator[Trouble]:
    for queue in found:
        limit_s = JOBS_LATE_S if queue.name == "reports" else QUEUE_LATE_S
        # Ticks of a shard that nobody polls run out; the shard itself is late then.
        if queue.oldest_s and queue.oldest_s > limit_s and not queue.name.startswith("poll."):
            yield Trouble(Code.QUEUE, queue.name, queue.oldest_s, queue.length)


def note_report(report: Report) -> None:
    """Keep it for the bell and for probes; without Redis nobody hears it."""
    with suppress(redis.RedisError):
        live.store_state.client.set(REPORT_KEY, json.dumps(asdict(report)))


def last_report(*, now: datetime) -> Report:
    """What the latest look found; that nobody looks, when it is old.

    Nothing before the first look: a clock that never began is missed by the heartbeat, and shown on
    the page.
    """
    try:
        text = live.store_state.client.get(REPORT_KEY)
    except redis.RedisError as reason:
        live.store_state.is_down(reason)
        return Report(now.timestamp(), (Trouble(Code.REDIS),))
    if not isinstance(text, bytes):
        return Report(now.timestamp())
    told = json.loads(text)
    age_s = now.timestamp() - told["at"]
    if age_s > STALE_S:
        return Report(now.timestamp(), (Trouble(Code.WATCH, seconds=age_s),))
    known = set(Code.values)
    troubles = (Trouble(**facts) for facts in told["troubles"])
    return Report(told["at"], tuple(each for each in troubles if each.code in known))

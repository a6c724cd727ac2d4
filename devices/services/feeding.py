"""Samples that a source sends: judged one by one, stored together, through the one door.

Values are in the units of the dictionary and at the primary side: no ratio is applied. What is
implausible by the template is stored as bad, as after a poll; points that are not connected are
left out.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Case, F, Value, When
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.time import local_day
from devices import history
from devices.ingest import AWAY, StoreAway, ingest
from devices.models import DataSource
from devices.rules import Refusal, Sample, read_sample, readable
from devices.services import links, quota
from devices.services.fed import FedDevice, Row, batches_of, devices_of
from devices.states import RefusalCode, SampleVerdict

MOST_SAMPLES = 2000
REFUSALS_KEPT = 20
# With the source's id the name of an advisory lock.
_LOCK = 0x0F_EED
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeedAway(DomainError):
    """The database does not answer: nothing was stored, the sender keeps the batch."""

    code = "store_away"
    status = 503
    message = _("数据库暂不可用，没有存储任何样本，请稍后重发。")

    def __init__(self) -> None:
        super().__init__(retry_after_s=5)


class Busy(DomainError):
    """Another request of the same source is under way; its samples stay in order that way."""

    code = "busy"
    status = 429
    message = _("该数据源的上一次提交仍在处理，请稍后重发。")

    def __init__(self) -> None:
        super().__init__(retry_after_s=1)


@dataclass(slots=True)
class Fed:
    """What became of the samples, in the order given; a refusal stands at the refused ones."""

    verdicts: list[tuple[SampleVerdict, Refusal | None]] = field(default_factory=list)

    def count(self, wanted: SampleVerdict) -> int:
        """How many samples fared so."""
        return sum(1 for verdict, _refusal in self.verdicts if verdict == wanted)


def feed(*, source: DataSource, given: Sequence[Any], address: str, now: datetime) -> Fed:
    """Store what can be stored of the samples that a source sent.

    The number of queries does not depend on how many there are. Raises OverQuota, TooManyPoints,
    Busy, and FeedAway, with nothing stored.
    """
    quota.take(source=source, points=_points(given), now=now)
    try:
        with _alone(source):
            return _feed(source, given, address, now)
    except (StoreAway, *AWAY) as reason:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        raise FeedAway from reason


def _feed(source: DataSource, given: Sequence[Any], address: str, now: datetime) -> Fed:
    samples = [read_sample(each) for each in given]
    devices = devices_of(source=source, samples=samples)
    found: list[Row | Refusal] = [_placed(sample, devices, source, now) for sample in samples]
    rows = [row for row in found if isinstance(row, Row)]
    known = history.present([row.device.pk for row in rows], [_moment(row.at_us) for row in rows])
    for place in known:
        rows[place].is_known = True
    fresh = _first_of_each(rows)
    batch, news = batches_of(fresh, now=now)
    if batch.rows:
        ingest(batch, now=now, news=news)
    fed = Fed([_verdict(row) for row in found])
    links.heard(_newest(rows), silence_s=source.silence_s, now=now)
    _count(source, fed, given, address, now)
    return fed


def _points(given: Sequence[Any]) -> int:
    """What a request counts against the quota: its values, right or wrong."""
    values = (each.get("values") if isinstance(each, dict) else None for each in given)
    return sum(max(1, len(some)) if isinstance(some, dict) else 1 for some in values)


@contextmanager
def _alone(source: DataSource) -> Iterator[None]:
    """One request of a source at a time, so that no older sample overtakes a newer one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, source.pk])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise Busy
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, source.pk])


def _placed(
    sample: Sample | Refusal,
    devices: dict[int | str, list[FedDevice]],
    source: DataSource,
    now: datetime,
) -> Row | Refusal:
    """A sample with its device, or why it is not stored."""
    if isinstance(sample, Refusal):
        return sample
    device = _device(devices.get(sample.device, []), source)
    if isinstance(device, Refusal):
        return device
    if refusal := _out_of_time(sample.at, now):
        return refusal
    for code in sample.values:
        if code not in device.version.places:
            return Refusal(RefusalCode.POINT_UNKNOWN, {"point": readable(code)})
    return Row(device, round(sample.at * 1e6), sample.values, sample.is_bad)


def _device(found: list[FedDevice], source: DataSource) -> FedDevice | Refusal:
    if len(found) > 1:
        return Refusal(RefusalCode.DEVICE_AMBIGUOUS)
    if not found:
        return Refusal(RefusalCode.DEVICE_UNKNOWN)
    (device,) = found
    if device.source_id != source.pk:
        is_polled = device.is_polled
        return Refusal(RefusalCode.DEVICE_POLLED if is_polled else RefusalCode.DEVICE_ELSEWHERE)
    return device if device.is_enabled else Refusal(RefusalCode.DEVICE_DISABLED)


def _out_of_time(at: float, now: datetime) -> Refusal | None:
    """The limits of the one door, said before it shuts."""
    if at > now.timestamp() + settings.READING_FUTURE_S:
        minutes = str(settings.READING_FUTURE_S // 60)
        return Refusal(RefusalCode.TIME_AHEAD, {"minutes": minutes})
    days = history.kept_days()
    if at < (now - timedelta(days=days)).timestamp():
        return Refusal(RefusalCode.TIME_PAST, {"days": str(days)})
    return None


def _moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def _first_of_each(rows: list[Row]) -> list[Row]:
    """One row per device and time; whatever is said again in the same request is a repetition."""
    first: dict[tuple[int, int], Row] = {}
    for row in rows:
        if first.setdefault((row.device.pk, row.at_us), row) is not row:
            row.is_known = True
    return list(first.values())


def _verdict(row: Row | Refusal) -> tuple[SampleVerdict, Refusal | None]:
    if isinstance(row, Refusal):
        return SampleVerdict.REFUSED, row
    return (SampleVerdict.REPEATED if row.is_known else SampleVerdict.STORED), None


def _newest(rows: list[Row]) -> dict[int, float]:
    newest: dict[int, float] = {}
    for row in rows:
        at = row.at_us / 1e6
        newest[row.device.pk] = max(at, newest.get(row.device.pk, at))
    return newest


def _count(source: DataSource, fed: Fed, given: Sequence[Any], address: str, now: datetime) -> None:
    """When the source was heard last, the sums of its day, and its last refusals."""
    today = local_day(now, source.site.timezone)
    facts: dict[str, Any] = {"last_seen_at": now, "counted_on": today}
    facts["last_address"] = address or None
    for name, verdict in (
        ("accepted", SampleVerdict.STORED),
        ("repeated", SampleVerdict.REPEATED),
        ("refused", SampleVerdict.REFUSED),
    ):
        more = fed.count(verdict)
        facts[name] = Case(When(counted_on=today, then=F(name) + more), default=Value(more))
    if refusals := _told(fed, given, now):
        facts["last_refusals"] = [*refusals, *source.last_refusals][:REFUSALS_KEPT]
    DataSource.objects.filter(pk=source.pk).update(**facts)


def _told(fed: Fed, given: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    """The refusals of one request for the page of the source; the same one only once."""
    told: dict[tuple[str, ...], dict[str, Any]] = {}
    for each, (_verdict, refusal) in zip(given, fed.verdicts, strict=True):
        if refusal is None or len(told) >= REFUSALS_KEPT:
            continue
        sent = each if isinstance(each, dict) else {}
        device, at = readable(sent.get("device", "")), readable(sent.get("at", ""))
        told.setdefault(
            (refusal.code, device, *refusal.facts.values()),
            {
                "received_at": now.isoformat(),
                "device": device,
                "at": at,
                "code": refusal.code.value,
                "facts": dict(refusal.facts),
            },
        )
    return list(told.values())

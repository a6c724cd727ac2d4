"""REST: how collecting does, for whoever maintains the whole platform."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, MomentField, NumberField
from devices.selectors.storage import Level, storage
from reports.selectors import collection

MOST = 200


class TroubleRow(serializers.Serializer[Any]):
    """One thing that is not well; `is_mild` may wait until morning."""

    code = serializers.ChoiceField(choices=collection.Code.choices)
    subject = serializers.CharField(help_text="A shard or a queue, empty when it is the platform.")
    seconds = NumberField(allow_null=True)
    amount = serializers.IntegerField(allow_null=True)
    is_mild = serializers.BooleanField()


class ShardRow(serializers.Serializer[Any]):
    """One shard. What its worker has not told within a minute is null."""

    name = serializers.CharField()
    is_late = serializers.BooleanField()
    owner = serializers.CharField()
    fence = serializers.IntegerField(source="row.fence", allow_null=True, default=None)
    cycle_at = MomentField(source="row.cycle_at", allow_null=True, default=None)
    cycle_age_s = NumberField(source="age_s", allow_null=True)
    cycle_ms = NumberField(source="row.cycle_ms", allow_null=True, default=None)
    late_cycles_hour = serializers.IntegerField(source="late_hour")
    late_cycles_day = serializers.IntegerField(source="late_day")
    cycles_day = serializers.IntegerField()
    reads_per_s = NumberField(source="told.reads_per_s", allow_null=True, default=None)
    rows_per_s = NumberField(source="told.stored_per_s", allow_null=True, default=None)
    gateways = serializers.IntegerField(source="told.gateways", allow_null=True, default=None)
    devices = serializers.IntegerField(source="told.devices", allow_null=True, default=None)
    spool_rows = serializers.IntegerField(source="spool.rows", default=0)
    spool_bytes = serializers.IntegerField(source="spool.bytes", default=0)
    rows_thinned = serializers.IntegerField(source="thinned")
    rows_dropped = serializers.IntegerField(source="dropped")


class SlowBusRow(serializers.Serializer[Any]):
    """One of the slowest lines."""

    bus = serializers.IntegerField(source="bus.pk")
    gateway = serializers.IntegerField(source="bus.gateway_id")
    name = serializers.CharField(source="bus.gateway.label")
    shard = serializers.CharField()
    mean_ms = NumberField()
    peak_ms = NumberField()


class AwayRow(serializers.Serializer[Any]):
    """A gateway that cannot be reached (`gateway`), or a device that keeps silent (`device`)."""

    kind = serializers.CharField()
    id = serializers.IntegerField(source="row.pk", help_text="Of the bus, or of the device.")
    gateway = serializers.IntegerField(source="gateway.pk")
    name = serializers.CharField(source="label")
    shard = serializers.CharField()
    failures = serializers.IntegerField()
    next_try_s = NumberField(source="next_s", help_text="From now; 0: when it is due.")


class BridgeRow(serializers.Serializer[Any]):
    """The bridge to one broker. `alone`: no process reads it; counts: since it was read first."""

    broker = serializers.IntegerField(source="broker.pk")
    data_source = serializers.IntegerField(source="broker.source_id")
    name = serializers.CharField(source="broker.source.label")
    address = serializers.CharField(source="broker.address")
    state = serializers.ChoiceField(choices=collection.BridgeState.choices)
    since = MomentField(allow_null=True)
    process = serializers.CharField(help_text="Machine and process number, empty without one.")
    error = serializers.CharField()
    last_message_at = MomentField(source="broker.last_seen_at", allow_null=True)
    messages = serializers.IntegerField()
    messages_unreadable = serializers.IntegerField(source="unreadable")
    samples_stored = serializers.IntegerField(source="stored")
    samples_refused = serializers.IntegerField(source="refused")


class QueueRow(serializers.Serializer[Any]):
    """Tasks that wait."""

    name = serializers.CharField()
    length = serializers.IntegerField()
    oldest_s = NumberField(allow_null=True)


class KindRow(serializers.Serializer[Any]):
    """One kind of history."""

    kind = serializers.CharField()
    size_bytes = serializers.IntegerField()
    rows_per_day = NumberField()
    bytes_per_day = NumberField()
    keep_days = serializers.IntegerField()


class DayRowsRow(serializers.Serializer[Any]):
    """Samples of a UTC day, of the hours that are compacted."""

    day = serializers.DateField()
    rows = serializers.IntegerField()
    block_bytes = serializers.IntegerField()


class CollectionRow(serializers.Serializer[Any]):
    """Everything at one moment."""

    at = MomentField()
    is_well = serializers.BooleanField()
    troubles = TroubleRow(many=True)
    shards = ShardRow(many=True)
    slowest = SlowBusRow(many=True)
    away_total = serializers.IntegerField(help_text="Of those named by the workers.")
    away = AwayRow(many=True, help_text="The first 200.")
    bridges = BridgeRow(many=True, help_text="The first 200, those that are not read first.")
    queues = QueueRow(many=True)
    beat_age_s = NumberField(allow_null=True)
    postgres_version = serializers.CharField()
    redis_version = serializers.CharField(help_text="Empty while it does not answer.")
    storage_level = serializers.ChoiceField(choices=Level.choices)
    disk_free_bytes = serializers.IntegerField(allow_null=True)
    disk_days_left = serializers.IntegerField(allow_null=True)
    database_bytes = serializers.IntegerField()
    kinds = KindRow(many=True)
    days = DayRowsRow(many=True)


class CollectionEndpoint(Endpoint):
    """How collecting does."""

    @extend_schema(operation_id="collection_retrieve", responses=CollectionRow)
    def get(self, request: Request) -> Response:
        """Show how collecting does: shards, lines, queues, what the history takes, what is wrong."""
        collection.require_operator(self.person)
        now = timezone.now()
        shards, parts = collection.shard_lines(now=now), collection.parts(now=now)
        disk, bridges = storage(now=now), collection.bridge_lines(now=now)
        troubles = collection.troubles_of(shards, bridges, parts, disk, now=now)
        away = collection.away_lines(shards, now=now)
        facts = {
            "at": now,
            "is_well": all(trouble.is_mild for trouble in troubles),
            "troubles": troubles,
            "shards": shards,
            "slowest": collection.slow_buses(shards),
            "away_total": len(away),
            "away": away[:MOST],
            "bridges": bridges[:MOST],
            "queues": parts.queues,
            "beat_age_s": parts.beat_s,
            "postgres_version": parts.postgres_version,
            "redis_version": parts.redis_version,
            "storage_level": disk.level,
            "disk_free_bytes": disk.free_bytes,
            "disk_days_left": disk.days_left,
            "database_bytes": disk.database_bytes,
            "kinds": disk.kinds,
            "days": collection.days(now=now),
        }
        return self.shown(facts, CollectionRow)


urlpatterns = [path("collection/", CollectionEndpoint.as_view(), name="api-collection")]

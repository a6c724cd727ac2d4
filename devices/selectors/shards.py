"""Since when slices of the gateways have not been polled."""

from datetime import datetime

from django.db import connection
from django.db.models import Min

from devices.models import Gateway, PollShard
from devices.models.gateways import poll_shard_of


def last_cycles() -> dict[int, datetime]:
    """By poll shard that has gateways in service: its last cycle, written once per tick.

    Where nobody has polled yet: when its gateways came. Never before PostgreSQL was started: until
    then nobody could write a cycle down.
    """
    found: dict[int, datetime] = {}
    gateways = Gateway.objects.filter(is_enabled=True).order_by().values("kind", "shard")
    for kind, shard, at in gateways.annotate(at=Min("updated_at")).values_list(
        "kind", "shard", "at"
    ):
        number = poll_shard_of(kind, shard)
        found[number] = min(at, found.get(number, at))
    cycles = PollShard.objects.filter(pk__in=found).values_list("number", "cycle_at")
    found |= {number: at for number, at in cycles if at is not None}
    began = _postgresql_began()
    return {number: max(at, began) for number, at in found.items()}


def _postgresql_began() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_postmaster_start_time()")
        began: datetime = cursor.fetchone()[0]
    return began

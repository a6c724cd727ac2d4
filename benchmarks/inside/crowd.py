"""Gateways and devices by the hundred thousand: one place is made as usual, the others are its copies."""

from collections.abc import Mapping

from django.db import connection
from django.db.models import Model

from benchmarks.inside import district
from benchmarks.inside.addresses import SQL, address
from benchmarks.inside.field import UNITS
from devices.models import Bus, Device, Gateway
from sites.models import Circuit, Enterprise, Room, Site, Transformer

# In the order in which the rows need one another.
MODELS: tuple[type[Model], ...] = (
    Enterprise,
    Site,
    Room,
    Transformer,
    Gateway,
    Bus,
    Circuit,
    Device,
)
CLOSED_SQL = "mod(o.n, 20) = 3"
DEAD_SQL = "mod(o.n, 20) IN (3, 13)"


def build(*, gateways: int, shards: int, port: int, period_s: int) -> None:
    """As many sites with a gateway and UNITS meters each as there are gateways, in an empty database."""
    version = district.bench_version()
    district.build(shard=0, gateways=1, versions=[version] * UNITS, port=port)
    Gateway.objects.update(host=address(0), period_s=period_s)
    with connection.cursor() as cursor:
        # Neither keys nor records of changes are looked after.
        cursor.execute("SET session_replication_role = replica")
        for model in MODELS[1:]:
            _copy(model, gateways)
        cursor.execute("SET session_replication_role = DEFAULT")
    scatter(shards=shards, port=port, period_s=period_s)


def scatter(*, shards: int, port: int, period_s: int) -> None:
    """Send the gateways to their addresses, spread over the shards.

    They are numbered in the order of their keys. Each shard has a port of its own, from `port` on;
    at the next one, where one gateway in twenty is called, nobody listens. It is known who
    answers and who does not, as it is in a district that has been at work for a while.
    """
    place = SQL.format(n="o.n")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "CREATE TEMPORARY TABLE o AS"
            " SELECT id, (row_number() OVER (ORDER BY id) - 1)::int AS n FROM devices_gateway"
        )
        cursor.execute(
            f"UPDATE devices_gateway g SET host = {place}, shard = mod(o.n, %s), period_s = %s,"  # noqa: S608
            f" is_online = NOT ({DEAD_SQL}), offline_after_s = 5, kind = 'modbus_tcp'"
            " FROM o WHERE o.id = g.id",
            [shards, period_s],
        )
        cursor.execute(
            "UPDATE devices_bus b SET timeout_ms = 1000,"  # noqa: S608
            f" port = %s + 2 * mod(o.n, %s) + ({CLOSED_SQL})::int FROM o WHERE o.id = b.gateway_id",
            [port, shards],
        )
        cursor.execute(
            "UPDATE devices_device d SET is_online = g.is_online"
            " FROM devices_bus b JOIN devices_gateway g ON g.id = b.gateway_id"
            " WHERE b.id = d.bus_id"
        )
        cursor.execute("DROP TABLE o")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def thin_out(*, keep: float) -> None:
    """Switch off gateways until this part of them is left, evenly spread over shards and roles."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE devices_gateway SET is_enabled = (mod(id / 40, 100) < %s), updated_at = now()",
            [round(100 * keep)],
        )
        cursor.execute("SET session_replication_role = DEFAULT")


def _copy(model: type[Model], times: int) -> None:
    """Copies 1 … times - 1 of each row of the first place, with keys that follow one another.

    A row with key k of r rows becomes k + r · copy; so does what it refers to.
    """
    facts = model._meta  # noqa: SLF001 - the names Django gives
    table = facts.db_table
    rows = model.objects.count()  # type: ignore[attr-defined]
    names = [field.column for field in facts.concrete_fields if field.column]
    columns = {name: _copied(model, name) for name in names}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"  # noqa: S608
            f" FROM {table} p, generate_series(1, %s) n",
            [times - 1],
        )
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), %s)", [rows * times]
        )


def _copied(model: type[Model], column: str) -> str:
    """The expression for a column of a copy."""
    of_site = ("number", "name") if model is Site else ()
    if column in of_site:
        return f"left(p.{column}, 20) || '-' || n"
    counts: Mapping[str, int] = {
        "id": UNITS if model in {Circuit, Device} else 1,
        "circuit_id": UNITS,
    }
    if column in {"site_id", "room_id", "transformer_id", "gateway_id", "bus_id"}:
        return f"p.{column} + n"
    return f"p.{column} + {counts[column]} * n" if column in counts else f"p.{column}"

"""What PostgreSQL and Redis hold at one moment, to be put back after a test that commits.

Emptying all tables and making everything anew costs a second; most tests change a few rows.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

import redis
from django.db import connection, transaction

from config import env
from devices import history

# Partitions are reached through their table.
_TABLES = """
SELECT quote_ident(relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY 1
"""
_NEXT_TRANSACTION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_PATIENCE = "10s"
_REDIS_DATABASES = range(4)


# What tests begin with at the moment, the latest last: migrated tables, a world upon them.
_beginnings: list[KeptRows] = []


def begin() -> None:
    """From now on a test that commits leaves the tables as they are at this moment."""
    _beginnings.append(KeptRows())


def put_back() -> None:
    """Undo what was committed since the latest beginning."""
    _beginnings[-1].put_back()


def end() -> None:
    """Go back to the beginning before."""
    _beginnings.pop()
    put_back()


class KeptRows:
    """The rows of all tables. Rows that are put back keep their numbers; sequences go on."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
            self._rows = {name: self._read(cursor, name) for (name,) in cursor.fetchall()}
        # COPY writes line breaks in texts as two letters.
        self._lines = {name: rows.count(b"\n") for name, rows in self._rows.items()}
        self._since = self._next_transaction()

    def put_back(self) -> None:
        """Put back the tables that were written since, without days of readings that are new.

        Triggers and foreign keys are off meanwhile: the log of alarms refuses to be deleted from,
        and the rows fitted together when they were read.
        """
        if not self._rows["reading"]:
            history.drop_partitions(before=date.max)
        if changed := self._changed():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
                cursor.execute("SET LOCAL session_replication_role = replica")
                for table in changed:
                    cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names of tables
                    if self._rows[table]:
                        self._write(cursor, table)
            self._since = self._next_transaction()

    def _changed(self) -> list[str]:
        """Tables with a row that is younger, or with fewer rows."""
        looks = (
            f"SELECT '{table}' WHERE (SELECT count(*) FROM {table}) <> {lines} "  # noqa: S608
            f"OR EXISTS (SELECT 1 FROM {table} WHERE xmin::text::bigint >= {self._since})"
            for table, lines in self._lines.items()
        )
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(looks))
            return [name for (name,) in cursor.fetchall()]

    @staticmethod
    def _next_transaction() -> int:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT_TRANSACTION)
            return int(cursor.fetchone()[0])

    @staticmethod
    def _read(cursor: Any, table: str) -> bytes:
        with cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copy:  # noqa: S608
            return b"".join(copy)

    def _write(self, cursor: Any, table: str) -> None:
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write(self._rows[table])


class KeptKeys:
    """The keys of Redis, without the moments at which they expire."""

    def __init__(self) -> None:
        self._keys = {number: self._read(number) for number in _REDIS_DATABASES}

    def put_back(self) -> None:
        with closing(_redis(0)) as client:
            client.flushall()
        for number, keys in self._keys.items():
            with closing(_redis(number)) as client:
                for key, value in keys.items():
                    client.restore(key, 0, value)

    @staticmethod
    def _read(number: int) -> dict[bytes, bytes]:
        with closing(_redis(number)) as client:
            return {key: value for key in client.scan_iter() if (value := client.dump(key))}


def _redis(number: int) -> redis.Redis:
    return redis.Redis.from_url(env.redis(env.REDIS_URL, number))

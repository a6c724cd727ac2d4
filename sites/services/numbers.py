"""Numbers for people: a prefix, a day and a serial, never given out twice."""

from datetime import date

from django.db import connection

_TAKE = """
    INSERT INTO sites_numberseries (prefix, day, last) VALUES (%s, %s, %s)
    ON CONFLICT (prefix, day) DO UPDATE SET last = sites_numberseries.last + EXCLUDED.last
    RETURNING last
"""


def take_numbers(*, prefix: str, day: date, count: int = 1) -> list[str]:
    """The next numbers of a day's series, ascending: `GD-20261121-0001`.

    day: in the zone of the site or of the platform, as the reader will understand it.
    The series' row stays locked until the caller's transaction ends, so that a rollback gives the
    numbers back: lock rows of your own first, take numbers last.
    Raises ValueError when count is below 1.
    """
    if count < 1:
        raise ValueError(f"cannot take {count} numbers")
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [prefix, day, count])
        (last,) = cursor.fetchone()
    return [f"{prefix}-{day:%Y%m%d}-{serial:04d}" for serial in range(last - count + 1, last + 1)]

"""Numbers: consecutive, per series and day, never twice whoever asks at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection, transaction

from sites.services import take_numbers

DAY = date(2026, 11, 21)


@pytest.mark.django_db
def test_numbers_count_up_within_a_day() -> None:
    assert take_numbers(prefix="GD", day=DAY) == ["GD-20261121-0001"]
    assert take_numbers(prefix="GD", day=DAY, count=2) == ["GD-20261121-0002", "GD-20261121-0003"]


@pytest.mark.django_db
def test_series_and_days_are_apart() -> None:
    take_numbers(prefix="GD", day=DAY, count=5)

    assert take_numbers(prefix="GJ", day=DAY) == ["GJ-20261121-0001"]
    assert take_numbers(prefix="GD", day=date(2026, 11, 22)) == ["GD-20261122-0001"]


@pytest.mark.django_db
def test_a_day_may_have_more_than_four_digits() -> None:
    take_numbers(prefix="GD", day=DAY, count=9999)

    assert take_numbers(prefix="GD", day=DAY) == ["GD-20261121-10000"]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, -1])
def test_none_cannot_be_taken(count: int) -> None:
    with pytest.raises(ValueError, match="cannot take"):
        take_numbers(prefix="GD", day=DAY, count=count)


@pytest.mark.django_db(transaction=True)
def test_callers_at_once_never_share_a_number() -> None:
    def take(size: int) -> list[str]:
        try:
            with transaction.atomic():
                return take_numbers(prefix="GD", day=DAY, count=size)
        finally:
            connection.close()

    sizes = [1, 2, 3] * 20
    with ThreadPoolExecutor(max_workers=8) as pool:
        blocks = list(pool.map(take, sizes))

    numbers = sorted(number for block in blocks for number in block)
    assert numbers == [f"GD-20261121-{serial:04d}" for serial in range(1, sum(sizes) + 1)]
    assert [len(block) for block in blocks] == sizes


@pytest.mark.django_db(transaction=True)
def test_a_rollback_gives_the_number_back() -> None:
    with transaction.atomic():
        take_numbers(prefix="GD", day=DAY)
        transaction.set_rollback(True)

    assert take_numbers(prefix="GD", day=DAY) == ["GD-20261121-0001"]

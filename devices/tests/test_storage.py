"""The forecast of the disk: what a day adds, what retention gives back, when somebody is told."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from devices import history
from devices.history.partitions import forget_known
from devices.models import Device, Retention, StoragePlan
from devices.selectors.storage import KindStorage, Level, storage
from devices.services import compacting, rolling
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from devices.tests.samples import make_batch
from sites.tests.factories import make_site

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)


@pytest.fixture
def device(db: None) -> Device:
    forget_known()
    version = make_template_version(value_codes=("P",), counter_codes=())
    bus = make_bus(gateway=make_gateway(site=make_site(timezone="UTC"), period_s=60))
    return make_device(bus=bus, unit_id=1, template_version=version)


def fill(device: Device, days: int) -> None:
    """A sample a minute over the days before today, rolled up."""
    start = (NOW.replace(hour=0) - days * DAY).timestamp()
    count = days * 1440
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * count,
        at=[start + 60 * place for place in range(count)],
        values=[[float(place % 97)] for place in range(count)],
    )
    history.prepare(batch)
    history.append(batch)
    while compacting.compact(now=NOW).hours:
        pass
    rolling.roll_days(now=NOW)


def test_rows_and_bytes_of_a_day_by_kind(device: Device) -> None:
    fill(device, 2)

    found = storage(now=NOW)

    rows, blocks, quarters, days = found.kinds
    assert rows.rows_per_day == pytest.approx(1440)
    assert blocks.rows_per_day == quarters.rows_per_day == pytest.approx(24)
    assert days.rows_per_day == pytest.approx(1)
    parts = history.partitions()
    assert rows.bytes_per_day == pytest.approx(sum(part.size_bytes for part in parts) / 2, rel=0.01)
    assert all(kind.bytes_per_day > 0 for kind in found.kinds)
    assert found.bytes_per_day == sum(kind.bytes_per_day for kind in found.kinds)
    assert found.database_bytes > sum(kind.size_bytes for kind in found.kinds)
    # The tests' PostgreSQL keeps its files here.
    assert found.free_bytes
    assert not found.is_planned


def test_folded_quarters_are_what_stays(device: Device) -> None:
    fill(device, 2)
    before = storage(now=NOW).kinds[2]

    assert rolling.fold_days(now=NOW + 4 * DAY) == 2

    after = storage(now=NOW + 4 * DAY).kinds[2]
    (part,) = history.partitions(history.FOLDED)
    assert after.bytes_per_day == pytest.approx(part.size_bytes / 2)
    assert after.rows_per_day == pytest.approx(1)
    assert before.rows_per_day == pytest.approx(24)


@pytest.mark.parametrize(
    ("size", "keep", "age", "after", "grown"),
    [(100, 10, 0, 3, 300), (100, 10, 8, 3, 200), (100, 10, 12, 3, 0), (100, 10, 0, 50, 1000)],
)
def test_a_kind_grows_until_its_retention_takes_as_much(
    size: int, keep: int, age: int, after: int, grown: int
) -> None:
    kind = KindStorage(Retention.Kind.BLOCKS, 0, 1, size, keep, age)

    assert kind.grown_bytes(np.array([after])).tolist() == [grown]


def test_days_left_and_the_two_thresholds(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(device, 2)
    found = storage(now=NOW)
    # Room for more days than anybody plans, and for none.
    plan = StoragePlan.objects.get()
    plan.capacity_gb = 1000
    plan.save()
    assert storage(now=NOW).days_left is None
    assert storage(now=NOW).level == Level.FINE
    plan.capacity_gb = 0
    plan.save()

    none = storage(now=NOW)

    assert (none.free_bytes, none.days_left, none.level) == (0, 0, Level.URGENT)
    assert none.is_planned
    # Room for thirty days of all kinds: rows stop growing after three.
    monkeypatch.setattr("devices.selectors.storage._GB", 1)
    grown = sum(float(kind.grown_bytes(np.array([30]))[0]) for kind in found.kinds)
    plan.capacity_gb = round(found.database_bytes + grown)
    plan.save()
    some = storage(now=NOW)
    assert some.days_left == pytest.approx(30, abs=3)
    assert some.level == Level.WARNING
    plan.warn_days = 20
    plan.save()
    assert storage(now=NOW).level == Level.FINE


def test_urgent_comes_after_the_warning(db: None) -> None:
    with pytest.raises(ValidationError, match="告急的天数不能多于提醒的天数"):
        StoragePlan(warn_days=5, urgent_days=6).full_clean()

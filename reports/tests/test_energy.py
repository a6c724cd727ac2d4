"""Energy from counters: resets never make it negative, gaps are told; load and its peak."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.time import day_bounds
from devices import ingest
from devices.drivers.counters import Counter
from devices.models import Device
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from devices.tests.samples import make_batch
from reports.selectors import energy, loads, site_curves
from reports.selectors.energy import energy_of, site_energy
from reports.services import loads as load_services
from sites.models import Grant, User
from sites.rules import DataClass
from sites.tests.factories import People, make_circuit, make_room, make_transformer, people

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
ZONE = "Asia/Shanghai"
NAN = math.nan


@pytest.mark.parametrize(
    ("readings", "kwh", "gaps", "resets"),
    [
        ([[10, 12, 15]], 5, 0, 0),
        ([[10, NAN, 15]], 5, 1, 0),
        ([[10, 12, 1, 4]], 5, 0, 1),
        ([[NAN, 12, 15, NAN]], 3, 2, 0),
        ([[10, 12], [5, 6]], 3, 0, 0),
        ([[10, NAN]], None, 1, 0),
        ([], None, 0, 0),
    ],
)
def test_energy_is_the_sum_of_differences(
    readings: list[list[float]], kwh: float | None, gaps: int, resets: int
) -> None:
    rows = [(np.array(row, float), Counter()) for row in readings]
    at_s = 3600.0 * np.arange(max(map(len, readings), default=0))

    found = energy_of(at_s, rows, NOW, NOW)

    assert (found.kwh, found.gap_hours, found.resets) == (kwh, gaps, resets)
    assert found.is_whole == (kwh is not None and not gaps and not resets)


def make_incomer(cast: People) -> Device:
    room = make_room(site=cast.site)
    circuit = make_circuit(room=room, transformer=make_transformer(room=room), kind="incomer")
    gateway = make_gateway(site=cast.site, period_s=600)
    version = make_template_version(value_codes=("P", "Q"), counter_codes=("EPI",))
    return make_device(bus=make_bus(gateway=gateway), circuit=circuit, template_version=version)


def take_in(device: Device, rows: list[tuple[datetime, float, float]], *, now: datetime) -> None:
    """(moment, kW, counter) through the one door."""
    batch = make_batch(
        layout_id=device.template_version.layout_id,
        device_ids=[device.pk] * len(rows),
        site_ids=[device.site_id] * len(rows),
        at=[at.timestamp() for at, _kw, _kwh in rows],
        values=[[kw, 0.0] for _at, kw, _kwh in rows],
        counters=[[kwh] for _at, _kw, kwh in rows],
    )
    ingest.ingest(batch, now=now)


def test_a_sites_energy_is_of_its_own_days() -> None:
    device = make_incomer(people())
    today = day_bounds(NOW.date(), ZONE)[0]
    start = today - timedelta(days=1)
    steps = int((NOW - start) / timedelta(minutes=10))
    # 6 kWh each hour, from 1000 on.
    rows = [(start + timedelta(minutes=10 * i), 6.0, 1000.0 + i) for i in range(steps + 1)]
    take_in(device, rows, now=NOW)

    found = site_energy(devices=[device], zone=ZONE, now=NOW)

    assert found.yesterday.kwh == pytest.approx(144)
    assert found.today.kwh == pytest.approx((NOW - today) / timedelta(hours=1) * 6)
    assert found.month.kwh == pytest.approx(found.yesterday.kwh + found.today.kwh)
    assert found.yesterday.is_whole
    assert not found.month.is_whole


def test_the_load_curve_shows_gaps_as_gaps() -> None:
    cast = people()
    device = make_incomer(cast)
    start = day_bounds(NOW.date(), ZONE)[0]
    rows = [(start + timedelta(minutes=15 * i), 10.0 + i, 0.0) for i in range(6) if i != 3]
    take_in(device, rows, now=NOW)

    days = site_curves.site_loads(user=cast.ana, pk=cast.site.pk, now=NOW).days

    today = days[0].power_kw.tolist()
    assert today[:3] == [10, 11, 12]
    assert math.isnan(today[3])
    assert today[4:6] == [14, 15]
    assert len(today) == int((NOW - start).total_seconds() // 900)
    assert [day.days_ago for day in days] == [0, 1, 7]
    hidden = site_curves.site_loads(user=_blind(cast), pk=cast.site.pk, now=NOW)
    assert all(len(day.power_kw) == 0 for day in hidden.days)


def _blind(cast: People) -> User:
    """Somebody who may see safety only."""
    Grant.objects.filter(user=cast.gu).update(data_classes=[DataClass.SAFETY])
    cast.gu.__dict__.pop("_access", None)
    return cast.gu


def test_the_peak_is_the_highest_sum_at_one_time() -> None:
    cast = people()
    device = make_incomer(cast)
    for minutes, kw in ((0, 40.0), (20, 90.0), (40, 70.0)):
        now = NOW + timedelta(minutes=minutes)
        take_in(device, [(now, kw, 0.0)], now=now)
        load_services.take(now=now)

    found = loads.load(user=cast.ana, now=now)

    assert found.power.total_kw == 70
    assert found.peak_kw == 90
    assert found.peak_at == NOW + timedelta(minutes=15)
    assert (found.power.fresh, found.power.meters) == (1, 1)
    for user in (cast.gu, cast.ana):
        assert loads.load(user=user, now=now) == found
        assert loads.power_of_all(user=user, now=now) == found.power
        old = loads.load(user=user, now=now + timedelta(minutes=10))
        assert (old.power.total_kw, old.power.fresh, old.power.meters) == (None, 0, 1)
    assert loads.load(user=_blind(cast), now=now).power.meters == 0
    assert energy.hours_between(NOW, NOW + timedelta(minutes=90))[-1] == NOW + timedelta(minutes=90)

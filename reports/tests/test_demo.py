"""The demo is a plant that hangs together: names, energies, counters, alarms, what people did."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.db.models import Count, Sum
from django.test import override_settings
from django.utils import timezone

from alarms.models import Alarm, AlarmLog, Rule
from alarms.services import load_rules, watching
from alarms.states import Condition, Handling
from devices import history
from devices.drivers.simulator.tree import LINE_LOSS
from devices.drivers.simulator.world import World
from devices.models import Acceptance, Device, Gateway, MeterExchange, SiteTally
from devices.services import templates
from devices.services.simulation import device_name, simulated_gateways
from reports.services import demo as demos
from reports.services.demo import Demo, Size
from reports.services.demo.words import words
from sites.models import (
    Category,
    Circuit,
    Enterprise,
    Organisation,
    Room,
    Site,
    SiteDocument,
    Team,
    Transformer,
    User,
)
from workorders.models import Photo, Task, TaskLog, WorkOrder, WorkOrderLog
from workorders.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

WRITTEN: dict[Any, tuple[str, ...]] = {
    Enterprise: ("address", "contact_name", "legal_person"),
    Site: ("address", "contact_name"),
    Alarm: ("cause",),
    AlarmLog: ("note",),
    WorkOrder: ("description", "finding", "measures"),
    WorkOrderLog: ("note",),
    Task: ("instructions", "result"),
    TaskLog: ("note",),
    Photo: ("caption",),
}
NOW = timezone.now().replace(second=0, microsecond=0)
SMALL = Size(sites=4, days=2.0, busy=14.0)
ENDS = NOW + timedelta(seconds=130)


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """A small demo for all tests of this module, rolled back afterwards."""
    state = tmp_path_factory.mktemp("demo") / "simulator.json"
    folder = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        templates.load_library()
        load_rules()
        with override_settings(SIMULATOR_STATE=state, MEDIA_ROOT=folder):
            found = demos.load(now=NOW, progress=lambda _text: None, clock=lambda: ENDS, size=SMALL)
            assert found is not None
            yield found
        transaction.set_rollback(True)
    watching.forget()


def curve(device: Device, code: str, *, hours: float = 24.0) -> tuple[np.ndarray, np.ndarray]:
    """Times and values of a point up to the end."""
    found = history.series(
        points=[(device.pk, code)], start=NOW - timedelta(hours=hours), end=NOW, max_points=10_000
    )[0]
    pairs = [(at, v) for at, v in zip(found.at, found.value, strict=True) if v is not None]
    return np.array([at for at, _ in pairs]), np.array([v for _, v in pairs])


def meters(made: Demo, number: str) -> list[Device]:
    """The meters of a site."""
    return [
        one
        for one in made.devices
        if one.site.number == number and one.template_version.template.kind == "meter"
    ]


def test_the_file_holds_the_district_that_is_promised() -> None:
    facts = demos.document()
    sites = [site for one in facts["enterprises"] for site in one["sites"]]
    transformers = sum(len(site["kva"]) for site in sites)
    more = sum(site["feeders"] + site.get("fire", 0) + site.get("oil", 0) for site in sites)

    assert (len(facts["enterprises"]), len(sites)) == (40, 60)
    assert (transformers, transformers + more) == (80, 200)
    assert len({one["facts"]["category"] for one in facts["enterprises"]}) == 15
    names = [one["name"] for one in (*facts["enterprises"], *sites)]
    assert len({zh for zh, _en in names}) == len({en for _zh, en in names}) == 100


def test_everything_has_an_english_name_and_phones_are_visibly_invented(made: Demo) -> None:
    for model in (Enterprise, Site, Room, Transformer, Circuit, Gateway, Device, Team, User):
        nameless = [str(row) for row in model.objects.all() if not row.name_en.isascii()]
        assert not nameless
        assert all(row.name_en for row in model.objects.all()), model
    phones = [row.phone for model in (Organisation, User) for row in model.objects.all()]
    phones += [row.contact_phone for row in Site.objects.all()]
    phones += [row.legal_phone for row in Enterprise.objects.all()]
    assert all(phone.startswith("000-5550-") for phone in phones)


def written(value: object) -> Iterator[str]:
    """Every text in what a YAML file holds."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from written(one)
    elif isinstance(value, str):
        yield value


def is_mixed(text: str) -> bool:
    """Whether it speaks Chinese and English; names of things such as RS-485 or MΩ are neither."""
    return bool(re.search("[\u4e00-\u9fff]", text) and re.search("[A-Za-z]{2,} [A-Za-z]{2,}", text))


def test_a_text_is_in_one_language(made: Demo) -> None:
    texts = set(written(words()))
    for model, fields in WRITTEN.items():
        for row in model.objects.values_list(*fields):
            texts |= {text for text in row if text}
    assert len(texts) > 100
    assert [text for text in texts if is_mixed(text) or " · " in text and "\n" in text] == []


def test_people_can_sign_in_only_where_the_demo_is(made: Demo) -> None:
    assert User.objects.filter(is_demo=False).count() == 0
    assert User.objects.get(username="english").language == User.Language.EN
    assert {"admin", "dispatcher", "technician", "enterprise", "district", "outsider"} <= set(
        made.users
    )


def test_energy_is_the_integral_of_power(made: Demo) -> None:
    for device in meters(made, "S-0001"):
        at, kw = curve(device, "P")
        counted_at, kwh = curve(device, "EPI")
        energy = np.trapezoid(kw, at) / 3600
        assert kwh[-1] - kwh[0] == pytest.approx(energy, rel=0.01), device.name
        assert counted_at[0] == pytest.approx(at[0], abs=120)
        assert (np.diff(kwh) >= 0).all()


def test_an_incomer_shows_its_feeders_and_the_losses(made: Demo) -> None:
    by_circuit = {one.circuit_id: one for one in meters(made, "S-0001")}
    incomers = [one for one in by_circuit.values() if one.circuit.parent_id is None]
    assert len(incomers) == 2
    for incomer in incomers:
        below = [one for one in by_circuit.values() if one.circuit.parent_id == incomer.circuit_id]
        parts = [dict(zip(*curve(one, "P"), strict=True)) for one in (incomer, *below)]
        shared = sorted(set.intersection(*(set(part) for part in parts)))
        assert len(below) == 2
        assert len(shared) > 1200
        total = np.array([[part[at] for at in shared] for part in parts])
        np.testing.assert_allclose(total[0], total[1:].sum(axis=0) * (1 + LINE_LOSS), rtol=2e-3)


def test_the_simulator_goes_on_where_the_past_ends(
    made: Demo, settings: object, tmp_path: Path
) -> None:
    del tmp_path
    kept = json.loads(settings.SIMULATOR_STATE.read_text())  # type: ignore[attr-defined]
    world = World(simulated_gateways(), clock=lambda: ENDS.timestamp() + 5)
    world.recall(kept)
    world.step()
    for device in made.devices:
        if "EPI" not in device.template_version.layout.counter_codes:
            continue
        found = history.series(
            points=[(device.pk, "EPI")], start=NOW - timedelta(hours=3), end=ENDS
        )[0]
        live = world.values(device_name(device_id=device.pk))["EPI"]
        rated_kw = 2000 if device.circuit.parent_id is None else 800
        past_h = (ENDS.timestamp() + 5 - found.at[-1]) / 3600
        assert live is not None
        assert -0.1 <= live - found.value[-1] <= rated_kw * past_h + 0.2, device.name


def test_data_is_nearly_complete_but_not_quite(made: Demo) -> None:
    for device in made.devices:
        at, _values = curve(device, device.template_version.layout.value_codes[0], hours=48)
        step_s = 60 if device.site.number in {"S-0001", "S-0004"} else 900
        assert 0.6 < len(at) / (48 * 3600 / step_s) <= 1.001, device.name
    total = sum(
        len(curve(one, one.template_version.layout.value_codes[0])[0])
        for one in made.devices
        if one.site.number == "S-0001"
    )
    expected = 1440 * sum(one.site.number == "S-0001" for one in made.devices)
    assert 0.85 < total / expected < 0.9999


def test_alarms_are_such_as_the_rules_and_the_services_allow(made: Demo) -> None:
    alarms = list(Alarm.objects.all())
    assert len(alarms) >= 3
    assert all(alarm.is_simulated or alarm.scope_kind == "site" for alarm in alarms)
    for alarm in alarms:
        if alarm.handling == Handling.ARCHIVED:
            assert alarm.condition == Condition.RECOVERED
            assert alarm.archived_at >= alarm.recovered_at >= alarm.raised_at
        moments = [row.at for row in AlarmLog.objects.filter(alarm=alarm, entry="handling")]
        assert moments == sorted(moments)
        assert all(NOW - timedelta(days=3) < at <= ENDS for at in moments)


def test_orders_went_along_the_table_in_the_order_of_time(made: Demo) -> None:
    for order in WorkOrder.objects.prefetch_related("log"):
        rows = sorted(order.log.all(), key=lambda row: row.pk)
        assert all(before.at <= after.at for before, after in pairwise(rows))
        assert rows[-1].at <= ENDS
        if order.state == State.CLOSED:
            assert order.finding
            assert order.created_at < order.started_at < order.finished_at < order.closed_at


def test_planned_work_was_generated_and_done(made: Demo) -> None:
    states = Counter(Task.objects.values_list("state", flat=True))
    assert states["new"] + states["assigned"] > 0
    assert all(task.title_en and task.plan_id for task in Task.objects.all())
    for task in Task.objects.prefetch_related("log"):
        rows = sorted(task.log.all(), key=lambda row: row.pk)
        assert all(before.at <= after.at for before, after in pairwise(rows))


def test_devices_were_accepted_and_one_meter_exchanged(made: Demo) -> None:
    running = {site.pk for site in made.sites if site.state == Site.State.OPERATION}
    accepted = Acceptance.objects.standing().filter(device__in=made.devices)
    objecting = [row.checks for row in accepted if row.objections]

    assert {row.device.site_id for row in accepted.select_related("device")} == running
    assert len(accepted) == sum(one.site_id in running for one in made.devices)
    assert objecting == []
    exchange = MeterExchange.objects.get(device__in=made.devices)
    assert made.begins_at < exchange.at < made.now
    assert exchange.removed.readings.get().last == exchange.installed.readings.get().first > 0


def test_completeness_of_the_past_is_counted(made: Demo) -> None:
    counted = SiteTally.objects.values("site").annotate(
        good=Sum("good"), expected=Sum("expected"), days=Count("day")
    )
    assert len(counted) == len(made.sites)
    for row in counted:
        assert row["days"] >= 2
        assert 0.6 < row["good"] / row["expected"] <= 1


def test_sites_have_documents_that_can_be_opened(made: Demo) -> None:
    kept = list(SiteDocument.objects.order_by("pk"))
    assert {one.kind for one in kept} == set(SiteDocument.Kind.values)
    assert len({one.site_id for one in kept}) >= 2
    for one in kept:
        with one.file.open() as file:
            assert len(file.read()) == one.size_bytes > 100


def test_a_second_load_changes_nothing(made: Demo) -> None:
    before = Counter(model.objects.count() for model in (Site, Device, Alarm, WorkOrder))
    again = demos.load(now=NOW, progress=lambda _text: None, clock=lambda: ENDS, size=SMALL)
    assert again is None
    assert before == Counter(model.objects.count() for model in (Site, Device, Alarm, WorkOrder))


def test_gateways_are_polled_at_the_pace_of_a_demonstration(made: Demo) -> None:
    assert set(Gateway.objects.values_list("period_s", flat=True)) <= {5, 10}
    assert Gateway.objects.filter(is_online=False).count() <= 1
    assert Rule.objects.count() > 20
    assert Category.objects.count() == 15

"""The rules that ship: complete in both languages, loaded once, never overwriting what was edited."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.exceptions import ValidationError
from django.core.management import call_command

from alarms import services
from alarms.models import Rule
from alarms.services import library
from alarms.tests.samples import active, follow
from devices.drivers.points import load_points
from devices.tests.factories import make_bus, make_device, make_gateway
from sites.tests.factories import make_circuit, make_room, make_site, make_transformer

pytestmark = pytest.mark.django_db

POINTS = Path(library.__file__).parents[2] / "devices" / "library" / "points.yaml"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("load_rules", *arguments, stdout=out)
    return out.getvalue()


def test_every_rule_is_complete_in_both_languages() -> None:
    services.load_rules()

    for rule in Rule.objects.all():
        for text in (rule.name, rule.name_en, rule.cause, rule.cause_en, rule.advice,
                     rule.advice_en, rule.source):  # fmt: skip
            assert text.strip(), rule.key


def test_points_of_the_rules_are_in_the_dictionary() -> None:
    services.load_rules()
    known = {point.code for point in load_points(POINTS)}

    for rule in Rule.objects.all():
        assert set(rule.point_codes) <= known, rule.key
        has_points = rule.kind not in {Rule.Kind.LINK, Rule.Kind.PLATFORM, Rule.Kind.DATA}
        assert bool(rule.point_codes) == has_points, rule.key


def test_loading_twice_changes_nothing_and_keeps_what_was_edited() -> None:
    assert "created, 0 reset, 0 kept" in run()
    count = Rule.objects.count()
    Rule.objects.filter(key="IR").update(threshold=450.0, is_enabled=False)

    assert run() == f"rules: 0 created, 0 reset, {count} kept\n"
    rule = Rule.objects.get(key="IR")
    assert (rule.threshold, rule.is_enabled) == (450.0, False)
    assert run("--reset") == f"rules: 0 created, {count} reset, 0 kept\n"

    rule.refresh_from_db()
    assert (rule.threshold, rule.is_enabled) == (300.0, True)


def test_deleted_rule_comes_back() -> None:
    run()
    Rule.objects.filter(key="DOOR").delete()

    assert run().startswith("rules: 1 created")


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"reset": 500}, ValidationError),
        ({"severity": "urgent"}, ValidationError),
        ({"treshold": 1}, ValueError),
    ],
)
def test_wrong_entry_is_refused_as_a_whole(
    tmp_path: Path, change: dict[str, object], failure: type[Exception]
) -> None:
    document = yaml.safe_load(library.PATH.read_text(encoding="utf-8"))
    entry = next(entry for entry in document["rules"] if entry["key"] == "IR")
    entry |= change
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    with pytest.raises(failure):
        services.load_rules(path=path)

    assert not Rule.objects.exists()


def test_shipped_rules_find_nothing_wrong_with_a_calm_device() -> None:
    services.load_rules()
    site = make_site(nominal_voltage_v=400)
    circuit = make_circuit(
        transformer=make_transformer(room=make_room(site=site)), rated_current_a=400.0
    )
    device = make_device(bus=make_bus(gateway=make_gateway(site=site)), circuit=circuit)

    for minute in range(40):
        follow(device, 60.0 * minute, Ua=231.0, Ub=230.0, Uc=229.0)

    assert not device.alarms.exists()


def test_residual_current_of_incomers_has_its_own_limit() -> None:
    services.load_rules()
    room = make_room()
    bus = make_bus(gateway=make_gateway(site=room.site, period_s=10))
    incomer = make_device(bus=bus, circuit=make_circuit(room=room, kind="incomer"))
    feeder = make_device(bus=bus, circuit=make_circuit(room=room, kind="feeder"))
    alone = make_device(bus=bus)

    for device in (incomer, feeder, alone):
        follow(device, 0, IR=350.0)
        follow(device, 10, IR=350.0)

    found = {rule.key: rule for rule in Rule.objects.all()}
    assert [len(active(found[key], incomer)) for key in ("IR", "IR_IN_W", "IR_IN")] == [0, 1, 0]
    for device in (feeder, alone):
        assert [len(active(found[key], device)) for key in ("IR_W", "IR", "IR_IN")] == [1, 1, 0]

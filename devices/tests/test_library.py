"""Templates: the ones that ship, their golden plans, and every kind of bad text."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.drivers.documents import MESSAGES, DocumentError
from devices.drivers.library import TemplateDef, load_points, parse_template
from devices.drivers.outputs import StateAt
from devices.drivers.planner import plan
from devices.drivers.points import DictionaryError
from devices.drivers.units import conversion

LIBRARY = Path(__file__).parent.parent / "library"
GOLDEN = Path(__file__).parent / "golden"
POINTS = load_points(LIBRARY / "points.yaml")
TEMPLATES = sorted(path for path in LIBRARY.glob("*.yaml") if path.stem != "points")
KEYS = [path.stem for path in TEMPLATES]

GOOD = """\
key: acme-one
vendor: {zh: 甲, en: Acme}
model: One
registers:
  - {point: Ua, unit: V, function_code: 3, address: 0, type: uint16, scale: 0.1}
"""


def parse_shipped(path: Path) -> TemplateDef:
    template, errors = parse_template(path.read_text(encoding="utf-8"), POINTS)
    assert errors == []
    assert template is not None
    return template


def errors_of(text: str) -> list[DocumentError]:
    template, errors = parse_template(text, POINTS)
    assert (template is None) == bool(errors)
    return errors


def with_register(line: str) -> str:
    return GOOD + f"  - {{{line}}}\n"


_OUTPUT = {
    "code": "DO1",
    "name": "{zh: 一, en: One}",
    "function_code": "5",
    "on": "{address: 0, values: [1]}",
    "off": "{address: 0, values: [0]}",
    "state": "{function_code: 1, address: 0}",
    "confidence": "own",
}


def output_line(**facts: str) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in (_OUTPUT | facts).items()) + "}"


OUTPUT = output_line()


def with_output(**facts: str) -> str:
    return GOOD + f"outputs:\n  - {output_line(**facts)}\n"


def test_an_output_says_what_to_write_and_how_its_state_is_known() -> None:
    text = with_output(
        function_code="16",
        on="{address: 40, values: [0xA5, 1]}",
        off="{address: 42, values: [0xA5, 2]}",
        state="{function_code: 3, address: 7, bit: 4}",
    )
    template, errors = parse_template(text, POINTS)

    assert template is not None, errors
    (output,) = template.outputs
    assert (output.on.address, output.off.values) == (40, (0xA5, 2))
    assert output.state.decode([0b10000]) is True
    assert output.state.decode([0b01111]) is False
    assert StateAt(3, 7, None, on=0xFF00, off=0).decode([1]) is None


def test_the_wanted_templates_ship() -> None:
    wanted = {
        "acrel-adl3000",
        "acrel-aim-r100",
        "acrel-asj",
        "schneider-vigirex-rhu",
        "cet-pmc-t402-settings",
        "logika-l33",
        "generic-smoke",
        "generic-water",
        "generic-door",
        "generic-contacts",
        "generic-charger",
        "eastron-sdm630",
        "acrel-adw300",
        "chint-dtsu666",
        "schneider-iem3000",
        "cet-pmc53a",
        "simulated",
    }

    assert wanted <= set(KEYS)


@pytest.mark.parametrize("path", TEMPLATES, ids=KEYS)
def test_a_shipped_template_reads_as_its_golden_file_says(path: Path) -> None:
    template = parse_shipped(path)
    profile = template.profile()
    shown = {
        "key": template.key,
        "blocks": [f"FC{b.function_code} {b.address} +{b.count}" for b in plan(profile)],
        "fast_blocks": [
            f"FC{b.function_code} {b.address} +{b.count}"
            for b in plan(profile, poll_classes=["fast"])
        ],
        "counters": list(profile.counter_codes),
        "registers": {
            r.code: f"{r.unit} FC{r.function_code} {r.address} {r.type} x{r.scale:g} {r.poll_class}"
            for r in profile.registers
        },
    }
    if template.outputs:
        shown["outputs"] = {
            o.code: f"FC{o.function_code} on {o.on.address} {list(o.on.values)}"
            f" off {o.off.address} {list(o.off.values)}"
            f" state FC{o.state.function_code} {o.state.address} {o.confidence}"
            for o in template.outputs
        }
    if template.clock:
        shown["clock"] = template.clock.facts()
    golden = GOLDEN / f"{path.stem}.json"
    if os.environ.get("GOLDEN") == "write":
        rows = json.dumps(shown, ensure_ascii=False, indent=1)
        golden.write_text(rows + "\n", encoding="utf-8")

    assert path.stem == template.key
    assert shown == json.loads(golden.read_text(encoding="utf-8"))


def test_only_our_own_devices_are_simulated_and_they_say_so() -> None:
    for path in TEMPLATES:
        template = parse_shipped(path)
        ours = template.key in {
            "simulated",
            "simulated-fire",
            "simulated-thermal",
            "replay-three-phase",
            "replay-transformer",
        }
        assert template.is_simulated is ours
        assert (template.vendor_en in {"Simulated", "Replay"}) is ours


def test_the_simulated_device_is_one_block_of_about_forty_points() -> None:
    profile = parse_shipped(LIBRARY / "simulated.yaml").profile()

    assert len(plan(profile)) == 1
    assert set(profile.counter_codes) == {"EPI", "EPE", "EQI", "EQE"}
    assert {"IR", "T1", "T4", "DI1", "DI2", "UnbU", "THD_Ia"} <= set(profile.value_codes)


def test_raw_units_become_stored_units() -> None:
    sdm = {r.code: r for r in parse_shipped(LIBRARY / "eastron-sdm630.yaml").profile().registers}
    iem = {r.code: r for r in parse_shipped(LIBRARY / "schneider-iem3000.yaml").profile().registers}

    assert (sdm["P"].unit, sdm["P"].scale) == ("kW", 0.001)
    assert (iem["P"].unit, iem["P"].scale) == ("kW", 1.0)
    assert (iem["EPI"].unit, iem["EPI"].scale) == ("kWh", 0.001)
    assert iem["EPI"].invalid == (1 << 63,)


@pytest.mark.parametrize(
    ("raw", "stored", "expected"),
    [
        ("W", "kW", (0.001, 0)),
        ("MWh", "kWh", (1000, 0)),
        ("A", "mA", (1000, 0)),
        ("1", "%", (100, 0)),
        ("%", "", (0.01, 0)),
        ("K", "°C", (1, -273.15)),
        ("min", "h", (1 / 60, 0)),
        ("ms", "s", (0.001, 0)),
        ("MPa", "bar", (10, 0)),
        ("V", "A", None),
        ("kW", "kvar", None),
        ("kW", "kWh", None),
    ],
)
def test_units_convert_within_a_dimension_only(
    raw: str, stored: str, expected: tuple[float, float] | None
) -> None:
    assert conversion(raw=raw, stored=stored) == expected


def test_fahrenheit_freezes_at_thirty_two() -> None:
    change = conversion(raw="°F", stored="°C")

    assert change is not None
    assert 32 * change.factor + change.offset == pytest.approx(0)


def test_the_dictionary_holds_the_catalogue() -> None:
    by_code = {point.code: point for point in POINTS}

    assert len(by_code) == len(POINTS)
    assert {f"H{q}{p}{n}" for q in "UI" for p in "abc" for n in range(2, 32)} <= set(by_code)
    assert {
        "Ua",
        "Uca",
        "In",
        "PF",
        "PF_4q",
        "EPI_a",
        "EPI_t4",
        "EQ4",
        "IR",
        "T4",
        "DI1",
        "ALM9",
        "online",
        "ICCID",
        "KFc",
    } <= set(by_code)
    assert [
        by_code[code].data_class
        for code in ("Ua", "IR", "T1", "DI1", "THD_Ia", "Ia", "P", "PF", "EPI", "EQ1")
    ] == (["safety"] * 5 + ["load"] * 3 + ["energy"] * 2)
    assert by_code["Ub"].name_zh == "B相电压"
    assert by_code["Uab"].name_en == "Voltage AB"
    assert by_code["EPI"].is_counter
    assert not by_code["P"].is_counter
    assert all(conversion(raw=p.unit, stored=p.unit) for p in POINTS if p.unit != "")


def test_a_wrong_dictionary_says_where(tmp_path: Path) -> None:
    path = tmp_path / "points.yaml"
    path.write_text(
        "points:\n"
        "  - {code: A, name_zh: 甲, name_en: A, group: voltage, data_class: safety}\n"
        "  - {code: A, name_zh: 甲, name_en: A, group: colour, data_class: safety}\n"
    )

    with pytest.raises(DictionaryError) as caught:
        load_points(path)

    assert "line 3" in str(caught.value)
    assert "colour" in str(caught.value)
    assert "already given" in str(caught.value)


def test_a_good_template_needs_few_words() -> None:
    template, errors = parse_template(GOOD, POINTS)

    assert errors == []
    assert template is not None
    register = template.registers[0]
    assert (register.point.code, register.factor, register.line) == ("Ua", 0.1, 5)
    assert (template.max_read_registers, template.max_gap, template.values_are) == (
        120,
        8,
        "primary",
    )


BAD = [
    ("key: [a\nmodel: x", "yaml", 2),
    ("key: a\n\tmodel: b\n", "yaml", 2),
    ("\x00", "yaml", 1),
    ("", "empty", 1),
    ("- a\n- b\n", "not_a_mapping", 1),
    ("just text", "not_a_mapping", 1),
    ("[" * 5000, "too_deep", 1),
    ("a" * 1_000_001, "too_large", 1),
    (GOOD.replace("key: acme-one\n", ""), "missing_field", 1),
    (GOOD.replace("acme-one", "Acme One"), "bad_key", 1),
    (GOOD.replace("{zh: 甲, en: Acme}", "Acme"), "not_a_mapping", 2),
    (GOOD.replace("en: Acme", "de: Acme"), "unknown_key", 2),
    (GOOD.replace("model: One", "model:"), "empty", 3),
    (GOOD.replace("model: One", "model: [One]"), "wrong_type", 3),
    (GOOD.replace("model: One", "model: " + "x" * 81), "too_long", 3),
    (GOOD + "model: Two\n", "duplicate_key", 6),
    (GOOD + "colour: red\n", "unknown_key", 6),
    (GOOD + "max_read_registers: 126\n", "out_of_range", 6),
    (GOOD + "max_read_registers: many\n", "wrong_type", 6),
    (GOOD + "max_gap: 1.5\n", "wrong_type", 6),
    (GOOD + "values_are: tertiary\n", "not_one_of", 6),
    (GOOD + "simulated: perhaps\n", "wrong_type", 6),
    (GOOD + "defaults: {unit_id: 300}\n", "out_of_range", 6),
    (GOOD + "defaults: {parity: X}\n", "not_one_of", 6),
    (GOOD + "forbidden:\n  - {function_code: 3, first: 9, last: 5}\n", "range_order", 7),
    (GOOD + "forbidden: [{function_code: 3, first: 0, last: 5}]\n", "forbidden", 5),
    (GOOD.split("registers:", maxsplit=1)[0], "missing_field", 1),
    (GOOD.split("  - ", maxsplit=1)[0], "not_a_list", 4),
    (GOOD.split("registers:", maxsplit=1)[0] + "registers: []\n", "empty", 4),
    (GOOD + "  - Ub\n", "not_a_mapping", 6),
    (with_register("unit: V, function_code: 3, address: 9, type: uint16"), "missing_field", 6),
    (with_register("point: Ub, unit: V, function_code: 3, type: uint16"), "missing_field", 6),
    (with_register("point: Ub, unit: V, address: 9, type: uint16"), "missing_field", 6),
    (with_register("point: Ub, unit: V, function_code: 3, address: 9"), "missing_field", 6),
    (with_register("point: Ub, function_code: 3, address: 9, type: uint16"), "missing_field", 6),
    (
        with_register("point: Ux, unit: V, function_code: 3, address: 9, type: uint16"),
        "unknown_point",
        6,
    ),
    (
        with_register("point: IMEI, unit: '', function_code: 3, address: 9, type: uint16"),
        "point_not_numeric",
        6,
    ),
    (
        with_register("point: Ua, unit: V, function_code: 3, address: 9, type: uint16"),
        "duplicate_point",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 9, type: uint24"),
        "not_one_of",
        6,
    ),
    (
        with_register("point: Ub, unit: A, function_code: 3, address: 9, type: uint16"),
        "unit_mismatch",
        6,
    ),
    (
        with_register("point: Ub, unit: furlong, function_code: 3, address: 9, type: uint16"),
        "unit_mismatch",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 6, address: 9, type: uint16"),
        "out_of_range",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 65536, type: uint16"),
        "out_of_range",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: -1, type: uint16"),
        "out_of_range",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 65535, type: float32"),
        "address_end",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 9, type: uint16, scale: 0"),
        "zero_scale",
        6,
    ),
    (
        with_register(
            "point: Ub, unit: V, function_code: 3, address: 9, type: uint16, scale: .nan"
        ),
        "wrong_type",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 9, type: uint16, scale: x"),
        "wrong_type",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: true, type: uint16"),
        "wrong_type",
        6,
    ),
    (with_register("point: DI1, function_code: 3, address: 9, type: bits"), "bit_missing", 6),
    (
        with_register("point: DI1, function_code: 3, address: 9, type: bits, bit: 16"),
        "out_of_range",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 9, type: uint16, bit: 1"),
        "bit_without_bits",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 2, address: 9, type: uint16"),
        "type_needs_registers",
        6,
    ),
    (
        with_register(
            "point: Ub, unit: V, function_code: 3, address: 9, type: uint16, invalid: [65536]"
        ),
        "marker_range",
        6,
    ),
    (
        with_register(
            "point: Ub, unit: V, function_code: 3, address: 9, type: uint16, invalid: [none]"
        ),
        "wrong_type",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 9, type: uint16, invalid: 7"),
        "not_a_list",
        6,
    ),
    (
        with_register(
            "point: Ub, unit: V, function_code: 3, address: 9, type: uint16, minimum: 5, maximum: 4"
        ),
        "range_order",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 0, type: float32"),
        "overlap",
        6,
    ),
    (
        with_register("point: Ub, unit: V, function_code: 3, address: 9, type: float32")
        + "max_read_registers: 1\n",
        "too_wide",
        6,
    ),
    (
        with_register(
            "point: Ub, unit: V, function_code: 3, address: 9, type: uint16, colour: red"
        ),
        "unknown_key",
        6,
    ),
    (
        with_register(
            "point: Ub, unit: V, function_code: 3, address: 9, type: uint16, poll_class: often"
        ),
        "not_one_of",
        6,
    ),
    (
        GOOD
        + "  - &line {point: Ub, unit: V, function_code: 3, address: 9, type: uint16}\n"
        + "  - *line\n" * 1000,
        "too_many",
        5,
    ),
    (with_output(code="1-st"), "output_code", 7),
    (with_output() + f"  - {OUTPUT}\n", "duplicate_output", 8),
    (with_output(off="{address: 0, values: [1]}"), "same_command", 7),
    (with_output(on="{address: 0, values: [1, 1]}"), "one_value", 7),
    (with_output(on="{address: 0, values: [2]}"), "coil_value", 7),
    (with_output(on="{address: 0, values: [yes]}"), "wrong_type", 7),
    (with_output(on="{address: 0, values: []}"), "out_of_range", 7),
    (with_output(on="{address: 0}"), "missing_field", 7),
    (with_output(function_code="3"), "not_one_of", 7),
    (GOOD + "clock: {function_code: 3, address: 60, format: epoch, year_base: 9}\n", "no_year", 6),
    (with_output(state="{function_code: 1, address: 0, bit: 3}"), "state_bit", 7),
    (with_output(state="{function_code: 3, address: 0, on: 7, off: 7}"), "same_state", 7),
    (with_output(state="{function_code: 5, address: 0}"), "out_of_range", 7),
    (with_output(pulse_ms="500"), "unknown_key", 7),
    (with_output().replace("state: {function_code: 1, address: 0}, ", ""), "missing_field", 7),
]


@pytest.mark.parametrize(("text", "code", "line"), BAD)
def test_bad_text_is_answered_at_its_line(text: str, code: str, line: int) -> None:
    errors = errors_of(text)

    assert (code, line) in [(error.code, error.line) for error in errors]
    for error in errors:
        assert str(error).startswith(f"line {error.line}, column {error.column}: ")
        assert len(str(error)) < 700


def test_every_message_is_reached_by_a_bad_text() -> None:
    assert {code for _, code, _ in BAD} == set(MESSAGES)


def test_all_errors_of_a_text_come_at_once_in_order() -> None:
    text = with_register("point: Ux, unit: V, function_code: 9, address: 70000, type: word")

    errors = errors_of("colour: red\n" + text)

    assert [(error.line, error.code) for error in errors] == [
        (1, "unknown_key"),
        (7, "unknown_point"),
        (7, "out_of_range"),
        (7, "out_of_range"),
        (7, "not_one_of"),
    ]


def test_a_typing_slip_gets_a_suggestion() -> None:
    (error,) = errors_of(GOOD.replace("point: Ua", "point: UA"))

    assert error.field == "registers[0].point"
    assert "Ua" in str(error)


def test_bits_and_halves_may_share_a_word() -> None:
    text = with_register("point: DI1, function_code: 3, address: 9, type: bits, bit: 0")
    text += "  - {point: DI2, function_code: 3, address: 9, type: bits, bit: 1}\n"
    text += "  - {point: DI2, function_code: 4, address: 0, type: bits, bit: 1}\n"

    assert [error.code for error in errors_of(text)] == ["duplicate_point"]


WORDS_OF_TEMPLATES = st.sampled_from(
    [
        "key",
        "registers",
        "defaults",
        "!!timestamp",
        "!!int",
        "!!bool",
        "!!binary",
        "!!float",
        "!!python/object:os.system",
        "&a",
        "*a",
        "<<",
        "[",
        "]",
        "{",
        "}",
        ":",
        "-",
        "?",
        "|",
        ">",
        "1e400",
        ".inf",
        "9" * 5000,
        "0x",
        "~",
        "'",
        "\n",
        "\n  - ",
        ", ",
        "#",
        "%",
        "@",
        "\t",
    ]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_text_whatever_breaks_the_reader(data: st.DataObject) -> None:
    text = (
        with_register(
            "point: Ub, unit: V, function_code: 3, address: 9, type: uint16, invalid: [1],"
            " minimum: 1, poll_class: fast"
        )
        + "forbidden: [{function_code: 3, first: 50, last: 60}]\ndefaults: {unit_id: 1}\n"
    )
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(WORDS_OF_TEMPLATES | st.text(max_size=5)) + text[at + gone :]

    template, errors = parse_template(text, POINTS)

    assert (template is None) == bool(errors)
    assert all(str(error) for error in errors)

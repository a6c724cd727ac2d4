"""Templates from text: versions by content, layouts by points, an error per line."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from devices.drivers.documents import MESSAGES
from devices.models import Layout, PointCode, TemplateVersion
from devices.services import complaints, templates
from devices.services.templates import TemplateRefused, import_template, load_library, profile_of
from devices.tests.factories import make_library_version, make_point

pytestmark = pytest.mark.django_db

TEXT = """\
key: acme-1
vendor: {zh: 爱克米, en: Acme}
model: One
max_read_registers: 60
forbidden: [{function_code: 3, first: 100, last: 101}]
registers:
  - {point: Ua, unit: V, function_code: 3, address: 0, type: uint16, scale: 0.1}
  - {point: P, unit: W, function_code: 3, address: 2, type: int32, word_order: little}
  - {point: EPI, unit: Wh, function_code: 3, address: 4, type: uint32, invalid: [-1]}
"""


@pytest.fixture(autouse=True)
def dictionary(db: None) -> None:
    for code in ("Ua", "Ub", "P", "EPI"):
        make_point(code)


def test_the_whole_library_is_imported_and_again_changes_nothing() -> None:
    first = load_library()
    second = load_library()

    shipped = sorted(path.stem for path in templates.LIBRARY.glob("*.yaml"))
    shipped.remove("points")
    assert sorted(result.version.template.key for result in first) == shipped
    assert all(result.is_new for result in first)
    assert [result.version.pk for result in second] == [result.version.pk for result in first]
    assert not any(result.is_new for result in second)
    for result in first:
        profile = profile_of(result.version)
        assert list(profile.value_codes) == result.version.layout.value_codes
        assert list(profile.counter_codes) == result.version.layout.counter_codes


def test_one_template_of_the_library_can_be_used_alone() -> None:
    version = make_library_version("eastron-sdm630")

    assert version.template.vendor_en == "Eastron"
    assert "Ua" in version.layout.value_codes
    assert "EPI" in version.layout.counter_codes


def test_the_dictionary_follows_the_text() -> None:
    PointCode.objects.filter(code="Ua").update(name="old", unit="kV")

    load_library()

    point = PointCode.objects.get(code="Ua")
    assert (point.name, point.unit) == ("A相电压", "V")


def test_the_profile_carries_every_fact_of_the_text() -> None:
    profile = profile_of(import_template(TEXT).version)

    ua, power, energy = profile.registers
    assert (profile.key, profile.version, profile.max_read_registers) == ("acme-1", 1, 60)
    assert profile.forbidden == ((3, 100, 101),)
    assert (ua.code, ua.unit, ua.address, ua.type, ua.scale) == ("Ua", "V", 0, "uint16", 0.1)
    assert (power.scale, power.word_order) == (0.001, "little")
    assert (energy.is_counter, energy.invalid) == (True, (0xFFFFFFFF,))


def test_the_same_content_is_no_new_version() -> None:
    first = import_template(TEXT)

    again = import_template("# a comment\n" + TEXT.replace("爱克米", "埃克姆"))

    assert again.version == first.version
    assert not again.is_new
    first.version.template.refresh_from_db()
    assert first.version.template.vendor == "埃克姆"


def test_changed_content_is_a_new_version_with_the_same_layout() -> None:
    first = import_template(TEXT).version

    second = import_template(TEXT.replace("scale: 0.1", "scale: 0.01")).version

    assert (first.number, second.number) == (1, 2)
    assert second.layout == first.layout
    assert first.registers.get(point__code="Ua").scale == 0.1


def test_the_order_of_lines_does_not_make_a_layout() -> None:
    lines = TEXT.splitlines(keepends=True)
    first = import_template(TEXT).version
    turned = "".join([*lines[:6], lines[8], lines[7], lines[6]]).replace("acme-1", "acme-2")

    second = import_template(turned).version

    assert second.layout == first.layout
    assert profile_of(second).value_codes == profile_of(first).value_codes == ("Ua", "P")


def test_another_point_is_another_layout() -> None:
    first = import_template(TEXT).version
    more = TEXT + "  - {point: Ub, unit: V, function_code: 3, address: 8, type: uint16}\n"

    second = import_template(more).version

    assert second.layout != first.layout
    assert second.layout.value_codes == ["Ua", "P", "Ub"]


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("point: Ua", "point: Uz", 7, "registers[0].point"),
        ("unit: V", "unit: A", 7, "registers[0].unit"),
        ("type: uint16", "type: uint17", 7, "registers[0].type"),
        ("address: 2", "address: 70000", 8, "registers[1].address"),
        ("address: 2", "address: 0", 8, "registers[1].address"),
        ("point: P", "point: Ua", 8, "registers[1]"),
        ("function_code: 3, address: 4", "function_code: 9, address: 4", 9, "registers[2]"),
        ("scale: 0.1", "scale: 0", 7, "registers[0].scale"),
        ("model: One", "modell: One", 3, "modell"),
        ("key: acme-1", "key: Acme 1", 1, "key"),
        ("max_read_registers: 60", "max_read_registers: 999", 4, "max_read_registers"),
        ("registers:", "registers: [", 0, ""),
    ],
)
def test_each_mistake_is_said_with_its_line(old: str, new: str, line: int, field: str) -> None:
    with pytest.raises(TemplateRefused) as caught:
        import_template(TEXT.replace(old, new, 1))

    said = caught.value.fields["document"]
    if line:
        assert any(text.startswith(f"第 {line} 行") and field in text for text in said), said
    assert said
    assert not TemplateVersion.objects.exists()
    assert not Layout.objects.exists()


def test_all_mistakes_are_said_at_once() -> None:
    bad = TEXT.replace("point: Ua", "point: Uz").replace("unit: Wh", "unit: V")

    with pytest.raises(TemplateRefused) as caught:
        import_template(bad)

    assert [error.line for error in caught.value.errors] == [7, 9]


def test_every_complaint_of_the_parser_has_a_text_for_people() -> None:
    assert complaints._TEXTS.keys() == MESSAGES.keys()
    for code, english in MESSAGES.items():
        names = {part.split("}")[0] for part in english.split("{")[1:]}
        params = dict.fromkeys(names, 1)
        with translation.override("zh-hans"):
            str(complaints._TEXTS[code]) % params


def test_the_command_names_file_and_line_and_fails(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(TEXT, encoding="utf-8")
    bad.write_text(TEXT.replace("point: Ua", "point: Uz"), encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(CommandError, match="1 of 2"):
        call_command("import_templates", str(bad), str(good), stdout=out, stderr=err)

    assert "acme-1 v1 new" in out.getvalue()
    assert f"{bad}: line 7" in err.getvalue()


def test_the_command_loads_the_library() -> None:
    out = io.StringIO()

    call_command("load_library", stdout=out)

    assert "simulated v1 new" in out.getvalue()

"""Templates as workbooks: nothing is lost on the way there and back, faults name their cells."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from devices.drivers.library import TemplateDef, parse_template
from devices.drivers.points import load_points
from devices.drivers.writing import write
from devices.models import TemplateVersion
from devices.services import template_books, templates
from devices.services.template_drafts import facts_of_version, plain_of, text_of
from devices.tests.factories import make_library_version

pytestmark = pytest.mark.django_db

POINTS = load_points(templates.LIBRARY / templates.POINTS_FILE)


def read(text: str) -> TemplateDef:
    """A template without the lines on which its parts stood."""
    template, errors = parse_template(text, POINTS)
    assert [str(error) for error in errors] == []
    assert template is not None
    return replace(
        template,
        registers=tuple(replace(one, line=0) for one in template.registers),
        outputs=tuple(replace(one, line=0) for one in template.outputs),
    )


def test_there_and_back_is_the_same_for_every_template_that_ships() -> None:
    for version in [result.version for result in templates.load_library()]:
        content = template_books.workbook(version)

        draft = template_books.draft_of_book(content, name="template.xlsx")

        assert draft.faults == []
        assert read(draft.text) == read(version.document)
        assert not draft.difference
        assert draft.changes == []
        assert not draft.makes_version


def test_a_version_without_its_text_is_written_from_its_rows() -> None:
    for version in [result.version for result in templates.load_library()]:
        whole = facts_of_version(version)
        TemplateVersion.objects.filter(pk=version.pk).update(document="")
        version.refresh_from_db()

        again = templates.import_template(text_of(version))

        assert not again.is_new
        assert facts_of_version(again.version) == whole


def changed(version: TemplateVersion, sheet: int, cells: dict[str, Any]) -> bytes:
    book = load_workbook(BytesIO(template_books.workbook(version)))
    for cell, value in cells.items():
        book.worksheets[sheet][cell] = value
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def test_every_fault_is_told_by_sheet_and_cell() -> None:
    version = make_library_version("eastron-sdm630")
    cells = {
        "A2": "Uq",
        "C3": 9,
        "D12": "=1+1",
        "I5": "viel",
        "A7": "Uc",
        "D8": 6,
        "Q1": "colour",
    }

    draft = template_books.draft_of_book(changed(version, 1, cells), name="m.xlsx")

    found = {fault.cell: fault for fault in draft.faults}
    assert {"A2", "C3", "D12", "I5", "A7", "D8", "Q1"} <= set(found)
    assert {fault.sheet for fault in draft.faults} == {"寄存器 (registers)"}
    assert "Uq" in found["A2"].words
    assert "公式" in found["D12"].words
    assert "第 4 行" in found["A7"].words
    assert draft.template is None


def test_faults_of_the_template_as_a_whole_are_told_too() -> None:
    version = make_library_version("eastron-sdm630")
    content = changed(version, 0, {"B2": "Not A Key", "B13": 999, "A19": "farbe", "B19": "rot"})

    draft = template_books.draft_of_book(content, name="m.xlsx")

    assert {fault.cell for fault in draft.faults} == {"B2", "B13", "A19"}
    assert {fault.sheet for fault in draft.faults} == {"模板 (template)"}


def test_a_workbook_without_our_sheets_says_what_it_lacks() -> None:
    file = BytesIO()
    Workbook().save(file)

    draft = template_books.draft_of_book(file.getvalue(), name="m.xlsx")

    assert sorted(f.field for f in draft.faults if "缺少工作表" in f.words) == [
        "registers",
        "template",
    ]


def test_a_number_as_text_or_hexadecimal_is_a_number() -> None:
    version = make_library_version("schneider-iem3000")
    plain = plain_of(version)
    rows = [item for item in plain["registers"] if item.get("invalid")]
    row = 2 + plain["registers"].index(rows[0])
    marks = ", ".join(hex(mark) for mark in rows[0]["invalid"])
    cells = {f"D{row}": hex(rows[0]["address"]), f"K{row}": marks, f"C{row}": "3"}

    draft = template_books.draft_of_book(changed(version, 1, cells), name="m.xlsx")

    assert draft.faults == []
    assert not draft.difference
    assert read(write(plain)) == read(version.document)

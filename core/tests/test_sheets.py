"""Sheets: what a spreadsheet is given."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.test import RequestFactory
from openpyxl import load_workbook

from core import sheets
from core.errors import Invalid
from core.sheets import Field

FIELDS = [
    Field("名称", lambda line: line[0]),
    Field("电流", lambda line: line[1], unit="A"),
    Field("时间", lambda line: line[2]),
]
AT = datetime(2026, 11, 20, 6, 6, 12, tzinfo=UTC)
LINES = [
    ("=HYPERLINK(1)", 672.4, AT),
    ("-1", None, None),
    ("@x", float("nan"), AT),
    ('中文, "引号"\n换行', -3, AT),
    ("＝1", None, None),
    ("\n=1", None, None),
]


def answered(kind: str) -> bytes:
    request = RequestFactory().get("/")
    response = sheets.answer(
        request, kind=kind, name="告警", fields=FIELDS, lines=iter(LINES), zone="Asia/Shanghai"
    )
    assert f".{kind}" in response["Content-Disposition"]
    if response.streaming:
        return b"".join(response.streaming_content)  # type: ignore[attr-defined]
    return response.content  # type: ignore[attr-defined]


def test_csv_has_a_mark_units_offsets_and_no_formulas() -> None:
    body = answered("csv")

    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert rows == [
        ["名称", "电流 (A)", "时间"],
        ["'=HYPERLINK(1)", "672.4", "2026-11-20T14:06:12+08:00"],
        ["'-1", "", ""],
        ["'@x", "", "2026-11-20T14:06:12+08:00"],
        ['中文, "引号"\n换行', "-3", "2026-11-20T14:06:12+08:00"],
        ["'＝1", "", ""],
        ["'\n=1", "", ""],
    ]


def test_xlsx_keeps_numbers_as_numbers() -> None:
    sheet = load_workbook(io.BytesIO(answered("xlsx"))).active

    rows = list(sheet.values)
    assert rows[0] == ("名称", "电流 (A)", "时间")
    assert rows[1] == ("'=HYPERLINK(1)", 672.4, "2026-11-20T14:06:12+08:00")
    assert rows[2] == ("'-1", None, None)
    assert rows[4][1] == -3
    assert sheet.freeze_panes == "A2"


def test_csv_comes_in_pieces() -> None:
    taken = 0

    def rows() -> Iterator[list[int]]:
        nonlocal taken
        for number in range(5000):
            taken += 1
            yield [number]

    chunks = sheets.csv_chunks(["n"], rows())
    next(chunks)

    assert 0 < taken < 1000


def test_too_many_rows_are_refused_with_what_to_do() -> None:
    sheets.check_size(sheets.ROWS_AT_ONCE)

    with pytest.raises(Invalid, match="50,001.*筛选"):
        sheets.check_size(sheets.ROWS_AT_ONCE + 1)

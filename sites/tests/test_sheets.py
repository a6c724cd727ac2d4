"""The round trip of spreadsheets: what goes out comes back, and one changed cell is one change."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from openpyxl import Workbook, load_workbook

from devices.models import Device
from devices.states import VersionState
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from sites import services
from sites.admin.places import EnterpriseAdmin, RoomAdmin, SiteAdmin
from sites.models import Circuit, Enterprise, Job, Room, Site, Transformer, User
from sites.resources import books, files, works
from sites.resources.sheets import every_sheet
from sites.tests.factories import (
    People,
    make_circuit,
    make_room,
    make_transformer,
    people,
)
from tests.queries import check, queries_of

pytestmark = pytest.mark.django_db
Edit = Callable[[Any], None]


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def cast() -> People:
    """A site with everything on it: a row in every sheet."""
    cast = people()
    site = cast.site
    site.commissioned_on = date(2024, 5, 1)
    site.save()
    cast.enterprise.contract_capacity_kva = 1250.5
    cast.enterprise.save()
    room = make_room("一号配电室", site=site)
    transformer = make_transformer("1#变", room=room)
    incomer = make_circuit("进线", room=room, transformer=transformer, code="401", kind="incomer")
    circuit = make_circuit("=SUM(1)", room=room, parent=incomer, code="N1")
    bus = make_bus(gateway=make_gateway(site=site, name="网关甲", host="10.0.0.1"), port=502)
    version = make_template_version()
    for number in (1, 2):
        make_device(
            bus=bus,
            name=f"{number} 号表",
            code=f"M{number}",
            unit_id=number,
            room=room,
            circuit=circuit,
            template_version=version,
        )
    make_device(site=cast.other_site, name="别人的表")
    return cast


def nothing(_done: int, _total: int, _phase: str) -> None:
    """Nobody waits for a test."""


def exported(user: User, *keys: str, language: str = "zh-hans", is_csv: bool = False) -> bytes:
    with translation.override(language):
        sheets = works.chosen(list(keys) or [sheet.key for sheet in every_sheet()])
        return books.export(sheets, user=user, progress=nothing, is_csv=is_csv)


def edited(content: bytes, edit: Edit) -> bytes:
    book = load_workbook(io.BytesIO(content))
    edit(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def done(job: Job) -> Job:
    services.run_job(job_id=job.pk)
    job.refresh_from_db()
    return job


def checked(user: User, content: bytes, *, name: str = "档案.xlsx", kind: str = "") -> Job:
    file = io.BytesIO(content)
    return done(works.ask_check(user=user, file=file, name=name, kind=kind, now=timezone.now()))


def imported(user: User, check: Job) -> Job:
    return done(works.ask_import(user=user, check_id=check.pk, now=timezone.now()))


def counts(job: Job) -> dict[str, tuple[int, int, int, int]]:
    return {
        sheet["key"]: tuple(sheet[k] for k in ("added", "changed", "unchanged", "error"))
        for sheet in job.outcome["sheets"]
    }


def problems(job: Job) -> list[tuple[str, str]]:
    """(cell, sentence) of every row on the page."""
    return [
        (problem["cell"], problem["message"])
        for row in job.outcome["rows"]
        for problem in row["problems"]
    ]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_what_went_out_comes_back_without_a_change(cast: People, language: str) -> None:
    content = exported(cast.adm, language=language)

    check = checked(cast.adm, content)

    assert check.state == "done", check.message
    assert problems(check) == []
    assert {key: row[:2] for key, row in counts(check).items()} == dict.fromkeys(
        (sheet.key for sheet in every_sheet()), (0, 0)
    )
    assert counts(check)["devices"][2] == 3
    assert not check.outcome["is_clean"], "nothing to write, nothing to confirm"


def test_a_manager_gets_his_own_rows_and_they_come_back(cast: People) -> None:
    check = checked(cast.ana, exported(cast.ana))

    assert counts(check)["devices"] == (0, 0, 2, 0)
    assert counts(check)["sites"] == (0, 0, 1, 0)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_csv_comes_back_too(cast: People, language: str) -> None:
    content = exported(cast.ana, "circuits", language=language, is_csv=True)
    assert content.startswith(b"\xef\xbb\xbf")
    assert "'=SUM(1)" in content.decode("utf-8-sig")

    check = checked(cast.ana, content, name="circuits.csv", kind="circuits")

    assert counts(check) == {"circuits": (0, 0, 2, 0)}


def test_one_cell_is_one_difference_and_is_written_once_confirmed(cast: People) -> None:
    def edit(book: Any) -> None:
        book["设备"]["F2"] = "新表名"

    content = edited(exported(cast.ana, "devices"), edit)
    check = checked(cast.ana, content)

    assert counts(check) == {"devices": (0, 1, 1, 0)}
    (row,) = check.outcome["rows"]
    assert row["changes"] == [["名称", "1 号表", "新表名"]]
    assert (row["row"], row["name"]) == (2, "1 号表")
    assert not Device.objects.filter(name="新表名").exists(), "a dry run wrote"

    before = timezone.now()
    job = imported(cast.ana, check)

    assert job.state == "done", job.message
    device = Device.objects.get(name="新表名")
    assert device.updated_at >= before
    assert "xbm" in device.search_text, "the words to search by were not computed"
    event = apps.get_model("devices", "DeviceEvent").objects.get(pgh_label="update")
    assert (event.name, event.pgh_context.metadata["user"]) == ("1 号表", cast.ana.pk)
    assert event.pgh_context.metadata["job"] == job.pk


def test_a_retired_version_is_kept_by_its_devices_and_taken_by_no_other(cast: People) -> None:
    gone = make_template_version()
    kept, other = Device.objects.filter(site=cast.site).order_by("code")
    Device.objects.filter(pk=kept.pk).update(template_version=gone)
    gone.state = VersionState.RETIRED
    gone.save()
    content = exported(cast.ana, "devices")
    book = load_workbook(io.BytesIO(content))
    column = next(cell.column for cell in book["设备"][1] if "模板版本" in str(cell.value))

    def edit(book: Any) -> None:
        sheet = book["设备"]
        sheet.cell(3, column).value = sheet.cell(2, column).value

    assert counts(checked(cast.ana, content)) == {"devices": (0, 0, 2, 0)}
    check = checked(cast.ana, edited(content, edit))

    assert counts(check) == {"devices": (0, 0, 1, 1)}
    assert [message for _cell, message in problems(check)] == ["该版本已停用，不能再选用。"]
    other.refresh_from_db()
    assert other.template_version != gone


def test_new_rows_may_point_to_new_rows_of_the_same_file(cast: People) -> None:
    def edit(book: Any) -> None:
        book["企业"].append([None, "E9", "新厂"])
        book["站点"].append([None, "S9", "新站", None, "E9"])
        book["配电室"].append([None, "S9", "甲室"])
        book["变压器"].append([None, "S9 / 甲室", "1#", None, 800])
        book["回路"].append([None, "S9 / 甲室", "401", "进线", None, "进线", "S9 / 甲室 / 1#"])
        book["回路"].append([None, "S9 / 甲室", "N1", "出线", None, None, None, "S9 / 甲室 / 401"])
        book["网关"].append([None, "S9", "GW", None, None, None, "10.9.9.9"])
        book["总线"].append([None, "S9 / GW", 1, 502])
        version = Device.objects.first().template_version
        book["设备"].append(
            [None, "S9", "S9 / 甲室", "S9 / 甲室 / N1", "M9", "新表", None, "S9 / GW / 1", 7]
            + [f"{version.template} v1"]
        )

    check = checked(cast.adm, edited(exported(cast.adm), edit))
    assert problems(check) == []
    job = imported(cast.adm, check)

    assert job.state == "done", job.message
    device = Device.objects.get(code="M9")
    assert device.site.number == "S9"
    assert device.site.enterprise.number == "E9"
    assert device.circuit.parent.transformer.rated_kva == 800
    assert (device.bus.gateway.host, device.unit_id) == ("10.9.9.9", 7)


def test_everything_wrong_is_said_with_its_cell_and_nothing_is_written(cast: People) -> None:
    stranger = Device.objects.get(name="别人的表")

    def edit(book: Any) -> None:
        page = book["设备"]
        page["I2"] = "七"
        page["B3"] = cast.other_site.number
        version = page["J2"].value
        for cells in (
            [stranger.pk],
            [99999999, cast.site.number],
            [page["A2"].value],
            [None, cast.site.number, None, None, "X1", "重址", None, page["H2"].value, 2, version],
            [None, cast.site.number, "没有的室", None, "X2", "x" * 200, None, None, 3, version],
            [None, None, None, None, "X3", "=1+1", None, None, 999, version, "也许"],
        ):
            page.append(cells)

    content = edited(exported(cast.ana, "devices"), edit)
    check = checked(cast.ana, content)

    found = problems(check)
    unknown = "没有这个 ID，或您无权维护它。"
    assert ("I2", "应为整数，实际为“七”。") in found or ("I2", "应为数字，实际为“七”。") in found
    assert [cell for cell, text in found if text == unknown] == ["A4", "A5"]
    assert ("A6", "此 ID 在文件中出现了两次。") in found
    assert any(cell == "B3" and "无权维护" in text for cell, text in found)
    assert any(cell == "I7" and "通信地址" in text for cell, text in found)
    assert any(cell == "C8" and "没有的室" in text for cell, text in found)
    assert any(cell == "F8" and "120" in text for cell, text in found)
    assert any(cell == "F9" and "公式" in text for cell, text in found)
    assert any(cell == "B9" and "不能为空" in text for cell, text in found)
    assert any(cell == "I9" and "255" in text for cell, text in found)
    assert any(cell == "K9" and "是、否" in text for cell, text in found)
    assert "别人的表" not in str(check.outcome)
    with pytest.raises(works.Invalid):
        works.ask_import(user=cast.ana, check_id=check.pk, now=timezone.now())
    assert not Device.objects.filter(code__in=("X1", "X2", "X3")).exists()

    page = load_workbook(io.BytesIO(check.result.read()))["设备"]
    marks = [cell.value for cell in page["N"]]
    assert marks[0] == "导入结果"
    assert "七" in marks[1]
    assert page["I2"].fill.fgColor.rgb.endswith("FDECEE")
    assert page["E2"].value == "M1"


def test_a_corrected_error_workbook_is_taken_as_it_is(cast: People) -> None:
    def spoil(book: Any) -> None:
        book["设备"]["I2"] = "七"

    def mend(book: Any) -> None:
        book["设备"]["I2"] = " ７ "

    check = checked(cast.ana, edited(exported(cast.ana, "devices"), spoil))
    again = checked(cast.ana, edited(check.result.read(), mend))

    assert problems(again) == []
    assert again.outcome["rows"][0]["changes"] == [["通信地址", "1", "7"]]


@pytest.mark.parametrize(
    ("header", "words"),
    [("没有的列", "K1"), ("名称", "重复")],
)
def test_unknown_and_double_headers_are_named(cast: People, header: str, words: str) -> None:
    def edit(book: Any) -> None:
        book["配电室"]["F1" if header == "名称" else "K1"] = header

    job = checked(cast.ana, edited(exported(cast.ana, "rooms"), edit))

    assert job.state == "failed"
    assert header in job.message
    assert words in job.message


def test_cells_are_read_as_people_mean_them(cast: People) -> None:
    book = Workbook()
    page = book.worksheets[0]
    page.title = "Site"
    page.append(["id", "commissioned_on", "额定电压 (V)", "Name", "latitude_deg", "联系电话"])
    row = [cast.site.pk, 45413, "１０，０００", "  印染厂二期 ", "23.5", 13800000000]
    page.append(row)
    page.append([None] * 6)
    target = io.BytesIO()
    book.save(target)

    check = checked(cast.ana, target.getvalue())

    assert problems(check) == []
    imported(cast.ana, check)
    site = Site.objects.get(pk=cast.site.pk)
    assert site.commissioned_on == date(2024, 5, 1)
    assert (site.nominal_voltage_v, site.name) == (10000, "印染厂二期")
    assert (site.latitude_deg, site.contact_phone) == (23.5, "13800000000")


@pytest.mark.parametrize("day", [datetime(2024, 6, 2), "2024/6/2", "2024年6月2日", "2024.06.02"])  # noqa: DTZ001 - what openpyxl gives
def test_days_in_many_shapes(cast: People, day: Any) -> None:
    def edit(book: Any) -> None:
        book["站点"]["M2"] = day

    check = checked(cast.ana, edited(exported(cast.ana, "sites"), edit))

    assert check.outcome["rows"][0]["changes"] == [["投运日期", "2024-05-01", "2024-06-02"]]


def test_merged_cells_are_refused_by_name(cast: People) -> None:
    content = edited(exported(cast.ana, "devices"), lambda book: book["设备"].merge_cells("B2:B3"))

    job = checked(cast.ana, content)

    assert (job.state, "B2:B3" in job.message) == ("failed", True)


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b" " * (301 << 20))
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0old", ".xls"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "无法读取"),
        (b"PK\x03\x04broken", "无法读取"),
        (b"\n" * 1_200_000, "行数过多"),
        (b"", "没有数据"),
    ],
    ids=["xls", "picture", "zip", "empty rows", "empty"],
)
def test_hostile_files_get_a_sentence(cast: People, content: bytes, words: str) -> None:
    job = checked(cast.ana, content, name="x.csv", kind="devices")

    assert job.state == "failed"
    assert words in job.message


@pytest.mark.parametrize("text", ["#²", "#" + "9" * 5000, "sNaN", "1e999999999", "፩", "1" * 400])
def test_no_cell_stops_the_comparing(cast: People, text: str) -> None:
    """A reference, a number and a day that Python stumbles over are wrong cells like others."""

    def edit(book: Any) -> None:
        for column in ("F", "L", "M"):
            book["站点"][f"{column}2"] = text

    check = checked(cast.ana, edited(exported(cast.ana, "sites"), edit))

    assert check.state == "done"
    assert {cell for cell, _words in problems(check)} == {"F2", "L2", "M2"}


def test_columns_without_end_are_not_looked_at(cast: People) -> None:
    content = b"id,name" + b"," * 100_000 + b"x\n" + b"1,a\n" * 20_000

    table = files.read_tables(content, name="x.csv")[0]

    assert (len(table.header), len(table.rows)) == (2, 20_000)


def test_a_text_stays_a_text_in_the_workbook_of_what_is_wrong(cast: People) -> None:
    """A name of somebody else, brought out with care, comes back as no formula either."""
    content = exported(cast.ana, "circuits", is_csv=True).replace(
        b",N1,", b",N1" + b"x" * 50 + b","
    )

    job = checked(cast.ana, content, name="回路.csv", kind="circuits")

    sheet = load_workbook(job.result).worksheets[0]
    (cell,) = (cell for row in sheet for cell in row if cell.value == "=SUM(1)")
    assert cell.data_type == "s"


def test_a_workbook_too_large_to_be_marked_is_judged_all_the_same(
    cast: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "MARKED_AT_MOST_BYTES", 1000)

    def edit(book: Any) -> None:
        book["配电室"]["A2"] = 10**12

    job = checked(cast.ana, edited(exported(cast.ana, "rooms"), edit))

    assert (job.state, job.result.name, len(problems(job))) == ("done", "", 1)
    assert "请拆成较小的文件" in job.message


def packed(sheet: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", sheet)
    return target.getvalue()


def test_merged_cells_are_found_across_pieces_and_quickly() -> None:
    """A tag that is never closed is looked at once, not once for each that begins in it."""
    merged = b'<mergeCell ref="B2:B3"/>'
    for before in range((1 << 20) - len(merged), (1 << 20) + 1, 6):
        with zipfile.ZipFile(io.BytesIO(packed(b" " * before + merged))) as parts:
            assert files._merged_cells(parts) == ["B2:B3"]
    with zipfile.ZipFile(io.BytesIO(packed(b"<mergeCell " * (1 << 18)))) as parts:
        assert files._merged_cells(parts) == []


def test_a_bomb_does_not_go_off() -> None:
    with pytest.raises(files.Invalid, match="过大"):
        files.read_tables(bomb(), name="x.xlsx")


def test_rows_far_down_cost_nothing(cast: People) -> None:
    def edit(book: Any) -> None:
        book["配电室"]["A1000000"] = "  "

    check = checked(cast.ana, edited(exported(cast.ana, "rooms"), edit))

    assert counts(check) == {"rooms": (0, 0, 1, 0)}


def test_a_renamed_room_takes_its_circuits_along(cast: People) -> None:
    def edit(book: Any) -> None:
        book["配电室"]["C2"] = "改名的室"

    check = checked(cast.ana, edited(exported(cast.ana), edit))

    assert {key: row[1] for key, row in counts(check).items() if row[1]} == {"rooms": 1}


def test_many_rows_are_written_by_few_statements_with_every_kind_of_fact(cast: People) -> None:
    Site.objects.bulk_create(
        Site(enterprise=cast.enterprise, number=f"Z{n}", name=f"站 {n}", team=cast.site.team)
        for n in range(40)
    )
    content = exported(cast.adm, "sites")
    names = [column.name for column in works.chosen(["sites"])[0].columns]
    facts = {
        "name": "新名",
        "latitude_deg": 30.125,
        "commissioned_on": date(2025, 3, 4),
        "team": None,
    }

    def edit(book: Any) -> None:
        page = book.worksheets[0]
        for row in range(2, page.max_row + 1):
            for name, value in facts.items():
                page.cell(row, names.index(name) + 2).value = value
            page.cell(row, names.index("longitude_deg") + 2, 100 + row / 4)

    check = checked(cast.adm, edited(content, edit))
    assert check.outcome["is_clean"], problems(check)
    with CaptureQueriesContext(connection) as captured:
        job = imported(cast.adm, check)

    assert job.state == "done", job.message
    updates = [q["sql"] for q in captured.captured_queries if 'UPDATE "sites_site"' in q["sql"]]
    assert len(updates) == 1
    rows = Site.objects.order_by("pk")
    found = {(r.name, r.latitude_deg, r.commissioned_on, r.team_id) for r in rows}
    assert found == {("新名", 30.125, date(2025, 3, 4), None)}
    assert len({row.longitude_deg for row in rows}) == rows.count()
    assert all("xinming" in row.search_text for row in rows)


def test_what_changed_meanwhile_is_not_overwritten(cast: People) -> None:
    def edit(book: Any) -> None:
        book["设备"]["F2"] = "新表名"

    check = checked(cast.ana, edited(exported(cast.ana, "devices"), edit))
    Device.objects.filter(name="1 号表").update(name="别人改的")

    job = imported(cast.ana, check)

    assert job.state == "failed"
    assert "核对之后" in job.message
    assert Device.objects.filter(name="别人改的").exists()


def test_what_only_the_database_sees_undoes_the_whole_file(cast: People) -> None:
    """Two circuits that become each other's parent: each for itself is allowed."""
    room = Room.objects.get(name="一号配电室")
    first, second = (make_circuit(f"环{i}", room=room, code=f"R{i}") for i in (1, 2))
    path = f"{cast.site.number} / 一号配电室"

    def edit(book: Any) -> None:
        page = book["回路"]
        for row in page.iter_rows(min_row=2):
            if row[0].value == first.pk:
                row[7].value, row[3].value = f"{path} / R2", "改名"
            if row[0].value == second.pk:
                row[7].value, row[3].value = f"{path} / R1", "改名"

    check = checked(cast.ana, edited(exported(cast.ana, "circuits"), edit))
    assert check.outcome["is_clean"]
    job = imported(cast.ana, check)

    assert job.state == "failed"
    assert "回路" in job.message
    assert not Circuit.objects.filter(name="改名").exists()


def test_a_manager_changes_neither_charter_nor_scope(cast: People) -> None:
    def edit(book: Any) -> None:
        book["站点"]["B2"] = "S-NEW"
        book["站点"].append([None, "S-OWN", "我的站", None, cast.enterprise.number])
        book["配电室"]["B2"] = cast.other_site.number

    found = problems(checked(cast.ana, edited(exported(cast.ana), edit)))

    assert ("B2", "此项只能由平台管理员修改。") in found
    assert any("平台管理员" in text and cell == "" for cell, text in found)
    assert any(cell == "B2" and "无权维护" in text for cell, text in found)


def test_the_sheets_close_what_the_admin_closes() -> None:
    sheets = {sheet.model: sheet for sheet in every_sheet()}
    for model, page in ((Enterprise, EnterpriseAdmin), (Site, SiteAdmin), (Room, RoomAdmin)):
        sheet = sheets[model]
        assert sheet.platform_fields == page.platform_fields
        assert sheet.fixed_fields == page.fixed_fields
        assert sheet.platform_to_add == page.platform_to_add


def test_headers_are_unambiguous_in_both_languages() -> None:
    for sheet in every_sheet():
        for column in sheet.columns:
            twins = [c.name for c in sheet.columns if column.accepted & c.accepted]
            assert twins == [column.name], sheet.key


def test_the_form_has_hints_and_choices() -> None:
    with translation.override("zh-hans"):
        content = books.template(works.chosen(["transformers"]))
    page = load_workbook(io.BytesIO(content))["变压器"]

    assert [cell.value for cell in page[1]][:3] == ["ID", "配电室", "名称"]
    assert "必填" in page["B1"].comment.text
    assert page.data_validations.dataValidation[0].formula1 == '"干式,油浸式"'


def test_who_maintains_nothing_is_refused(cast: People) -> None:
    with pytest.raises(works.Forbidden):
        works.ask_export(user=cast.di, keys=["sites"], is_csv=False, now=timezone.now())


def test_an_export_is_a_file_of_its_owner(cast: People) -> None:
    job = done(
        works.ask_export(user=cast.ana, keys=["transformers"], is_csv=True, now=timezone.now())
    )

    lines = list(csv.reader(io.StringIO(job.result.read().decode("utf-8-sig"))))
    assert lines[0][:3] == ["ID", "配电室", "名称"]
    assert lines[1][1:3] == [f"{cast.site.number} / 一号配电室", "1#变"]
    assert Transformer.objects.count() == 1


def test_queries_of_the_pages_do_not_grow_with_the_jobs(cast: People, client: Client) -> None:
    client.force_login(cast.ana)
    paths = {"sheets": "/sheets/", "job-list": "/jobs/"}
    checked(cast.ana, exported(cast.ana, "rooms"))
    before = {name: queries_of(lambda at=at: client.get(at)) for name, at in paths.items()}
    for _number in range(3):
        checked(cast.ana, exported(cast.ana, "rooms"))

    for name, at in paths.items():
        count = queries_of(lambda at=at: client.get(at))
        assert count == before[name]
        check(name, count)


def test_the_admin_leads_to_the_sheets_and_the_changes(cast: People, client: Client) -> None:
    client.force_login(cast.ana)

    for path, kind in (("sites/site", "site"), ("devices/bus", "bus")):
        page = client.get(f"/admin/{path}/").text
        assert 'href="/sheets/"' in page
        assert f"/changes/?kind={kind}" in page

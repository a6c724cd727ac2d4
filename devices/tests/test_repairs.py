"""Samples set right by people: laid over, told, recomputed, taken back; by form, sheet and REST."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from core.errors import Changed, Invalid
from devices import history
from devices.history.partitions import forget_known
from devices.models import Device, PointCode, ReopenedHour, Repair
from devices.selectors import DevicePoint
from devices.services import compacting, repairs
from devices.services.repairs import Wanted
from devices.states import FlagKind, Quality, RepairKind
from devices.tests.factories import (
    make_bus,
    make_device,
    make_flag,
    make_gateway,
    make_template_version,
)
from devices.tests.samples import make_batch
from sites.models import Grant
from sites.rules import DataClass
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

# Three hours of yesterday, a sample every ten minutes; that of 60 minutes is wrong.
START = (timezone.now() - timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def device(cast: People) -> Device:
    forget_known()
    version = make_template_version(value_codes=("Ua", "DI1"), counter_codes=("EPI",))
    bus = make_bus(gateway=make_gateway(site=cast.site, period_s=600))
    device = make_device(bus=bus, unit_id=7, template_version=version)
    batch = make_batch(
        layout_id=version.layout_id,
        device_ids=[device.pk] * 18,
        at=[(START + timedelta(minutes=10 * n)).timestamp() for n in range(18)],
        values=[[9999.0 if n == 6 else 230.0 + n, 0.0] for n in range(18)],
        counters=[[0.0 if n == 6 else 1000.0 + 10 * n] for n in range(18)],
    )
    history.prepare(batch)
    history.append(batch)
    compact()
    return device


def compact() -> None:
    while compacting.compact(now=START + timedelta(days=1)).hours:
        pass


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def wanted(device: Device, kind: RepairKind, code: str = "Ua", **facts: Any) -> Wanted:
    point = DevicePoint(device.pk, code, code, PointCode.objects.get(code=code))
    given = {"start": at(60), "end": at(60), "reason": "模块重启"}
    return Wanted(point=point, kind=kind, **(given | facts))


def lay(device: Device, cast: People, kind: RepairKind, **facts: Any) -> Repair:
    now = timezone.now()
    return repairs.repair(wanted=wanted(device, kind, **facts), by=cast.ana, now=now)


def maxima(device: Device, code: str = "Ua") -> list[float]:
    """The highest value by samples that were noted anew, and out of roll-ups."""
    found = []
    for is_rolled in (False, True):
        if is_rolled:
            compact()
        (grid,) = history.on_slots(
            points=[(device.pk, code)], edges_us=history.edges_of(START, at(180), 900)
        )
        found.append(float(np.nanmax(grid.value)))
    return found


@pytest.mark.parametrize(
    ("kind", "facts", "value"),
    [
        (RepairKind.BAD, {}, None),
        (RepairKind.VALUE, {"value": 236.5}, 236.5),
        (RepairKind.INTERPOLATE, {}, 236.0),
        (RepairKind.SHEET, {"values": {round(at(60).timestamp() * 1e6): 235.25}}, 235.25),
    ],
)
def test_a_repair_is_read_instead_and_what_came_stays(
    cast: People, device: Device, kind: RepairKind, facts: dict[str, Any], value: float | None
) -> None:
    assert maxima(device) == [5118, 5118]
    shown = repairs.preview(wanted=wanted(device, kind, **facts), now=timezone.now())

    row = lay(device, cast, kind, **facts)

    assert [(line.stored, line.after) for line in shown] == [(9999.0, value)]
    assert maxima(device) == [247, 247]
    (line,) = repairs.samples(point=wanted(device, kind).point, start=at(60), end=at(60))
    assert (line.stored, line.present) == (9999.0, value)
    assert line.quality == (Quality.SUBSTITUTED if value else Quality.SUSPECT)

    repairs.undo_repair(repair=row, reason="核对无误", by=cast.ana, now=timezone.now())

    assert maxima(device) == [5118, 5118]


def test_what_was_flagged_can_be_taken_as_right(cast: People, device: Device) -> None:
    moment = at(60)
    make_flag(device, kind=FlagKind.JUMP, start_at=moment, end_at=moment, count=1)
    history.note_reopened([START + timedelta(hours=1)])
    assert max(maxima(device)) < 250

    lay(device, cast, RepairKind.KEEP)

    assert maxima(device) == [5118, 5118]


def test_energy_follows_a_repaired_counter(cast: People, device: Device) -> None:
    lay(device, cast, RepairKind.INTERPOLATE, code="EPI")
    compact()

    found = history.energies(device_ids=[device.pk], code="EPI", edges=[START, at(170)])

    assert found[device.pk].amount.tolist() == [170]
    assert found[device.pk].odd.tolist() == [0]


def test_put_in_samples_count_for_no_completeness(cast: People, device: Device) -> None:
    lay(device, cast, RepairKind.VALUE, value=236.0, start=at(30), end=at(60))

    found = history.put_in(device_id=device.pk, codes=["Ua", "EPI"], edges=[at(0), at(55), at(180)])

    assert found == {"Ua": [3, 1], "EPI": [0, 0]}


@pytest.mark.parametrize(
    ("kind", "facts", "field"),
    [
        (RepairKind.VALUE, {}, "value"),
        (RepairKind.VALUE, {"value": -1.0, "code": "EPI"}, "value"),
        (RepairKind.VALUE, {"value": 0.5, "code": "DI1"}, "value"),
        (RepairKind.INTERPOLATE, {"code": "DI1"}, "kind"),
        (RepairKind.INTERPOLATE, {"start": at(0), "end": at(170)}, "kind"),
        (RepairKind.BAD, {"reason": " "}, "reason"),
        (RepairKind.BAD, {"start": at(61), "end": at(62)}, "start"),
        (RepairKind.BAD, {"end": at(59)}, "end"),
        (RepairKind.BAD, {"start": at(60) - timedelta(days=32)}, "end"),
        (RepairKind.SHEET, {"values": {5: 1.0}}, "rows"),
        (RepairKind.SHEET, {}, "rows"),
    ],
)
def test_what_makes_no_sense_is_refused(
    cast: People, device: Device, kind: RepairKind, facts: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        lay(device, cast, kind, **facts)

    assert list(refusal.value.fields) == [field]
    assert not Repair.objects.exists()


def test_a_month_is_repaired_at_once(cast: People, device: Device) -> None:
    row = lay(device, cast, RepairKind.VALUE, value=230.5, start=at(170) - timedelta(days=31))

    assert (row.count, row.kind) == (7, "value")
    assert ReopenedHour.objects.count() == 31 * 24
    found = repairs.samples(point=wanted(device, RepairKind.BAD).point, start=at(0), end=at(170))
    assert [line.present for line in found][:8] == [*[230.5] * 7, 237.0]


def test_more_than_a_month_is_refused_with_the_limit(
    cast: People, device: Device, client: Client
) -> None:
    client.force_login(cast.ana)
    given = stretch(device) | {"start": "2020-01-01T00:00:00", "kind": "bad", "reason": "x"}

    page = client.post(reverse("devices:repair", args=[device.pk]), given)

    assert page.status_code == 400
    assert "时段不超过 31 天" in page.content.decode()


@pytest.mark.parametrize("start", ["2026-11-20T08:00", "2026-11-20T08:00:00"])
def test_the_sheet_begins_with_the_period_of_the_form(
    cast: People, device: Device, client: Client, start: str
) -> None:
    """As browsers send it: without seconds when there are none."""
    client.force_login(cast.ana)
    given = stretch(device) | {"start": start, "kind": "bad", "reason": ""}

    page = client.post(reverse("devices:repair", args=[device.pk]), given)

    began = page.context["sheet_form"].initial["start"]
    assert began.isoformat() == "2026-11-20T08:00:00"


def test_a_repair_is_undone_once_and_with_a_reason(cast: People, device: Device) -> None:
    row = lay(device, cast, RepairKind.BAD)
    facts = {"repair": row, "by": cast.ana, "now": timezone.now()}

    with pytest.raises(Invalid):
        repairs.undo_repair(reason="", **facts)
    repairs.undo_repair(reason="核对无误", **facts)
    with pytest.raises(Changed):
        repairs.undo_repair(reason="再来", **facts)


def stretch(device: Device) -> dict[str, str]:
    local = [at(m).astimezone(ZoneInfo(device.site.timezone)) for m in (50, 70)]
    return {
        "point": "Ua",
        "start": f"{local[0]:%Y-%m-%dT%H:%M:%S}",
        "end": f"{local[1]:%Y-%m-%dT%H:%M:%S}",
    }


def test_the_form_shows_first_and_then_does_it(
    cast: People, device: Device, client: Client
) -> None:
    client.force_login(cast.ana)
    address = reverse("devices:repair", args=[device.pk])
    given = stretch(device) | {"kind": "interpolate", "reason": "模块重启"}

    before = client.get(address, stretch(device)).content.decode()
    # A line over all three samples lies between those on either side.
    shown = client.post(address, given | {"action": "preview"}).content.decode()
    done = client.post(address, given | {"action": "confirm"})

    assert "9,999.0" in before
    assert "<b>236.0</b>" in shown
    assert done.status_code == 302
    row = Repair.objects.get()
    assert (row.count, row.by, row.reason) == (3, cast.ana, "模块重启")
    undone = client.post(reverse("devices:repair-undo", args=[row.pk]), {"reason": "核对无误"})
    assert undone.status_code == 302
    assert "核对无误" in client.get(address).content.decode()


def test_a_sheet_comes_filled_in_is_checked_and_then_done(
    cast: People, device: Device, client: Client
) -> None:
    client.force_login(cast.ana)
    answer = client.post(
        reverse("devices:repair-sheet", args=[device.pk]), stretch(device) | {"export": "xlsx"}
    )
    book = load_workbook(io.BytesIO(answer.content))
    sheet = book.active
    assert [cell.value for cell in sheet[1]] == ["时间", "原值 (V)", "现值 (V)", "质量", "新值 (V)"]
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == [235, 9999, 237]

    def sent(value: object, **more: Any) -> Any:
        sheet["E3"] = value
        out = io.BytesIO()
        book.save(out)
        file = SimpleUploadedFile("修正.xlsx", out.getvalue())
        return client.post(
            reverse("devices:repair-sheet", args=[device.pk]),
            stretch(device) | {"reason": "按厂家记录", "file": file} | more,
        )

    wrong = sent("abc")
    right = sent(236.5)
    rows = right.context["sheet_rows"]
    done = client.post(
        reverse("devices:repair-sheet", args=[device.pk]),
        stretch(device) | {"reason": "按厂家记录", "rows": rows, "action": "confirm"},
    )

    assert wrong.status_code == 400
    assert "E3 不是数字。" in wrong.content.decode()
    assert "<b>236.5</b>" in right.content.decode()
    assert done.status_code == 302
    row = Repair.objects.get()
    assert (row.kind, row.values, row.count) == ("sheet", [236.5], 1)
    assert row.start_at == row.end_at == at(60)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"start": "2020-01-01T00:00:00"}, "时段不超过 31 天"),
        ({"start": "", "end": "gestern"}, "输入"),
        ({"start": "2020-01-01T00:00:00", "end": "2020-01-02T00:00:00"}, "没有样本"),
    ],
)
def test_a_sheet_of_nothing_is_told_in_its_form(
    cast: People, device: Device, client: Client, given: dict[str, str], words: str
) -> None:
    client.force_login(cast.ana)
    address = reverse("devices:repair-sheet", args=[device.pk])

    page = client.post(address, stretch(device) | {"export": "csv"} | given)

    assert page.status_code == 400
    assert words in str(page.context["sheet_form"].errors)
    assert not page.context["sheet_form"].has_error("reason")


def test_a_point_of_another_class_is_not_offered(
    cast: People, device: Device, client: Client
) -> None:
    row = lay(device, cast, RepairKind.BAD)
    Grant.objects.filter(user=cast.ana).update(data_classes=[DataClass.ENERGY])
    client.force_login(cast.ana)

    page = client.get(reverse("devices:repair", args=[device.pk])).content.decode()
    undone = client.post(reverse("devices:repair-undo", args=[row.pk]), {"reason": "x"})

    assert "EPI" in page
    assert "(Ua)" not in page
    assert undone.status_code == 404


def test_rest_says_first_and_then_does_it(cast: People, device: Device) -> None:
    client = api_client(cast.ana)
    address = reverse("api-device-repairs", args=[device.pk])
    given = {
        "point": "Ua",
        "kind": "value",
        "value": 236,
        "start": at(60).isoformat(),
        "end": at(60).isoformat(),
        "reason": "模块重启",
    }

    dry = client.post(address, given | {"dry_run": True}, "json").json()
    made = client.post(address, given, "json")
    listed = client.get(address).json()["results"]

    assert dry["samples"][0]["stored"] == 9999
    assert dry["samples"][0]["after"] == 236
    assert made.status_code == 201
    assert [row["reason"] for row in listed] == ["模块重启"]
    assert datetime.fromisoformat(listed[0]["start"]).astimezone(UTC) == at(60)

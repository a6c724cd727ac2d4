"""The record of changes in words: before and after, by whom, only of what one maintains."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from devices.models import Device, Ratio
from devices.tests.factories import make_device
from reports.selectors.changes import changes, changes_of
from sites.models import Room, Transformer
from sites.tests.factories import People, make_room, people
from tests.queries import check, queries_of
from workorders.models import TaskPlan
from workorders.tests.factories import make_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def test_each_step_says_before_and_after(cast: People) -> None:
    room = make_room("甲室", site=cast.site)
    for name in ("乙室", "丙室"):
        Room.objects.filter(pk=room.pk).update(name=name)
    Room.objects.filter(pk=room.pk).update(kind="package", name="丁室")

    found = changes_of(user=cast.ana, kind="room", pk=room.pk)

    told = [[(cell.label, cell.before, cell.after) for cell in change.cells] for change in found]
    assert sorted(told[0]) == sorted([("名称", "丙室", "丁室"), ("类型", "配电室", "箱变")])
    assert told[1:3] == [[("名称", "乙室", "丙室")], [("名称", "甲室", "乙室")]]
    assert ("站点", "", str(cast.site)) in told[3]
    assert [change.action for change in found] == ["update", "update", "update", "insert"]


def test_a_deleted_row_keeps_its_last_words(cast: People) -> None:
    room = make_room("甲室", site=cast.site)
    Room.objects.filter(pk=room.pk).update(name="乙室")
    pk = room.pk
    room.delete()

    found = changes_of(user=cast.ana, kind="room", pk=pk)

    assert (found[0].action, found[0].name) == ("delete", "乙室")
    assert ("名称", "甲室", "乙室") in [(c.label, c.before, c.after) for c in found[1].cells]


def test_a_manager_sees_his_own_and_finds_by_words(cast: People) -> None:
    make_device(site=cast.site, name="我的表")
    make_device(site=cast.other_site, name="别人的表")

    mine, has_older = changes(user=cast.ana)
    everything, _more = changes(user=cast.adm)
    by_word, _more = changes(user=cast.adm, words="别人的")

    names = {change.name for change in mine}
    assert any("我的表" in name for name in names)
    assert not any("别人" in name for name in names)
    assert any("别人的表" in change.name for change in everything)
    assert [change.kind for change in by_word] == ["device"]
    assert not has_older


def test_pages_go_on_without_gaps(cast: People) -> None:
    device = make_device(site=cast.site)
    for number in range(7):
        Device.objects.filter(pk=device.pk).update(name=f"名 {number}")

    first, more = changes(user=cast.ana, kind="device", size=5)
    second, end = changes(user=cast.ana, kind="device", page=2, size=5)

    assert (len(first), more, len(second), end) == (5, True, 3, False)
    assert second[-1].action == "insert"


def test_queries_do_not_grow_with_the_changes(cast: People) -> None:
    device = make_device(site=cast.site)
    Device.objects.filter(pk=device.pk).update(name="一")
    few = queries_of(lambda: changes(user=cast.ana, kind="device"))
    for number in range(20):
        Device.objects.filter(pk=device.pk).update(name=f"名 {number}")

    assert queries_of(lambda: changes(user=cast.ana, kind="device")) <= few


def test_queries_do_not_grow_with_the_kinds_of_rows(cast: People) -> None:
    make_room("甲室", site=cast.site)
    few = queries_of(lambda: changes(user=cast.adm))
    device = make_device(site=cast.site)
    make_plan(cast, name="红外测温")
    Ratio.objects.create(device=device, ct=200, pt=1, valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    Transformer.objects.create(room=make_room("乙室", site=cast.site), name="1#", rated_kva=630)

    found, _more = changes(user=cast.adm)

    assert {"device", "plan", "ratio", "transformer", "bus"} <= {change.kind for change in found}
    # A second table of names: what a bus is called, its gateway says.
    assert queries_of(lambda: changes(user=cast.adm)) <= few + 1


def test_values_read_as_the_table_has_them(cast: People) -> None:
    device = make_device(site=cast.site)
    at = datetime(2026, 1, 1, 8, tzinfo=UTC)
    ratio = Ratio.objects.create(device=device, ct=200, pt=1.5, valid_from=at)
    Ratio.objects.filter(pk=ratio.pk).update(ct=160.25)
    ratio.refresh_from_db()

    update, insert = changes_of(user=cast.ana, kind="ratio", pk=ratio.pk)

    assert [(cell.before, cell.after) for cell in update.cells] == [("200", "160.25")]
    told = {cell.after for cell in insert.cells}
    assert {"200", "1.5", str(device), at.isoformat(timespec="seconds")} <= told
    _first, *_rest = changes_of(user=cast.ana, kind="device", pk=device.pk)
    words = {cell.after for cell in _first.cells}
    assert {str(device.bus), str(device.template_version)} <= words


def test_the_pages(cast: People, client: Client) -> None:
    room = make_room("甲室", site=cast.site)
    client.force_login(cast.ana)
    Room.objects.filter(pk=room.pk).update(name="乙室")

    assert "<del>甲室</del>" in client.get("/changes/?kind=room").text
    assert "乙室" in client.get(f"/changes/room/{room.pk}/").text
    assert client.get("/changes/nothing/1/").status_code == 404
    assert client.get("/changes/?page=x&kind=none").status_code == 200
    check("change-list", queries_of(lambda: client.get("/changes/")))
    client.force_login(cast.di)
    assert client.get("/changes/").status_code == 403


def test_a_plan_has_a_history_too(cast: People) -> None:
    plan = make_plan(cast, name="红外测温")
    TaskPlan.objects.filter(pk=plan.pk).update(name="红外测温与紧固")

    found = changes_of(user=cast.ana, kind="plan", pk=plan.pk)

    assert [(c.label, c.before, c.after) for c in found[0].cells] == [
        ("名称", "红外测温", "红外测温与紧固")
    ]

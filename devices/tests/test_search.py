"""The search: who finds what by which words, in which order, and at which cost."""

import pytest
from django.apps import apps as django_apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.search import fill
from devices.filters import DeviceFilter
from devices.models import Device, PointOverride
from devices.selectors import search
from devices.tests.factories import make_derived, make_device, make_point, make_template_version
from sites.models import Enterprise, Site, User
from sites.rules import DataClass, Role
from sites.tests.clients import api_client
from sites.tests.factories import (
    make_circuit,
    make_enterprise,
    make_grant,
    make_room,
    make_site,
    make_user,
)

pytestmark = pytest.mark.django_db

CODES = ("Ia", "IR")


@pytest.fixture
def device() -> Device:
    make_point("Ia", name="A相电流", name_en="Current A")
    make_point("IR", name="剩余电流", name_en="Residual current")
    make_point("EPI", name="正向有功电能", name_en="Active energy import")
    mill = make_enterprise("云锦纺织有限公司", name_en="Yunjin Textile", number="E-77")
    site = make_site("一期厂房", enterprise=mill, number="S-0001", name_en="Hall One")
    room = make_room("东配电室", site=site)
    circuit = make_circuit("照明馈线", room=room, code="3AA2", name_en="Lighting")
    version = make_template_version(value_codes=CODES, counter_codes=("EPI",))
    make_device(site=make_site("别处", number="S-0002"), name="旁人的表", template_version=version)
    return make_device(
        site=site, room=room, circuit=circuit, name="总表", code="M-9", template_version=version
    )


@pytest.fixture
def user(device: Device) -> User:
    user = make_user()
    make_grant(user, Role.DISPATCHER, device.site)
    return user


@pytest.mark.parametrize(
    "typed", ["云锦", "yunjin", "yj", "Yunjin", "S-0001", "s-0001", "一期", "yqcf", "hall one"]
)
def test_a_site_is_found_by_its_names_and_its_owners(
    user: User, device: Device, typed: str
) -> None:
    assert search(user=user, text=typed).sites == [device.site]


@pytest.mark.parametrize(
    "typed", ["总表", "zongbiao", "zb", "m-9", "云锦 总表", "yj zb", "3AA2", "zhaoming", "东配 zb"]
)
def test_a_device_is_found_by_itself_and_its_place(user: User, device: Device, typed: str) -> None:
    assert search(user=user, text=typed).devices == [device]
    filters = DeviceFilter({"q": "zb yqcf"}, queryset=Device.objects.all())
    assert list(filters.qs) == [device]


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("A相电流", ["Ia"]),
        ("axdl", ["Ia"]),
        ("residual", ["IR"]),
        ("yj zb shengyu", ["IR"]),
        ("云锦 电流", ["Ia", "IR"]),
        ("epi", ["EPI"]),
        ("云锦", []),
        ("旁人 电流", []),
    ],
)
def test_a_point_is_found_by_its_own_word_and_its_place(
    user: User, device: Device, typed: str, codes: list[str]
) -> None:
    found = search(user=user, text=typed).points
    assert sorted(hit.point.code for hit in found) == sorted(codes)
    assert {hit.device for hit in found} <= {device}


def test_a_device_s_own_name_of_a_point_finds_it(user: User, device: Device) -> None:
    point = make_point("IR")
    override = PointOverride.objects.create(device=device, point=point, name="柜门漏电")
    (hit,) = search(user=user, text="guimen").points
    assert (hit.point.id, hit.point.name) == (f"{device.pk}:IR", "柜门漏电")
    override.is_enabled = False
    override.save()
    assert search(user=user, text="guimen").points == []
    assert search(user=user, text="residual").points == []


def test_a_point_of_a_class_not_granted_is_not_found(device: Device) -> None:
    viewer = make_user()
    make_grant(viewer, Role.DISTRICT_VIEWER, device.site, data_classes=[DataClass.SAFETY])
    assert [hit.point.code for hit in search(user=viewer, text="电流").points] == ["IR"]
    assert search(user=viewer, text="epi").points == []


def test_a_stranger_finds_nothing(device: Device) -> None:
    stranger = make_user()
    make_grant(stranger, Role.MANAGER, make_site())
    for typed in ("云锦", "zb", "电流", "S-0001"):
        found = search(user=stranger, text=typed)
        assert not found.sites
        assert not [row for row in found.devices if row.pk == device.pk]
        assert not [hit for hit in found.points if hit.device.pk == device.pk]


def test_whole_names_come_before_beginnings_before_insides(user: User, device: Device) -> None:
    inside = make_device(site=device.site, name="副总表", code="X1")
    beginning = make_device(site=device.site, name="总表箱", code="X2")
    found = search(user=user, text="总表", limit=2)
    assert found.devices == [device, beginning]
    assert found.has_more == ["devices"]
    assert search(user=user, text="总表").devices == [device, beginning, inside]


def test_the_text_follows_every_way_of_writing(device: Device) -> None:
    site = device.site
    site.name = "新云楼"
    site.save(update_fields=["name"])
    assert Site.objects.get(search_text__contains="xinyunlou") == site
    site.state = Site.State.OUT_OF_SERVICE
    with CaptureQueriesContext(
        connection,
    ) as queries:
        site.save(update_fields=["state"])
    assert "search_text" not in queries[0]["sql"]
    Enterprise.objects.bulk_create(
        [Enterprise(number="E-1", name="光华"), Enterprise(number="E-2")]
    )
    assert Enterprise.objects.get(search_text__contains="guanghua").number == "E-1"


def test_rows_from_before_the_column_are_filled_in_batches() -> None:
    rows = Enterprise.objects.bulk_create(
        Enterprise(number=f"Z-{number}", name=f"老厂{number}") for number in range(5)
    )
    Enterprise.objects.update(search_text="")
    model = django_apps.get_model("sites", "enterprise")
    assert fill(model, ("number", "name", "name_en"), batch=2) == len(rows)
    assert Enterprise.objects.filter(search_text__contains=" laochang").count() == len(rows)


def test_the_number_of_queries_does_not_grow(user: User, device: Device) -> None:
    with CaptureQueriesContext(connection) as few:
        search(user=user, text="yj 电流")
    for _number in range(5):
        make_device(site=device.site, template_version=device.template_version)
    user.__dict__.pop("_access")
    with CaptureQueriesContext(connection) as many:
        search(user=user, text="yj 电流", limit=50)
    assert len(many) == len(few) <= 9


def test_the_api_finds_and_says_where(user: User, device: Device) -> None:
    client = api_client(user)
    answer = client.get("/api/v1/search/", {"q": "yj 电流", "limit": 1})
    (point,) = answer.json()["points"]
    assert point["device"]["id"] == device.pk
    assert point["site"]["number"] == "S-0001"
    assert answer.json()["has_more"] == ["points"]
    assert client.get("/api/v1/search/", {"q": "yj"}).json()["sites"][0]["name"] == "一期厂房"
    assert client.get("/api/v1/search/").status_code == 400
    assert client.get("/api/v1/search/", {"q": "x", "limit": 51}).status_code == 400


def test_derived_points_are_found_by_their_name_and_their_site(user: User, device: Device) -> None:
    boss = make_user()
    make_grant(boss, Role.MANAGER, device.site)
    formula = f"d{device.pk}:Ia * 2"
    row = make_derived(site=device.site, by=boss, formula=formula, name="双倍电流")
    make_derived(site=device.site, by=boss, formula=formula, name="停用电流", is_active=False)

    for typed in ("双倍", "sbdl", f"双倍 {device.site.number}"):
        assert [hit.row for hit in search(user=user, text=typed).derived] == [row]
    assert search(user=user, text="停用").derived == []
    assert search(user=make_user(), text="双倍").derived == []
    only_safety = make_user()
    make_grant(only_safety, Role.DISTRICT_VIEWER, device.site, data_classes=[DataClass.SAFETY])
    assert search(user=only_safety, text="双倍").derived == []
    (told,) = api_client(user).get("/api/v1/search/?q=双倍").json()["derived"]
    assert (told["id"], told["site"]["id"]) == (f"x{row.pk}", device.site.pk)

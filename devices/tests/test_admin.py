"""The admin of equipment: what does not fit is said beside the field, what ends leaves a history."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from devices.models import Bus, Device, Gateway, Meter, Ratio, TemplateVersion
from devices.tests.factories import make_bus, make_device, make_gateway, make_point
from sites.models import User
from sites.rules import Role
from sites.tests.factories import make_grant, make_room, make_site, make_user

pytestmark = pytest.mark.django_db

MODELS = [model for model in admin.site._registry if model._meta.app_label == "devices"]
TEMPLATE = """\
key: acme-1
vendor: {zh: 爱克米, en: Acme}
model: One
registers:
  - {point: Ua, unit: V, function_code: 3, address: 0, type: uint16, scale: 0.1}
"""


@pytest.fixture
def administrator() -> User:
    user = make_user(is_staff=True)
    make_grant(user, Role.ADMINISTRATOR)
    return user


@pytest.fixture
def client(administrator: User) -> Client:
    browser = Client()
    browser.force_login(administrator)
    return browser


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:devices_{model.__name__.lower()}_{page}", args=args)


def sent(page: HttpResponse) -> dict[str, Any]:
    """What a browser would send back if nothing was changed."""
    form = page.context["adminform"].form
    fields: dict[str, Any] = {}
    bound = [form[name] for name in form.fields]
    for formset in page.context["inline_admin_formsets"]:
        management = formset.formset.management_form
        bound += [management[name] for name in management.fields]
        for row in formset.formset.forms:
            bound += [row[name] for name in row.fields]
    for one in bound:
        value = one.value()
        if value is not None and value is not False:
            fields[one.html_name] = value
    return fields


def add_row(fields: dict[str, Any], prefix: str, **facts: Any) -> dict[str, Any]:
    """The fields with one more row of an inline."""
    number = int(fields[f"{prefix}-TOTAL_FORMS"])
    row = {f"{prefix}-{number}-{name}": value for name, value in facts.items()}
    return fields | row | {f"{prefix}-TOTAL_FORMS": number + 1}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_opens_and_searches(model: Any, client: Client) -> None:
    make_device()

    assert client.get(url(model, "changelist")).status_code == 200
    if admin.site._registry[model].search_fields:
        assert client.get(url(model, "changelist"), {"q": "1"}).status_code == 200


@pytest.mark.parametrize("model", [Gateway, Device, Bus, TemplateVersion])
def test_every_form_opens(model: Any, client: Client) -> None:
    make_device()

    for row in model.objects.all():
        assert client.get(url(model, "change", row.pk)).status_code == 200


def test_a_unit_address_used_twice_is_said(client: Client) -> None:
    device = make_device()
    other = make_device(bus=device.bus)
    page = client.get(url(Device, "change", other.pk))

    answer = client.post(url(Device, "change", other.pk), sent(page) | {"unit_id": device.unit_id})

    assert answer.status_code == 200
    assert "该总线上已有设备使用此通信地址。" in answer.content.decode()
    other.refresh_from_db()
    assert other.unit_id != device.unit_id


def test_a_bus_of_another_site_is_refused(client: Client) -> None:
    device = make_device()
    elsewhere = make_bus()
    room = make_room()
    page = client.get(url(Device, "change", device.pk))

    answer = client.post(
        url(Device, "change", device.pk), sent(page) | {"bus": elsewhere.pk, "room": room.pk}
    )

    errors = answer.context["adminform"].form.errors
    assert errors.keys() == {"bus", "room"}


def test_a_port_spoken_on_by_another_gateway_is_refused(client: Client) -> None:
    make_bus(gateway=make_gateway(host="10.0.0.1"), port=502)
    gateway = make_gateway(host="10.0.0.1")
    page = client.get(url(Gateway, "change", gateway.pk))

    fields = add_row(sent(page), "buses", number=1, port=502, timeout_ms=1000, gap_ms=0)
    answer = client.post(url(Gateway, "change", gateway.pk), fields)

    assert "该地址和端口已被另一条总线使用。" in answer.content.decode()
    assert not gateway.buses.exists()


def test_a_bus_with_nothing_but_defaults_is_added(client: Client) -> None:
    gateway = make_gateway(host="10.0.0.2")
    page = client.get(url(Gateway, "change", gateway.pk))

    fields = add_row(sent(page), "buses", number=1, port=502, timeout_ms=1000, gap_ms=0)
    answer = client.post(url(Gateway, "change", gateway.pk), fields)

    assert answer.status_code == 302
    assert gateway.buses.get().port == 502


def test_a_new_ratio_ends_the_one_in_force(client: Client) -> None:
    device = make_device()
    Ratio.objects.create(device=device, ct=40, valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    page = client.get(url(Device, "change", device.pk))
    moment = {"valid_from_0": "2026-06-01", "valid_from_1": "08:00:00"}

    fields = add_row(sent(page), "ratios", ct="50", pt="1", **moment)
    answer = client.post(url(Device, "change", device.pk), clean(fields))

    assert answer.status_code == 302, answer.context["errors"]
    old, new = Ratio.objects.order_by("valid_from")
    assert (old.ct, old.valid_to) == (40, new.valid_from)
    assert (new.ct, new.valid_to) == (50, None)


def test_a_ratio_before_the_one_in_force_is_refused(client: Client) -> None:
    device = make_device()
    Ratio.objects.create(device=device, ct=40, valid_from=datetime(2026, 7, 1, tzinfo=UTC))
    page = client.get(url(Device, "change", device.pk))
    moment = {"valid_from_0": "2026-06-01", "valid_from_1": "08:00:00"}

    fields = add_row(sent(page), "ratios", ct="50", pt="1", **moment)
    answer = client.post(url(Device, "change", device.pk), clean(fields))

    assert "生效时间必须晚于现行变比的生效时间。" in answer.content.decode()
    assert Ratio.objects.count() == 1


def test_two_new_ratios_at_one_moment_are_refused(client: Client) -> None:
    device = make_device()
    page = client.get(url(Device, "change", device.pk))
    moment = {"valid_from_0": "2026-06-01", "valid_from_1": "08:00:00"}

    fields = add_row(sent(page), "ratios", ct="50", pt="1", **moment)
    fields = add_row(fields, "ratios", ct="60", pt="1", **moment)
    answer = client.post(url(Device, "change", device.pk), clean(fields))

    assert answer.status_code == 200
    assert not Ratio.objects.exists()


def test_a_device_is_added_with_its_ratio(client: Client) -> None:
    other = make_device()
    page = client.get(url(Device, "add"))
    moment = {"valid_from_0": "2026-06-01", "valid_from_1": "08:00:00"}
    facts = {
        "name": "新表",
        "site": other.site_id,
        "bus": other.bus_id,
        "unit_id": 99,
        "template_version": other.template_version_id,
    }

    fields = add_row(sent(page) | facts, "ratios", ct="50", pt="1", **moment)
    answer = client.post(url(Device, "add"), clean(fields))

    assert answer.status_code == 302, answer.context["errors"]
    assert Device.objects.get(unit_id=99).ratios.get().ct == 50


def test_a_device_without_a_site_is_refused(client: Client) -> None:
    page = client.get(url(Device, "add"))

    answer = client.post(url(Device, "add"), clean(sent(page) | {"bus": make_bus().pk}))

    assert "site" in answer.context["adminform"].form.errors


def test_a_new_meter_replaces_the_one_in_place(client: Client) -> None:
    device = make_device()
    Meter.objects.create(device=device, serial="A1", installed_at=datetime(2026, 1, 1, tzinfo=UTC))
    page = client.get(url(Device, "change", device.pk))
    moment = {"installed_at_0": "2026-06-01", "installed_at_1": "08:00:00"}

    fields = add_row(sent(page), "meters", serial="B2", **moment)
    answer = client.post(url(Device, "change", device.pk), clean(fields))

    assert answer.status_code == 302, answer.context["errors"]
    old, new = Meter.objects.order_by("installed_at")
    assert (old.serial, old.removed_at) == ("A1", new.installed_at)
    assert (new.serial, new.removed_at) == ("B2", None)


def test_a_template_is_imported_from_a_file(client: Client) -> None:
    make_point("Ua")
    file = SimpleUploadedFile("acme.yaml", TEMPLATE.encode())

    answer = client.post(reverse("admin:devices_devicetemplate_import"), {"file": file})

    version = TemplateVersion.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == url(TemplateVersion, "change", version.pk)
    assert client.get(answer["Location"]).status_code == 200


def test_mistakes_of_a_template_are_said_line_by_line(client: Client) -> None:
    answer = client.post(
        reverse("admin:devices_devicetemplate_import"), {"text": TEMPLATE + "bad: 1\n"}
    )

    assert answer.status_code == 400
    assert "第 6 行" in answer.content.decode()
    assert "第 5 行" in answer.content.decode()
    assert not TemplateVersion.objects.exists()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"   "])
def test_a_file_that_is_no_text_is_refused(client: Client, content: bytes) -> None:
    file = SimpleUploadedFile("x.yaml", content)

    answer = client.post(reverse("admin:devices_devicetemplate_import"), {"file": file})

    assert answer.status_code == 400


def test_a_manager_sees_and_changes_only_his_sites() -> None:
    mine, theirs = make_device(), make_device()
    ana = make_user(is_staff=True)
    make_grant(ana, Role.MANAGER, mine.site)
    browser = Client()
    browser.force_login(ana)

    listed = browser.get(url(Device, "changelist")).content.decode()

    assert mine.code in listed
    assert theirs.code not in listed
    assert browser.get(url(Device, "change", mine.pk)).status_code == 200
    assert browser.get(url(Device, "change", theirs.pk)).status_code == 302
    assert browser.get(reverse("admin:devices_devicetemplate_import")).status_code == 403
    page = browser.get(url(Device, "change", mine.pk))
    answer = browser.post(
        url(Device, "change", mine.pk), sent(page) | {"bus": theirs.bus_id, "site": make_site().pk}
    )
    assert {"bus", "site"} <= answer.context["adminform"].form.errors.keys()


def clean(fields: dict[str, Any]) -> dict[str, Any]:
    """Split moments as the two inputs of the admin do."""
    split: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, datetime):
            split[f"{name}_0"], split[f"{name}_1"] = value.strftime("%Y-%m-%d %H:%M:%S").split()
        else:
            split[name] = value
    return split

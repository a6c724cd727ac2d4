"""The meter at a measuring position is exchanged: energy stays right, and it can be undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.errors import Changed, Invalid
from devices import ingest, selectors
from devices.drivers.counters import Odd, steps
from devices.models import Device, MeterExchange
from devices.services import equipment, exchange_photos, exchanges
from devices.services.exchanges import Exchange
from devices.tests.factories import make_bus, make_device, make_gateway, make_template_version
from devices.tests.samples import make_batch
from sites.tests.clients import api_client
from sites.tests.factories import People, people
from workorders.tests.factories import picture

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
AT = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
START = datetime(2026, 11, 19, 16, tzinfo=UTC)


@pytest.fixture
def cast() -> People:
    return people()


def make_measured(cast: People, *, ct: float | None = None) -> Device:
    """10 kWh an hour; from AT on by another meter that began at 7: 1000 … 1095, 7 … 37."""
    version = make_template_version(
        value_codes=("P",),
        counter_codes=("EPI",),
        values_are="secondary" if ct else "primary",
    )
    bus = make_bus(gateway=make_gateway(site=cast.site, period_s=600))
    device = make_device(bus=bus, template_version=version)
    if ct:
        equipment.set_ratio(device=device, ct=ct, pt=1, valid_from=START - timedelta(days=9))
    equipment.replace_meter(device=device, serial="OLD-1", at=START - timedelta(days=9))
    moments = [
        START + timedelta(minutes=30 * n)
        for n in range(26)
        if START + timedelta(minutes=30 * n) <= NOW
    ]
    shown = [
        1000 + (at - START).total_seconds() / 360
        if at <= AT
        else 7 + (at - AT).total_seconds() / 360
        for at in moments
    ]
    batch = make_batch(
        layout_id=version.layout_id,
        device_ids=[device.pk] * len(moments),
        site_ids=[device.site_id] * len(moments),
        at=[at.timestamp() for at in moments],
        values=[[10.0]] * len(moments),
        counters=[[reading * (ct or 1)] for reading in shown],
    )
    ingest.ingest(batch, now=NOW)
    return device


def wanted(**facts: Any) -> Exchange:
    known: dict[str, Any] = {
        "at": AT,
        "serial": "NEW-2",
        "reason": "到期轮换",
        "last": {"EPI": 1095.0},
        "first": {"EPI": 7.0},
    }
    return Exchange(**known | facts)


@pytest.mark.parametrize("ct", [None, 40.0])
def test_the_month_is_right_across_an_exchange(cast: People, ct: float | None) -> None:
    device = make_measured(cast, ct=ct)
    meant = 10 * 12 * (ct or 1)

    looked = exchanges.preview(device=device, exchange=wanted(), now=NOW)
    exchanges.exchange_meter(device=device, exchange=wanted(), by=cast.ana, now=NOW)

    # Whole hours until 12:00 local; without the exchange the hour of it is lost.
    assert looked.before_kwh == pytest.approx(meant - 10 * (ct or 1))
    assert (looked.after_kwh, looked.is_whole) == (pytest.approx(meant), True)
    again = exchanges.preview(
        device=device, exchange=wanted(at=NOW, last={"EPI": 37.0}, first={"EPI": 0.0}), now=NOW
    )
    assert again.before_kwh == pytest.approx(meant)
    counter = selectors.counters(device_ids=[device.pk], code="EPI")[device.pk]
    assert counter.segments[-1].first == 7.0


def test_it_is_undone_as_a_whole(cast: People) -> None:
    device = make_measured(cast, ct=40)
    other = make_template_version(
        value_codes=("P",), counter_codes=("EPI",), values_are="secondary"
    )
    before = device.template_version
    row = exchanges.exchange_meter(
        device=device,
        exchange=wanted(template_version=other, ct=60, rolls_at=100_000),
        by=cast.ana,
        now=NOW,
    )
    device.refresh_from_db()
    assert device.template_version == other
    assert device.ratios.get(valid_to__isnull=True).ct == 60
    assert [meter.serial for meter in device.meters.all()] == ["NEW-2", "OLD-1"]

    exchanges.undo_exchange(exchange=row, by=cast.ana, now=NOW + timedelta(minutes=5))

    device.refresh_from_db()
    assert device.template_version == before
    assert device.ratios.get().ct == 40
    meter = device.meters.get()
    assert (meter.serial, meter.removed_at) == ("OLD-1", None)
    row.refresh_from_db()
    assert (row.undone_by, row.serial) == (cast.ana, "NEW-2")
    with pytest.raises(Changed):
        exchanges.undo_exchange(exchange=row, by=cast.ana, now=NOW)
    looked = exchanges.preview(device=device, exchange=wanted(), now=NOW)
    assert looked.after_kwh == pytest.approx(4800)


def test_a_version_that_was_changed_since_is_not_overwritten(cast: People) -> None:
    device = make_measured(cast)
    put, moved_to = make_template_version(), make_template_version()
    row = exchanges.exchange_meter(
        device=device, exchange=wanted(template_version=put), by=cast.ana, now=NOW
    )
    type(device).objects.filter(pk=device.pk).update(template_version=moved_to)

    with pytest.raises(Changed):
        exchanges.undo_exchange(exchange=row, by=cast.ana, now=NOW)

    device.refresh_from_db()
    assert device.template_version == moved_to
    assert device.meters.get(removed_at__isnull=True).serial == "NEW-2"


def test_only_the_latest_can_be_undone(cast: People) -> None:
    device = make_measured(cast)
    first = exchanges.exchange_meter(device=device, exchange=wanted(), by=cast.ana, now=NOW)
    exchanges.exchange_meter(
        device=device,
        exchange=wanted(at=AT + timedelta(hours=1), serial="N3"),
        by=cast.ana,
        now=NOW,
    )

    with pytest.raises(Changed):
        exchanges.undo_exchange(exchange=first, by=cast.ana, now=NOW)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"at": NOW + timedelta(seconds=1)}, "at"),
        ({"at": START - timedelta(days=10)}, "at"),
        ({"serial": " "}, "serial"),
        ({"reason": ""}, "reason"),
    ],
)
def test_what_makes_no_sense_is_refused(cast: People, facts: dict[str, Any], field: str) -> None:
    device = make_measured(cast)

    with pytest.raises(Invalid) as caught:
        exchanges.exchange_meter(device=device, exchange=wanted(**facts), by=cast.ana, now=NOW)

    assert list(caught.value.fields) == [field]
    assert not MeterExchange.objects.exists()
    assert device.meters.count() == 1


def test_a_device_whose_meter_was_never_entered(cast: People) -> None:
    device = make_measured(cast)
    device.meters.all().delete()

    row = exchanges.exchange_meter(
        device=device, exchange=wanted(last={}, first={}), by=cast.ana, now=NOW
    )

    assert row.removed.serial == exchanges.UNKNOWN_SERIAL
    counter = selectors.counters(device_ids=[device.pk], code="EPI")[device.pk]
    found = steps([AT.timestamp() - 60, AT.timestamp() + 60], [1095.0, 7.2], counter)
    assert [(step.kwh, step.odd) for step in found] == [(0.0, Odd.HALF)]


def test_by_hand_from_the_preview_to_the_way_back(cast: People, client: Client) -> None:
    device = make_measured(cast)
    client.force_login(cast.ana)
    address = reverse("devices:exchange", args=[device.pk])
    body = {
        "at": "2026-11-20T09:30",
        "serial": "NEW-2",
        "reason": "到期轮换",
        "last_EPI": "1095",
        "first_EPI": "7",
    }

    looked = client.post(address, body | {"action": "preview"})
    assert looked.context["month"].is_whole
    assert not MeterExchange.objects.exists()
    refused = client.post(address, body | {"action": "confirm", "at": "2199-01-01T00:00"})
    assert (refused.status_code, refused.context["form"].errors.keys()) == (400, {"at"})
    client.post(address, body | {"action": "confirm"})

    row = MeterExchange.objects.get()
    assert (row.at, row.by, row.installed.serial) == (AT, cast.ana, "NEW-2")  # type: ignore[union-attr]
    assert "1,095" in client.get(address).content.decode()
    client.post(reverse("devices:exchange-undo", args=[row.pk]))
    row.refresh_from_db()
    assert row.undone_at is not None
    assert row.undone_at <= timezone.now()
    assert device.meters.get().serial == "OLD-1"


def test_pictures_of_the_displays_stay_with_the_exchange(
    cast: People, client: Client, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    device = make_measured(cast)
    row = exchanges.exchange_meter(device=device, exchange=wanted(), by=cast.ana, now=NOW)
    client.force_login(cast.ana)
    address = reverse("devices:exchange-photo-add", args=[row.pk])

    client.post(address, {"file": picture()})

    photo = row.photos.get()
    page = client.get(reverse("devices:exchange", args=[device.pk])).content.decode()
    assert reverse("devices:exchange-photo-small", args=[photo.pk]) in page
    shown = client.get(reverse("devices:exchange-photo", args=[photo.pk]))
    assert shown["Content-Type"] == "image/jpeg"
    for body, words in (({}, "请选择照片"), ({"file": ContentFile(b"GIF", "a.gif")}, "无法识别")):
        assert words in client.post(address, body, follow=True).content.decode()
    for _number in range(exchange_photos.MOST_PHOTOS):
        client.post(address, {"file": picture()})
    assert row.photos.count() == exchange_photos.MOST_PHOTOS
    kept = sum(1 for path in tmp_path.rglob("*.jpg"))
    assert kept == 2 * exchange_photos.MOST_PHOTOS, "files without rows stayed"
    client.force_login(cast.bo)
    assert client.get(reverse("devices:exchange-photo", args=[photo.pk])).status_code == 403


def test_the_api_keeps_shows_and_refuses_photos_as_the_page(cast: People) -> None:
    device = make_measured(cast)
    row = exchanges.exchange_meter(device=device, exchange=wanted(), by=cast.ana, now=NOW)
    ana, bo, cy = api_client(cast.ana), api_client(cast.bo), api_client(cast.cy)
    address = f"/api/v1/exchanges/{row.pk}/photos/"

    made = ana.post(address, {"file": picture()}, format="multipart")

    assert made.status_code == 201
    assert made.json()["by"]["id"] == cast.ana.pk
    assert [one["id"] for one in ana.get(address).json()["results"]] == [row.photos.get().pk]
    for key in ("image_url", "thumbnail_url"):
        shown = ana.get(made.json()[key])
        assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")
        assert (bo.get(made.json()[key]).status_code, cy.get(address).status_code) == (403, 404)
    nothing = ana.post(address, {}, format="multipart")
    no_picture = ana.post(address, {"file": ContentFile(b"GIF", "a.gif")}, format="multipart")
    assert (nothing.status_code, no_picture.status_code) == (400, 400)
    assert "file" in nothing.json()["fields"]
    assert "file" in no_picture.json()["fields"]
    exchanges.undo_exchange(exchange=row, by=cast.ana, now=NOW)
    assert ana.post(address, {"file": picture()}, format="multipart").status_code == 409


def test_a_form_sent_twice_is_told_so_and_odd_figures_are_refused(
    cast: People, client: Client
) -> None:
    device = make_measured(cast)
    client.force_login(cast.ana)
    address = reverse("devices:exchange", args=[device.pk])
    facts = {"at": "2026-11-20T09:30", "serial": "SN-2", "reason": "轮换", "action": "confirm"}
    body = facts | {"last_EPI": "1095", "first_EPI": "7"}

    small = client.post(address, body | {"rolls_at": "5"})
    client.post(address, body)
    again = client.post(address, body, follow=True)

    assert list(small.context["form"].errors) == ["rolls_at"]
    assert "这次换表已经登记" in again.content.decode()
    assert device.exchanges.count() == 1
    api = {"at": AT.isoformat(), "serial": "SN-2", "reason": "轮换"}
    told = api_client(cast.ana).post(f"/api/v1/devices/{device.pk}/exchanges/", api, format="json")
    assert told.status_code == 409

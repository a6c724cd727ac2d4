"""Pages of gateways: what each reader is told of a box, and what never."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devices import live
from devices.models import Device, Gateway, GatewaySession
from devices.tests.factories import make_bus, make_device, make_layout
from devices.tests.samples import make_batch
from devices.tests.test_dial_in_rows import make_dtu
from reports.selectors.gateways import heard_at
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

SECRETS = ("DTU00012345", "868120000000001", "89860000000000000001", "10.1.2.3")


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def gateway(cast: People) -> Gateway:
    """One that has called, with everything that is known of it."""
    gateway = make_dtu(SECRETS[0], site=cast.site, imei=SECRETS[1], iccid=SECRETS[2])
    make_device(bus=make_bus(gateway=gateway))
    GatewaySession.objects.create(
        gateway=gateway,
        peer=f"{SECRETS[3]}:40000",
        month=timezone.localdate().replace(day=1),
        bytes_in=2_000_000,
        updated_at=timezone.now(),
    )
    return gateway


def texts(client: Client, gateway: Gateway) -> str:
    """The list with all columns, its sheet, and the gateway's page."""
    listed, page = (
        reverse("reports:gateway-list"),
        reverse("reports:gateway-detail", args=[gateway.pk]),
    )
    columns = "gateway,site,kind,link,seen,devices,traffic,sim,errors,period"
    addresses = (f"{listed}?columns={columns}", f"{listed}?export=csv&columns={columns}", page)
    answers = [client.get(address) for address in addresses]
    assert {answer.status_code for answer in answers} == {200}
    return "".join(
        b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()
        for answer in answers
    )


def test_who_maintains_the_site_sees_how_it_is_known(
    cast: People, gateway: Gateway, client: Client
) -> None:
    client.force_login(cast.ana)

    found = texts(client, gateway)

    assert all(secret in found for secret in SECRETS)
    assert "2.00" in found


@pytest.mark.parametrize("who", ["di", "bo", "ed", "gu"])
def test_who_only_looks_learns_nothing_by_which_to_take_its_place(
    who: str, cast: People, gateway: Gateway, client: Client
) -> None:
    client.force_login(getattr(cast, who))

    found = texts(client, gateway)
    row = api_client(getattr(cast, who)).get(f"/api/v1/gateways/{gateway.pk}/").json()
    searched = client.get(reverse("reports:gateway-list"), {"q": SECRETS[0]})

    assert not any(secret in found for secret in SECRETS)
    assert "2.00" in found
    assert (row["dtu_id"], row["imei"], row["iccid"], row["session"]["peer"]) == ("", "", "", "")
    assert row["session"]["bytes_in"] == 2_000_000
    assert gateway.label not in searched.content.decode()


def test_who_maintains_the_site_is_told_by_the_api(cast: People, gateway: Gateway) -> None:
    (row,) = api_client(cast.ana).get("/api/v1/gateways/?kind=dtu").json()["results"]

    assert (row["dtu_id"], row["imei"], row["dtu_profile"]) == (*SECRETS[:2], "ascii-id")


def test_last_heard_is_what_the_latest_values_say(gateway: Gateway) -> None:
    now = timezone.now()
    device = Device.objects.get(bus__gateway=gateway)
    gateway.last_seen_at = now - timedelta(minutes=10)
    assert heard_at(gateway, [device]) == gateway.last_seen_at

    layout = make_layout(value_codes=("Ua",), counter_codes=())
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[device.pk],
        site_ids=[device.site_id],
        at=[now.timestamp() - 5],
        values=[[230]],
    )
    live.store(batch, now=now)

    found = heard_at(gateway, [device])
    assert found is not None
    assert abs((now - found).total_seconds() - 5) < 0.001


def test_a_box_that_never_called_says_so(cast: People, client: Client) -> None:
    gateway = make_dtu("DTU9", site=cast.site)
    client.force_login(cast.ana)

    page = client.get(reverse("reports:gateway-detail", args=[gateway.pk])).content.decode()

    assert "尚未拨入" in page


def test_why_a_link_is_gone_is_said_in_words(
    cast: People, gateway: Gateway, client: Client
) -> None:
    Gateway.objects.filter(pk=gateway.pk).update(is_online=False, link_error="refused")
    Device.objects.filter(bus__gateway=gateway).update(is_online=False, link_error="exception:2")
    client.force_login(cast.ana)

    found = texts(client, gateway)

    assert "网关无法连接" in found
    assert "设备拒绝了请求（异常码 2）" in found
    assert "refused" not in found

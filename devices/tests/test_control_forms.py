"""Forms of remote control and of lock-outs with nothing in them, or sent twice."""

import pytest
from django.test import Client
from django.urls import reverse

from devices.models import Lockout
from devices.tests.factories import make_bus, make_device, make_gateway, make_operation
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

FACTS = {"worker": "张师傅", "reason": "更换接触器", "permit_number": "GZP-7"}


@pytest.fixture
def cast() -> People:
    return people()


def test_a_lock_out_that_is_sent_twice_holds_once(cast: People, client: Client) -> None:
    client.force_login(cast.ana)
    address = f"{reverse('devices:lockout-add')}?site={cast.site.pk}"

    client.post(address, FACTS)
    again = client.post(address, FACTS, follow=True)

    held = Lockout.objects.get()
    assert "检修闭锁已生效" in again.content.decode()
    client.post(address, FACTS | {"permit_number": "GZP-8"})
    assert Lockout.objects.count() == 2
    # What has ended is begun anew.
    client.post(reverse("devices:lockout-end", args=[held.pk]))
    client.post(address, FACTS)
    assert Lockout.objects.open().count() == 2
    client.force_login(cast.adm)
    client.post(address, FACTS)
    assert Lockout.objects.open().count() == 3


def test_forms_with_nothing_in_them_name_every_field(cast: People, client: Client) -> None:
    device = make_device(bus=make_bus(gateway=make_gateway(site=cast.site)))
    operation = make_operation(device=device, operator=cast.di)
    output = operation.output
    client.force_login(cast.di)
    select = f"{reverse('devices:control-select')}?device={device.pk}&output={output.code}"
    locking = f"{reverse('devices:lockout-add')}?site={cast.site.pk}"

    asked = client.post(select)
    client.force_login(cast.ana)
    locked = client.post(locking)

    assert (asked.status_code, locked.status_code) == (400, 400)
    assert set(asked.context["form"].errors) == {"wanted", "reason", "permit_number"}
    assert set(locked.context["form"].errors) == {"worker", "reason", "permit_number"}

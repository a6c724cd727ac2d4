"""A fault from the first breaching sample to the archived alarm, by REST alone, every step on record."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import nan
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from alarms.services import watching
from devices import live
from devices.ingest import ingest
from devices.models import Device, TemplateVersion
from devices.tests.factories import make_bus, make_device, make_gateway
from devices.tests.samples import make_batch
from sites.tests.factories import PASSWORD, make_circuit, make_room, people
from workorders.tests.factories import picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Below and above the 300 mA at which the shipped rule IR raises a feeder's alarm.
NORMAL_MA, FAULT_MA = 40.0, 420.0


@pytest.fixture
def device(settings: Any, tmp_path: Any) -> Iterator[Device]:
    """A simulated meter on a feeder, with the points, templates and rules that the product ships."""
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    watching.forget()
    call_command("load_library")
    call_command("load_rules")
    cast = people(password=PASSWORD)
    circuit = make_circuit(room=make_room(site=cast.site))
    device = make_device(
        bus=make_bus(gateway=make_gateway(site=cast.site, period_s=10)),
        circuit=circuit,
        room=circuit.room,
        template_version=TemplateVersion.objects.filter(
            template__is_simulated=True, layout__value_codes__contains=["IR"]
        ).latest("number"),
    )
    yield device
    live.forget(site_id=device.site_id, device_ids=[device.pk])
    watching.forget()


class Caller:
    """A person with the app on his phone."""

    def __init__(self, username: str) -> None:
        self.client = APIClient()
        answer = self.client.post(
            "/api/v1/tokens/",
            {"username": username, "password": PASSWORD, "device_id": f"phone of {username}"},
        )
        assert answer.status_code == 201, answer.content
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
        self.id = answer.json()["user"]["id"]

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, body: dict[str, Any], **options: Any) -> Any:
        answer = self.client.post(f"/api/v1/{path}", body, **options)
        assert answer.status_code in {200, 201}, answer.content
        return answer.json()

    def refused(self, path: str, body: dict[str, Any] | None = None) -> int:
        call = self.client.get if body is None else self.client.post
        return call(f"/api/v1/{path}", body).status_code


def sampled(device: Device, residual_ma: float, *moments: datetime) -> None:
    """Samples as a poll worker stores them: only the residual current is of interest."""
    layout = device.template_version.layout
    for moment in moments:
        values = [residual_ma if code == "IR" else nan for code in layout.value_codes]
        batch = make_batch(
            layout_id=layout.pk,
            device_ids=[device.pk],
            site_ids=[device.site_id],
            at=[moment.timestamp()],
            values=[values],
            counters=[[nan] * len(layout.counter_codes)] if layout.counter_codes else None,
        )
        assert ingest(batch, now=moment).stored == 1


def every_ten_seconds(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(seconds=10 * step) for step in range(count)]


def test_a_fault_is_followed_from_the_meter_to_the_archive(device: Device) -> None:
    di, bo, cy = Caller("di"), Caller("bo"), Caller("cy")
    start = timezone.now() - timedelta(minutes=1)

    # The meter measures; nothing is wrong.
    sampled(device, NORMAL_MA, *every_ten_seconds(start, 3))
    assert di.get("alarms/?is_open=true")["count"] == 0
    # A fault begins and lasts.
    began = start + timedelta(seconds=30)
    sampled(device, FAULT_MA, *every_ten_seconds(began, 3))

    # The dispatcher sees it, with place, value, limit and advice, and on the curve.
    (row,) = di.get("alarms/?is_open=true&rule=IR")["results"]
    alarm = f"alarms/{row['id']}/"
    assert (row["severity"], row["condition"], row["handling"]) == (
        "major",
        "active",
        "unverified",
    )
    assert (row["value"], row["limit"], row["unit"]) == (420.0, 300.0, "mA")
    assert row["circuit"]["id"] == device.circuit_id
    assert di.get(alarm)["advice"]
    latest = di.get(f"devices/{device.pk}/latest/")["points"]
    assert [point["value"] for point in latest if point["code"] == "IR"] == [FAULT_MA]
    (curve,) = di.get(f"devices/{device.pk}/series/?points=IR")["series"]
    assert curve["value"] == [NORMAL_MA] * 3 + [FAULT_MA] * 3
    assert di.get("hall/")["alarms"]["open"] == di.get("alarms/?is_open=true")["count"]

    # Verified within the time, and sent to a crew.
    di.post(f"{alarm}verify/", {"verdict": "real", "cause": "受潮", "seen": "unverified"})
    due = (timezone.now() + timedelta(hours=4)).isoformat()
    made = di.post(
        f"{alarm}orders/",
        {
            "kind": "repair",
            "priority": "urgent",
            "title": "出线剩余电流超限",
            "due_at": due,
            "seen": "verified",
        },
    )
    order = f"orders/{made['id']}/"
    assert made["alarm"]["handling"] == "in_order"
    people_for = [person["id"] for person in di.get(f"{order}assignees/")["results"]]
    assert bo.id in people_for
    di.post(f"{order}moves/", {"move": "assign", "assignee": bo.id, "seen": made["seen"]})

    # The technician finds it among his work and does it.
    (mine,) = bo.get("orders/?mine=true&is_open=true")["results"]
    assert mine["number"] == made["number"]
    seen = bo.get(order)
    assert [move["move"] for move in seen["moves"]] == ["start", "send_back"]
    bo.post(f"{order}moves/", {"move": "start", "seen": seen["seen"]})
    photo = bo.post(
        f"{order}photos/",
        {"file": picture(size=(800, 600)), "caption": "电缆头"},
        format="multipart",
    )
    finished = bo.post(
        f"{order}moves/",
        {"move": "finish", "finding": "电缆头受潮", "measures": "更换电缆头，绝缘 500 MΩ"},
    )
    assert finished["state"] == "to_accept"
    assert bo.refused(f"{order}moves/", {"move": "accept"}) == 403

    # Accepted while the meter still says fault: the answer tells, the alarm waits for another order.
    accepted = di.post(f"{order}moves/", {"move": "accept", "seen": finished["seen"]})
    assert (accepted["state"], accepted["is_alarm_active"]) == ("closed", True)
    assert di.get(alarm)["handling"] == "verified"
    assert di.refused(f"{alarm}archive/", {}) == 409

    # Minutes later the meter sees it gone; the alarm recovers and goes to the archive.
    recovered = timezone.now() + timedelta(minutes=2)
    with time_machine.travel(recovered + timedelta(minutes=1)):
        sampled(device, NORMAL_MA, *every_ten_seconds(recovered, 3))
        assert di.get(alarm)["condition"] == "recovered"
        archived = di.post(f"{alarm}archive/", {"note": "已复核", "seen": "verified"})
    assert archived["handling"] == "archived"
    assert di.get("alarms/?is_open=true&rule=IR")["count"] == 0

    on_record(di, alarm, order, photo["id"])
    an_outsider_sees_nothing(cy, alarm, order, photo["id"], device)


def on_record(di: Caller, alarm: str, order: str, photo: int) -> None:
    steps = di.get(f"{alarm}log/")["results"]
    names = [(step["move"] or step["entry"], (step["by"] or {}).get("name")) for step in steps]
    assert names == [
        ("raise", None),
        ("verify", "Di"),
        ("create_order", "Di"),
        ("order_closed", "Di"),
        ("recover", None),
        ("archive", "Di"),
    ]
    assert {step["door"] for step in steps} == {"system", "api"}
    steps = di.get(f"{order}log/")["results"]
    assert [(step["move"] or step["entry"], step["by"]["name"]) for step in steps] == [
        ("created", "Di"),
        ("assign", "Di"),
        ("start", "Bo"),
        ("photo", "Bo"),
        ("finish", "Bo"),
        ("accept", "Di"),
    ]
    assert steps[3]["facts"]["photo"] == photo
    moments = [step["at"] for step in steps]
    assert moments == sorted(moments)


def an_outsider_sees_nothing(
    cy: Caller, alarm: str, order: str, photo: int, device: Device
) -> None:
    for path in ("alarms/", "orders/", "devices/"):
        assert cy.get(path)["count"] == 0
    for path in (
        alarm,
        f"{alarm}log/",
        order,
        f"{order}log/",
        f"{order}photos/",
        f"photos/{photo}/image/",
        f"photos/{photo}/thumbnail/",
        f"devices/{device.pk}/latest/",
        f"devices/{device.pk}/series/?points=IR",
        f"sites/{device.site_id}/",
    ):
        assert cy.refused(path) == 404, path
    assert cy.refused(f"{order}moves/", {"move": "cancel", "note": "x"}) == 404
    figures = cy.get("hall/")
    assert figures["alarms"]["open"] == figures["orders"]["created"] == 0

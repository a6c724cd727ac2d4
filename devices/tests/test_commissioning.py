"""Commissioning: read through the owner of the bus, judged, accepted, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.errors import Changed, Invalid
from devices import live
from devices.models import Acceptance, Device, TrialRead
from devices.services import commissioning, equipment
from devices.services.commissioning import Setting, accept, setting_of, try_read
from devices.services.plan import planned_version
from devices.services.polling import Poller
from devices.states import VersionState
from devices.tests.factories import (
    HEALTHY,
    make_acceptance,
    make_bus,
    make_device,
    make_fed_device,
    make_gateway,
    make_source,
    make_template_version,
    make_trial,
)
from devices.tests.meters import Line, Meter, listening
from devices.tests.samples import make_batch
from sites import services as site_services
from sites.models import Grant, Job
from sites.rules import Role
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

SHARD = 83


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def line() -> Iterator[Line]:
    with listening() as opened:
        yield opened


@pytest.fixture
def device(line: Line, cast: People) -> Device:
    gateway = make_gateway(site=cast.site, shard=SHARD, period_s=3600)
    return make_device(bus=make_bus(gateway=gateway, port=line.port, timeout_ms=150))


@pytest.fixture
def poller(device: Device) -> Iterator[Poller]:
    made = Poller(SHARD)
    made.cycle(now=timezone.now(), deadline_s=0.1)
    yield made
    made.stop(now=timezone.now())


def verdicts(trial: TrialRead | Acceptance) -> dict[str, str]:
    return {one["check"]: one["verdict"] for one in trial.checks}


def test_another_version_and_address_are_tried_and_taken_over_when_accepted(
    line: Line, device: Device, poller: Poller, cast: People
) -> None:
    real = make_template_version()
    real.registers.update(word_order="little")
    line.units[9] = Meter(planned_version(real).profile)
    line.units[9].show(HEALTHY)
    now = timezone.now()
    wrong = Setting(bus=device.bus, unit_id=9, template_version=device.template_version)  # type: ignore[arg-type]

    first = try_read(device=device, setting=wrong, by=cast.ana, now=now)
    order = next(one for one in first.checks if one["check"] == "order")
    right = Setting(bus=wrong.bus, unit_id=9, template_version=real)
    second = try_read(device=device, setting=right, by=cast.ana, now=now)
    accepted = accept(device=device, seen_at=second.read_at, by=cast.ana, now=now)

    assert (order["verdict"], order["proposed"]) == ("failed", "CDAB")
    assert not second.objections
    point = next(one for one in accepted.points if one["code"] == "Ua")
    assert point["words"] == [0, 0x4367]
    assert point["values"]["CDAB"] == point["value"] == 231.0
    device.refresh_from_db()
    assert (device.unit_id, device.template_version) == (9, real)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading WHERE device_id = %s", [device.pk])
        assert cursor.fetchone() == (0,)


def test_silence_at_a_tried_address_does_not_stop_the_polls_of_the_device(
    line: Line, device: Device, poller: Poller
) -> None:
    line.units[device.unit_id] = Meter(planned_version(device.template_version).profile)
    line.units[device.unit_id].show(HEALTHY)
    setting = setting_of(device)
    assert setting is not None
    elsewhere = Setting(bus=setting.bus, unit_id=77, template_version=setting.template_version)

    trial = try_read(device=device, setting=elsewhere, by=None, now=timezone.now())

    assert (trial.error, trial.points, trial.checks) == ("timeout", [], [])
    later = timezone.now() + timedelta(hours=2)
    cycle = poller.cycle(now=later, deadline_s=2)
    assert cycle is not None
    assert cycle.stored == 1


def test_a_proposed_ratio_is_put_in_force_and_read_again(
    line: Line, device: Device, poller: Poller
) -> None:
    version = make_template_version(values_are="secondary")
    Device.objects.filter(pk=device.pk).update(template_version=version)
    device.refresh_from_db()
    equipment.set_ratio(device=device, ct=40, pt=1, valid_from=timezone.now() - timedelta(days=1))
    line.units[device.unit_id] = Meter(planned_version(version).profile)
    line.units[device.unit_id].show(
        HEALTHY | dict.fromkeys(("Ia", "Ib", "Ic"), 2.0) | {"P": 1.3167}
    )
    setting = Setting(
        bus=device.bus,  # type: ignore[arg-type]
        unit_id=device.unit_id,
        template_version=version,
        clamp_a=121.0,
    )
    now = timezone.now()

    first = try_read(device=device, setting=setting, by=None, now=now)
    second = commissioning.take_proposed(device=device, seen_at=first.read_at, by=None, now=now)

    assert (first.ct, verdicts(first)["current"]) == (40, "failed")
    assert (second.ct, verdicts(second)["current"]) == (60, "passed")
    assert device.ratios.get(valid_to__isnull=True).ct == 60
    assert next(one["value"] for one in second.points if one["code"] == "Ia") == 120


def test_what_was_not_seen_cannot_be_accepted(device: Device, cast: People) -> None:
    now = timezone.now()
    with pytest.raises(Invalid):
        accept(device=device, seen_at=now, by=cast.ana, now=now)
    older = make_trial(device).read_at
    make_trial(device)
    with pytest.raises(Changed):
        accept(device=device, seen_at=older, by=cast.ana, now=now)


def test_objections_want_a_reason(device: Device, cast: People) -> None:
    trial = make_trial(device, HEALTHY | {"P": -13.167})
    now = timezone.now()

    with pytest.raises(Invalid) as caught:
        accept(device=device, seen_at=trial.read_at, by=cast.ana, now=now)
    accepted = accept(device=device, seen_at=trial.read_at, by=cast.ana, now=now, note="光伏反送电")

    assert list(caught.value.fields) == ["note"]
    assert verdicts(accepted)["direction"] == "failed"


def test_an_acceptance_stands_once_and_is_withdrawn_with_a_reason(
    device: Device, cast: People
) -> None:
    row = make_acceptance(device)
    now = timezone.now()
    with pytest.raises(Changed):
        make_acceptance(device)
    with pytest.raises(Invalid):
        commissioning.withdraw(acceptance=row, reason=" ", by=cast.ana, now=now)

    commissioning.withdraw(acceptance=row, reason="接线有误", by=cast.ana, now=now)

    with pytest.raises(Changed):
        commissioning.withdraw(acceptance=row, reason="接线有误", by=cast.ana, now=now)
    make_acceptance(device)
    assert Acceptance.objects.standing().count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Acceptance.objects.filter(withdrawn_at__isnull=False).update(withdrawn_reason="")


def test_an_address_that_is_taken_is_refused(device: Device, cast: People) -> None:
    other = make_device(bus=device.bus)
    trial = make_trial(device)
    TrialRead.objects.filter(pk=trial.pk).update(unit_id=other.unit_id)

    with pytest.raises(Invalid) as caught:
        accept(device=device, seen_at=trial.read_at, by=cast.ana, now=timezone.now())

    assert list(caught.value.fields) == ["unit_id"]


def test_those_without_objections_are_accepted_in_one_go(
    device: Device, cast: People, client: Client
) -> None:
    clean, doubtful, unread = device, make_device(bus=device.bus), make_device(bus=device.bus)
    seen = [make_trial(clean), make_trial(doubtful, HEALTHY | {"P": -13.167})]
    client.force_login(cast.ana)
    address = reverse("devices:commission-accept-all", args=[device.bus.gateway_id])  # type: ignore[union-attr]
    sent = [f"{trial.device_id}@{trial.read_at.isoformat()}" for trial in seen]

    client.post(address, {"seen": [*sent, f"{unread.pk}@nonsense", "x", "9@2026-13-01T00:00Z"]})

    assert [row.device_id for row in Acceptance.objects.all()] == [clean.pk]
    assert Acceptance.objects.get().accepted_by == cast.ana


def test_all_devices_of_a_gateway_are_read_in_the_background(
    line: Line, device: Device, poller: Poller, cast: People, client: Client
) -> None:
    version = planned_version(device.template_version)
    silent = make_device(bus=device.bus, template_version=device.template_version)
    accepted = make_acceptance(
        make_device(bus=device.bus, template_version=device.template_version)
    ).device
    for one, values in ((device, HEALTHY), (accepted, HEALTHY | {"Ub": 0.0})):
        line.units[one.unit_id] = Meter(version.profile)
        line.units[one.unit_id].show(values)
    before = TrialRead.objects.get(device=accepted).read_at
    client.force_login(cast.ana)
    address = reverse("devices:commission-read-all", args=[device.bus.gateway_id])  # type: ignore[union-attr]

    client.post(address)
    job = Job.objects.get()
    site_services.run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.total) == ("done", 2), job.message
    assert job.message == "2 台中 1 台应答，1 台无异议。"
    assert TrialRead.objects.get(device=silent).error == "timeout"
    assert not TrialRead.objects.get(device=device).objections
    assert TrialRead.objects.get(device=accepted).read_at == before, "read without being asked"

    client.post(address, {"which": "all"})
    again = Job.objects.latest("pk")
    # Who no longer maintains the site reads nothing.
    Grant.objects.filter(user=cast.ana).update(role=Role.TECHNICIAN)
    site_services.run_job(job_id=again.pk)
    again.refresh_from_db()
    assert again.state == "failed"
    assert TrialRead.objects.get(device=accepted).read_at == before


def test_a_retired_version_is_refused_for_another_device(
    device: Device, cast: People, client: Client
) -> None:
    gone = make_template_version(state=VersionState.RETIRED)
    kept = make_device(bus=device.bus, template_version=gone)
    client.force_login(cast.ana)

    def tried(one: Device) -> list[str]:
        body = {"template_version": gone.pk, "bus": one.bus_id, "unit_id": one.unit_id}
        answer = client.post(reverse("devices:commission", args=[one.pk]), body)
        return [] if answer.status_code == 302 else [*answer.context["form"].errors]

    assert tried(device) == ["template_version"]
    assert tried(kept) == []


def test_the_page_shows_the_words_in_four_orders(
    device: Device, cast: People, client: Client
) -> None:
    make_trial(device, HEALTHY | {"P": -13.167})
    client.force_login(cast.ana)

    answer = client.get(reverse("devices:commission", args=[device.pk]))

    text = answer.content.decode()
    assert "4367 0000" in text
    assert "总功率 -13.17 kW 为负" in text
    assert answer.context["checks"][0].verdict == "passed"
    # Without a reason it is not accepted, and the page says why.
    address = reverse("devices:commission-accept", args=[device.pk])
    body = {"seen_at": answer.context["trial"].read_at.isoformat()}
    assert "须说明理由" in client.post(address, body, follow=True).content.decode()
    assert "请先读取设备" in client.post(address, {"seen_at": "x"}, follow=True).content.decode()
    assert not Acceptance.objects.exists()


def test_a_device_that_a_source_sends_is_accepted_by_its_newest_sample(cast: People) -> None:
    source, _key = make_source(site=cast.site)
    device = make_fed_device(source=source)
    now = timezone.now()

    silent = commissioning.look_at_latest(device=device, by=cast.ana, now=now)
    layout = device.template_version.layout
    batch = make_batch(
        layout_id=layout.pk,
        device_ids=[device.pk],
        site_ids=[device.site_id],
        at=[now.timestamp()],
        values=[[HEALTHY[code] for code in layout.value_codes]],
        counters=[[HEALTHY[code] for code in layout.counter_codes]],
    )
    live.store(batch, now=now)
    heard = commissioning.look_at_latest(device=device, by=cast.ana, now=now)
    row = accept(device=device, seen_at=heard.read_at, by=cast.ana, now=now)

    assert silent.error == "silent"
    assert (row.bus, verdicts(row)["voltage"], row.objections) == (None, "passed", [])


def test_odd_words_and_keys_are_no_fault_of_ours(cast: People, client: Client) -> None:
    device = make_device(bus=make_bus(gateway=make_gateway(site=cast.site)))
    trial = make_trial(device)
    client.force_login(cast.ana)
    gateway = reverse("devices:commission-accept-all", args=[device.bus.gateway_id])  # type: ignore[union-attr]
    accept = reverse("devices:commission-accept", args=[device.pk])

    long = client.post(gateway, {"seen": f"{'9' * 5000}@{trial.read_at.isoformat()}"}, follow=True)
    none = client.post(gateway, follow=True)
    client.post(accept, {"seen_at": trial.read_at.isoformat(), "note": "甲\0乙"})
    made = Acceptance.objects.get(device=device)
    client.post(reverse("devices:commission-withdraw", args=[made.pk]), {"reason": "错\0了"})

    assert "请先选择设备" in long.content.decode()
    assert "请先选择设备" in none.content.decode()
    made.refresh_from_db()
    assert (made.note, made.withdrawn_reason) == ("甲乙", "错了")

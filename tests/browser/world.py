"""A small world for browser tests: one site with a measured device, alarms and orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.core.management import call_command
from django.utils import timezone

from alarms.models import Alarm, Rule
from alarms.states import Handling
from alarms.tests.factories import make_alarm
from devices import ingest, live
from devices.ingest import Batch
from devices.models import ControlOperation, DataSource, DerivedPoint, Device
from devices.tests.factories import (
    HEALTHY,
    make_broker,
    make_bus,
    make_clock,
    make_derived,
    make_device,
    make_exchange,
    make_faults,
    make_fed_device,
    make_flag,
    make_gateway,
    make_lockout,
    make_mapping,
    make_operation,
    make_repair,
    make_source,
    make_strangers,
    make_template_version,
    make_trial,
)
from devices.tests.samples import make_batch
from sites.models import Job
from sites.services import save_view
from sites.tests.factories import People, make_circuit, make_job, make_room, people
from workorders.models import Task, WorkOrder
from workorders.states import State, TaskState
from workorders.tests.factories import bring_task, make_order, make_plan

# As services.feeding keeps it.
REFUSAL = {
    "received_at": "2026-11-26T04:00:00+00:00",
    "device": "T-02",
    "at": "2026-11-26T12:00:00+08:00",
    "code": "point_unknown",
    "facts": {"point": "Uq"},
}


@dataclass(frozen=True)
class World:
    cast: People
    device: Device
    alarm: Alarm
    order: WorkOrder
    job: Job
    task: Task
    source: DataSource
    derived: DerivedPoint
    control: ControlOperation

    def pages(self) -> list[str]:
        """Every page that Ana can open."""
        site = self.cast.site.pk
        return [
            "/",
            "/alarms/",
            "/alarms/?view=all&q=nothing",
            f"/alarms/{self.alarm.pk}/",
            f"/alarms/bulk/verify/?id={self.alarm.pk}",
            f"/alarms/bulk/ignore/?id={self.alarm.pk}",
            "/orders/",
            f"/orders/{self.order.pk}/",
            "/orders/board/",
            f"/orders/{self.order.pk}/print/",
            "/orders/new/",
            "/tasks/",
            f"/tasks/{self.task.pk}/",
            "/tasks/new/",
            f"/tasks/new/?site={site}",
            "/plans/",
            f"/plans/{self.task.plan_id}/",
            f"/plans/{self.task.plan_id}/edit/",
            "/calendar/",
            "/calendar/?view=week",
            "/work/",
            f"/orders/new/?site={site}",
            "/sites/",
            f"/sites/{site}/",
            f"/sites/{site}/?tab=devices",
            f"/sites/{site}/?tab=energy",
            f"/sites/{site}/?tab=alarms",
            f"/sites/{site}/?tab=work",
            f"/sites/{site}/?tab=archive",
            "/sites/?as=cards",
            "/sites/?as=map",
            f"/live/?device={self.device.pk}",
            "/gateways/",
            f"/gateways/{self.device.bus.gateway_id}/",
            f"/devices/{self.device.pk}/collection/",
            f"/sites/{site}/gaps/",
            f"/sites/{site}/quality/?range=30d",
            f"/sites/{site}/gaps/?range=30d&device={self.device.pk}",
            "/templates/",
            "/templates/?q=nothing-of-this-name",
            f"/templates/{self.device.template_version.template.key}/compare/",
            f"/templates/{self.device.template_version.template.key}/move/",
            *(
                f"/templates/{self.device.template_version.template.key}/?tab={tab}"
                for tab in ("registers", "blocks", "limits", "versions")
            ),
            "/live/?q=电表",
            "/search/?q=dianbiao",
            "/search/?q=nothing-of-this-name",
            "/notices/",
            f"/live/?site={site}",
            f"/curves/?point={self.device.pk}:Ua&point={self.device.pk}:T1&compare=day",
            "/curves/",
            "/api/docs/",
            "/api/docs/alarms/",
            "/help/states/",
            "/help/completeness/",
            "/about/",
            "/profile/",
            "/jobs/",
            "/sheets/",
            "/changes/",
            f"/changes/device/{self.device.pk}/",
            "/meters/add/",
            f"/meters/add/?gateway={self.device.bus.gateway_id}",
            f"/commissioning/devices/{self.device.pk}/",
            f"/commissioning/gateways/{self.device.bus.gateway_id}/",
            "/control/",
            "/control/?q=nothing-of-this-name",
            f"/control/{self.control.pk}/",
            f"/control/select/?device={self.device.pk}&output=DO1",
            f"/sites/{site}/control/",
            f"/sites/{site}/derived/",
            f"/sites/{site}/derived/add/",
            f"/derived/{self.derived.pk}/",
            f"/curves/?point={self.derived.word}&point={self.device.pk}:P",
            "/clocks/",
            "/clocks/?state=off",
            "/lockouts/",
            "/lockouts/add/",
            f"/lockouts/add/?site={site}",
            f"/exchanges/devices/{self.device.pk}/",
            f"/repairs/devices/{self.device.pk}/",
            "/sources/",
            "/sources/?q=nothing-of-this-name",
            "/sources/add/",
            f"/sources/add/?site={site}",
            f"/sources/{self.source.pk}/",
            f"/sources/{self.source.pk}/edit/",
            f"/sources/{self.source.pk}/mqtt/",
            f"/sources/{self.source.pk}/mqtt/edit/",
            f"/sources/{self.source.pk}/mqtt/add/",
            f"/sources/mappings/{self.source.broker.mappings.get().pk}/",
            f"/jobs/{self.job.pk}/",
            "/accounts/2fa/",
            "/accounts/password/change/",
            "/nowhere/",
        ]

    def keeper_pages(self) -> list[str]:
        """Pages that only who maintains the whole platform can open: Adm."""
        template = self.device.template_version.template.key
        return ["/template-import/", f"/templates/{template}/1/clone/"]


def take_in(device: Device, *, voltage: float = 230.0, minutes: int = 0) -> None:
    """Readings through the one door: the newest, after so many minutes of one every ten seconds."""
    now = timezone.now()
    ingest.ingest(_batch(device, now, voltage, minutes), now=now)


def refresh(device: Device) -> None:
    """Let the latest values be new; nothing is evaluated, so the alarms stay active."""
    now = timezone.now()
    live.store(_batch(device, now), now=now)


def _batch(device: Device, now: datetime, voltage: float = 230.0, minutes: int = 0) -> Batch:
    layout = device.template_version.layout
    count = 6 * minutes + 1
    codes = layout.value_codes
    usual = dict.fromkeys(("Ua", "Ub", "Uc"), voltage) | {"F": 50.0}
    level = [usual.get(code, 1.0) for code in codes]
    at = now.timestamp() - 10.0 * np.arange(count)[::-1]
    return make_batch(
        layout_id=layout.pk,
        device_ids=[device.pk] * count,
        site_ids=[device.site_id] * count,
        at=at.tolist(),
        values=[level] * count,
        counters=[[1000.0 + i] * len(layout.counter_codes) for i in range(count)],
    )


def make_world() -> World:
    """The shipped rules, Ana's site, a device with two hours of history."""
    call_command("load_rules", verbosity=0)
    cast = people()
    room = make_room("一号配电室", site=cast.site)
    circuit = make_circuit("进线 401", room=room, kind="incomer")
    gateway = make_gateway(site=cast.site, period_s=10, is_online=True)
    device = make_device(
        bus=make_bus(gateway=gateway),
        name="401 电表",
        room=room,
        circuit=circuit,
        template_version=make_template_version(),
    )
    Device.objects.filter(pk=device.pk).update(is_online=True)
    take_in(device, minutes=120)
    now = timezone.now()
    alarm = make_alarm(
        device=device,
        rule=Rule.objects.get(key="IR"),
        at=now - timedelta(minutes=30),
        unit="mA",
    )
    busy = make_alarm(
        device=device,
        rule=Rule.objects.get(key="T"),
        at=now - timedelta(hours=2),
        handling=Handling.VERIFIED,
        by=cast.di,
        value=88.0,
        unit="°C",
    )
    order = make_order(
        cast=cast,
        state=State.IN_PROGRESS,
        alarm_id=busy.pk,
        now=now - timedelta(hours=1),
        due_at=now + timedelta(hours=3),
        title="电缆接头温度过高 · 401 电表，请带红外测温仪和 12 mm 扳手",
    )
    plan = make_plan(
        cast,
        name="配电室月度巡检",
        name_en="Monthly room inspection",
        first_due_on=timezone.localdate() + timedelta(days=1),
        now=now - timedelta(days=1),
    )
    task = plan.tasks.get()
    bring_task(task, TaskState.ASSIGNED, cast=cast)
    save_view(user=cast.ana, page="alarms", name="紧急", query="severity=critical", now=now)
    cast.site.is_control_allowed = True
    cast.site.save()
    make_lockout(room=make_room("二号配电室", site=cast.site), by=cast.bo)
    source, _key = make_source(site=cast.site, name="能管平台", last_refusals=[REFUSAL])
    broker = make_broker(
        source=source, faults=make_faults("{ua: 231"), strangers=make_strangers("0A:1B:3C")
    )
    make_mapping(broker=broker)
    make_exchange(device)
    make_flag(device)
    make_repair(device, cast.ana)
    make_clock(device, drift_s=187.0, result="kept")
    make_trial(device, HEALTHY | {"P": -13.167, "Ub": 0.0})
    # Its code comes behind those of other devices, however many were made before.
    version = device.template_version
    make_fed_device(source=source, name="远传电表", code="Z-01", template_version=version)
    return World(
        cast=cast,
        device=device,
        alarm=alarm,
        order=order,
        job=make_job(cast.ana),
        task=task,
        source=source,
        derived=make_derived(
            site=cast.site, by=cast.ana, formula=f"d{device.pk}:P * 3", name="估算总有功"
        ),
        control=make_operation(device=device, operator=cast.di),
    )

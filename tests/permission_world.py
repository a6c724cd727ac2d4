"""One object of every kind on the cast's site, made by the services, all named with a secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from io import BytesIO
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone

from alarms import services as alarm_services
from alarms.models import Alarm, AlarmPhoto, RuleOverride
from alarms.states import Handling
from alarms.tests.factories import make_alarm, make_rule
from devices.models import (
    Acceptance,
    CompactedHour,
    ControlOperation,
    DataSource,
    DerivedPoint,
    Device,
    DtuDoor,
    DtuProfile,
    ExchangePhoto,
    LinkEvent,
    Lockout,
    MeterExchange,
    MqttMapping,
    PointCode,
    PollShard,
    Repair,
    RolledDay,
    SampleLoss,
    TrialRead,
)
from devices.services import exchange_photos
from devices.tests.factories import (
    make_acceptance,
    make_broker,
    make_clock,
    make_derived,
    make_device,
    make_exchange,
    make_faults,
    make_fed_device,
    make_flag,
    make_lockout,
    make_mapping,
    make_operation,
    make_repair,
    make_source,
    make_strangers,
    make_trial,
)
from sites import services as site_services
from sites.models import (
    ApiToken,
    Grant,
    Job,
    SavedView,
    SignInRefusal,
    SiteDocument,
    User,
)
from sites.resources import works
from sites.rules import DataClass, Role
from sites.tests.factories import (
    PASSWORD,
    People,
    make_circuit,
    make_job,
    make_room,
    make_transformer,
    make_user,
    people,
)
from workorders import services as order_services
from workorders.models import Photo, Task, TaskPhoto, TaskPlan, WorkOrder
from workorders.states import State, TaskState
from workorders.tests.factories import make_order, make_plan, make_task, picture

# Stands in every name on the site: an answer to a stranger that has it tells him something.
SECRET = "保密七号"  # noqa: S105 - no password

# Stands beside it, and must never be more than text.
MARKUP = '"><script>7</script>'

STRANGER = "stranger"
NOBODY = "nobody"
ROLES: tuple[str, ...] = tuple(role.value for role in Role)
PEOPLE: tuple[str, ...] = (*ROLES, STRANGER, NOBODY)


@dataclass
class World:
    """The cast with rows to ask for; the table names them by attribute."""

    cast: People
    device: Device
    trial: TrialRead
    acceptance: Acceptance
    exchange: MeterExchange
    repair: Repair
    exchange_photo: ExchangePhoto
    alarm: Alarm
    verified_alarm: Alarm
    recovered_alarm: Alarm
    orders: dict[str, WorkOrder]
    photo: Photo
    document: SiteDocument
    tasks: dict[str, Task]
    task_photo: TaskPhoto
    plan: TaskPlan
    token: ApiToken
    job: Job
    waiting_job: Job
    check: Job
    view: SavedView
    source: DataSource
    mapping: MqttMapping
    source_key: str
    fed_device: Device
    derived: DerivedPoint
    control: ControlOperation
    lockout: Lockout
    alarm_photo: AlarmPhoto
    rows: dict[str, models.Model] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Any:
        return self.cast.site

    @property
    def task(self) -> Task:
        """Assigned to Bo, the technician."""
        return self.tasks[TaskState.ASSIGNED]

    @property
    def order(self) -> WorkOrder:
        """Assigned to Bo, the technician."""
        return self.orders[State.ASSIGNED]

    def person(self, name: str) -> User | None:
        """Who plays the part, as the next request loads him; None for nobody."""
        if name == NOBODY:
            return None
        user = self.cast.cy if name == STRANGER else self.cast.by_role()[Role(name)]
        return User.objects.get(pk=user.pk)


def build() -> World:
    """Make it. Recent enough to be on every page's first screen."""
    cast = people()
    # A government sees safety, not production.
    Grant.objects.filter(user=cast.gu).update(data_classes=[DataClass.SAFETY.value])
    User.objects.update(password=make_password(PASSWORD))
    for place in (cast.site, cast.enterprise):
        place.name = f"{place.name} {SECRET} {MARKUP}"
        place.name_en = f"Place {SECRET} {MARKUP}"
        place.save()
    cast.site.is_control_allowed = True
    cast.site.save()
    room = make_room(f"配电室 {SECRET} {MARKUP}", site=cast.site)
    transformer = make_transformer(f"变压器 {SECRET} {MARKUP}", room=room)
    circuit = make_circuit(f"出线 {SECRET} {MARKUP}", transformer=transformer)
    device = make_device(site=cast.site, name=f"仪表 {SECRET} {MARKUP}")
    now = timezone.now()
    facts: dict[str, Any] = {"by": cast.di, "at": now - timedelta(minutes=9)}
    alarm, verified, recovered = (
        make_alarm(device=device, rule=make_rule(f"MATRIX_{number}"), **facts, **more)
        for number, more in enumerate(
            (
                {},
                {"handling": Handling.VERIFIED},
                {"handling": Handling.VERIFIED, "is_active": False},
            )
        )
    )
    orders = {
        state: make_order(
            cast=cast,
            state=state,
            title=f"工单 {SECRET} {MARKUP}",
            now=now - timedelta(minutes=8),
            due_at=now + timedelta(days=1),
        )
        for state in (
            State.NEW,
            State.ASSIGNED,
            State.IN_PROGRESS,
            State.ON_HOLD,
            State.TO_ACCEPT,
        )
    }
    photo = order_services.add_photo(
        order_id=orders[State.ASSIGNED].pk,
        file=picture(),
        caption=SECRET + MARKUP,
        by=cast.bo,
        door="web",
        now=now,
    )
    drawing = picture()
    drawing.name = f"{SECRET} {MARKUP.replace('/', '')}.jpeg"
    document = site_services.add_document(site_id=cast.site.pk, file=drawing, by=cast.ana, now=now)
    tasks = {
        state: make_task(
            cast=cast,
            state=state,
            title=f"任务 {SECRET} {MARKUP}",
            title_en=f"Task {SECRET} {MARKUP}",
            now=now - timedelta(minutes=8),
            due_on=timezone.localdate() + timedelta(days=1),
        )
        for state in (
            TaskState.NEW,
            TaskState.ASSIGNED,
            TaskState.IN_PROGRESS,
            TaskState.TO_ACCEPT,
        )
    }
    task_photo = order_services.add_task_photo(
        task_id=tasks[TaskState.ASSIGNED].pk,
        file=picture(),
        caption=SECRET + MARKUP,
        by=cast.bo,
        door="web",
        now=now,
    )
    plan = make_plan(
        cast,
        name=f"计划 {SECRET} {MARKUP}",
        name_en=f"Plan {SECRET} {MARKUP}",
        first_due_on=timezone.localdate() + timedelta(days=100),
        now=now,
    )
    source, source_key = make_source(
        site=cast.site,
        name=f"平台 {SECRET} {MARKUP}",
        name_en=f"Platform {SECRET} {MARKUP}",
        last_refusals=[
            {
                "received_at": now.isoformat(),
                "device": SECRET + MARKUP,
                "at": MARKUP,
                "code": "point_unknown",
                "facts": {"point": MARKUP},
            }
        ],
    )
    mapping = make_mapping(
        broker=make_broker(
            source=source,
            host=SECRET,
            client_id="dianwu-7",
            faults=make_faults(SECRET + MARKUP),
            strangers=make_strangers(SECRET + MARKUP),
        ),
        sample_payload=SECRET + MARKUP,
    )
    fed_device = make_fed_device(
        source=source,
        name=f"远传 {SECRET} {MARKUP}",
        code="T-01",
        template_version=device.template_version,
    )
    derived = make_derived(
        site=cast.site,
        by=cast.ana,
        formula=f"d{device.pk}:IR / 1000",
        unit="A",
        name=f"计算 {SECRET} {MARKUP}",
        name_en=f"Derived {SECRET} {MARKUP}",
    )
    alarm_services.comment(
        alarm_id=alarm.pk, note="", by=cast.bo, door="web", now=now, photos=[picture()]
    )
    token, _plain = site_services.issue_token(
        user=cast.bo, device_id="phone", device_name=f"手机 {SECRET} {MARKUP}", now=now
    )
    exchange = make_exchange(make_device(bus=device.bus))
    make_flag(device)
    repair = make_repair(device, cast.ana)
    world = World(
        cast=cast,
        device=device,
        trial=make_trial(device),
        acceptance=make_acceptance(make_device(bus=device.bus)),
        exchange=exchange,
        repair=repair,
        exchange_photo=exchange_photos.add_photo(
            exchange=exchange, file=picture(), by=cast.ana, now=now
        ),
        alarm=alarm,
        verified_alarm=verified,
        recovered_alarm=recovered,
        orders=orders,
        photo=photo,
        document=document,
        tasks=tasks,
        task_photo=task_photo,
        plan=plan,
        token=token,
        job=make_job(cast.bo, words=SECRET + MARKUP),
        waiting_job=make_job(cast.bo, is_run=False),
        check=_check(cast.ana, room.pk),
        alarm_photo=AlarmPhoto.objects.get(),
        source=source,
        mapping=mapping,
        source_key=source_key,
        fed_device=fed_device,
        derived=derived,
        control=make_operation(
            device=device, operator=make_user("operator"), reason=f"停电 {SECRET} {MARKUP}"
        ),
        lockout=make_lockout(room=room, by=cast.bo, worker=f"张 {SECRET} {MARKUP}"),
        view=site_services.save_view(
            user=cast.bo, page="alarms", name=f"视图 {SECRET}", query="", now=now
        ),
    )
    make_clock(device, drift_s=187.0, result="kept")
    world.rows = _rows(world, room, transformer, circuit)
    for name in PEOPLE:
        if (person := world.person(name)) is not None:
            browser = Client()
            browser.force_login(person)
            world.sessions[name] = browser.session.session_key
            _row, world.tokens[name] = site_services.issue_token(
                user=person, device_id="matrix", device_name="", now=now
            )
    return world


def _check(user: User, room_id: int) -> Job:
    """A dry run of the manager's that is ready to be confirmed."""
    file = BytesIO(f"id,name_en\n{room_id},Room one\n".encode())
    now = timezone.now()
    job = works.ask_check(user=user, file=file, name="rooms.csv", kind="rooms", now=now)
    site_services.run_job(job_id=job.pk)
    return job


def _rows(world: World, *places: models.Model) -> dict[str, models.Model]:
    """A row of every table that the admin may show, by the model's label."""
    cast = world.cast
    site_services.take_numbers(prefix="GD", day=timezone.localdate())
    refusal = site_services.record_refusal(
        username=SECRET + MARKUP,
        ip="::1",
        door=SignInRefusal.Door.WEB,
        reason=SignInRefusal.Reason.PASSWORD,
        now=timezone.now(),
    )
    grant = Grant.objects.filter(user=cast.bo).get()
    link_event = LinkEvent.objects.create(
        device=world.device, site=cast.site, at=timezone.now(), is_online=False, reason="timeout"
    )
    override = RuleOverride.objects.create(
        rule=world.alarm.rule,
        device=world.device,
        threshold=200.0,
        reset=150.0,
        note=SECRET + MARKUP,
    )
    shard, _made = PollShard.objects.get_or_create(number=0)
    now = timezone.now()
    door = DtuDoor.objects.create(number=0, address="::1:7502", opened_at=now, updated_at=now)
    kind = DtuProfile.objects.create(code="matrix", name=MARKUP)
    SampleLoss.objects.create(
        shard=0, thinned=1, dropped=1, first_at=now, last_at=now, noted_at=now
    )
    CompactedHour.objects.create(hour=now, blocks=0, rows=0, size_bytes=0, compacted_at=now)
    RolledDay.objects.create(zone="Asia/Shanghai", day=now.date(), noted_at=now)
    named: list[models.Model] = [
        *places,
        cast.site,
        cast.enterprise,
        cast.team,
        cast.organisation,
        cast.bo,
        cast.town,
        cast.department,
        world.device,
        world.device.bus,
        world.source,
        world.mapping.broker,
        world.device.bus.gateway,
        world.device.template_version,
        world.device.template_version.template,
        world.alarm,
        world.alarm.rule,
        world.order,
        world.photo,
        world.task,
        world.task_photo,
        world.plan,
        world.token,
        refusal,
        grant,
        link_event,
        override,
        shard,
        door,
        kind,
        PointCode.objects.get(code="IR"),
    ]
    return {row._meta.label_lower: row for row in named}


def row_of(world: World, model: type[models.Model]) -> models.Model | None:
    """The world's row of a table, or any row of a table that belongs to no site."""
    return world.rows.get(model._meta.label_lower) or model._default_manager.first()


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside never happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# What a request may write by the way: the record of a refused sign-in, when a token was last used.
_BY_THE_WAY = {"sites_signinrefusal", "sites_apitoken"}
_WRITTEN = """
SELECT EXISTS (SELECT FROM sites_apitoken WHERE revoked_at IS NOT NULL), sum(
    pg_stat_get_xact_tuples_inserted(number) + pg_stat_get_xact_tuples_updated(number)
    + pg_stat_get_xact_tuples_deleted(number)
) FROM unnest(%s::oid[]) AS number
"""


@cache
def _tables() -> list[int]:
    """Numbers of the tables of ours, and of the admin's log; sessions are not among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, oid FROM pg_class WHERE relkind = 'r' "
            "AND relname ~ '^(sites|devices|alarms|workorders|django_admin_log)'"
        )
        return [oid for name, oid in cursor.fetchall() if name not in _BY_THE_WAY]


# What _WRITTEN said when has_written() was asked last.
_rows_before = 0


def has_written() -> bool:
    """Whether a token is revoked, or a row was written since this was asked last.

    Rows of this transaction, also such as were undone: their number only grows.
    """
    global _rows_before  # noqa: PLW0603
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN, [_tables()])
        is_revoked, rows = cursor.fetchone()
    has_grown, _rows_before = rows != _rows_before, rows
    return is_revoked or has_grown

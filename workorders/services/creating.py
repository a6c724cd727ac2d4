"""Open an order: from a verified alarm, or by hand."""

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from alarms import services as alarm_services
from alarms.models import Alarm
from alarms.rules.texts import text
from alarms.states import Move as AlarmMove
from core.errors import Invalid, NotFound
from core.time import local_day
from devices.models import Device
from sites import selectors as site_selectors
from sites import services as site_services
from sites.models import Circuit, Room, Site, Team, User
from sites.rules import Ability
from workorders import rules, states
from workorders.models import WorkOrder
from workorders.services import journal
from workorders.states import Kind, Priority

logger = logging.getLogger(__name__)

PREFIX = "GD"


@transaction.atomic
def create(  # noqa: PLR0913
    *,
    site: Site,
    kind: str,
    priority: str,
    title: str,
    description: str,
    due_at: datetime,
    by: User,
    door: str,
    now: datetime,
    title_en: str = "",
    alarm_id: int | None = None,
    room: Room | None = None,
    circuit: Circuit | None = None,
    device: Device | None = None,
    team: Team | None = None,
    seen: str = "",
) -> WorkOrder:
    """Open an order at a site; from an alarm it takes the alarm's place where none is given.

    `seen`: the handling of the alarm that the person saw, '' when he does not care.
    Raises Forbidden without the ability to create orders on the site, NotFound when the alarm is
    not one of this site, MoveRefused or Changed when the alarm is not (any longer) verified, and
    Invalid for a place of another site, a due time that is past, or texts that cannot be kept.
    """
    site_selectors.require(user=by, ability=Ability.CREATE_ORDER, site=site)
    order = WorkOrder(
        kind=rules.choice(kind, field="kind", among=Kind.values),
        priority=rules.choice(priority, field="priority", among=Priority.values),
        title=text(title, field="title", limit=rules.TITLE_LENGTH, is_required=True),
        title_en=text(title_en, field="title_en", limit=rules.TITLE_LENGTH),
        description=text(description, field="description"),
        site=site,
        room=room,
        circuit=circuit,
        device=device,
        team=team or site.team,
        state=states.LIFE.initial,
        due_at=rules.due(due_at, now=now),
        created_by=by,
        created_at=now,
        updated_at=now,
    )
    if alarm_id is not None:
        _take_place(order, _alarm_of(site, alarm_id))
    _check_place(order)
    order.number = _number(site, now)
    if alarm_id is not None:
        alarm_services.move_for_order(
            alarm_id=alarm_id,
            move=AlarmMove.CREATE_ORDER,
            order_number=order.number,
            by=by,
            door=door,
            now=now,
            seen=seen,
        )
    order.save(force_insert=True)
    facts = {
        "kind": order.kind,
        "priority": order.priority,
        "due_at": order.due_at.isoformat(),
        "alarm": order.alarm.number if order.alarm else None,
    }
    journal.write(order, "created", by=by, door=door, now=now, facts=facts)
    journal.announce(order, "created")
    logger.info("order.created number=%s site=%s by=%s", order.number, site.pk, by.pk)
    return order


def _alarm_of(site: Site, alarm_id: int) -> Alarm:
    """The alarm, locked: the series of numbers is taken after it and before it moves."""
    alarms = Alarm.objects.select_for_update(of=("self",))
    alarm = alarms.filter(pk=alarm_id, site=site).first()
    if alarm is None:
        raise NotFound
    return alarm


def _take_place(order: WorkOrder, alarm: Alarm) -> None:
    order.alarm = alarm
    order.room = order.room or alarm.room
    order.circuit = order.circuit or alarm.circuit
    order.device = order.device or alarm.device


def _check_place(order: WorkOrder) -> None:
    """Raises Invalid when a part of the place, or the team, does not belong to the site."""
    site = order.site
    wrong: dict[str, list[str]] = {}
    foreign = [_("不属于该站点。")]
    if order.room and order.room.site_id != site.pk:
        wrong["room"] = foreign
    if order.circuit and order.circuit.room.site_id != site.pk:
        wrong["circuit"] = foreign
    if order.device and order.device.site_id != site.pk:
        wrong["device"] = foreign
    if order.team and (
        site.team is None or order.team.organisation_id != site.team.organisation_id
    ):
        wrong["team"] = [_("不属于该站点的运维单位。")]
    if wrong:
        raise Invalid(fields=wrong)


def _number(site: Site, now: datetime) -> str:
    day = local_day(now, site.timezone)
    return site_services.take_numbers(prefix=PREFIX, day=day, count=1)[0]

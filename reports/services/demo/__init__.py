"""The demo: a fictional district with a month of history and what people did about it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from devices.services import tallies
from reports.services.demo import equipment, lines, people, places
from reports.services.demo.agenda import Agenda
from reports.services.demo.document import PASSWORD, Demo, Size, document
from reports.services.demo.history import Past
from reports.services.demo.incidents import Incident, incidents
from reports.services.demo.orders import Orders
from reports.services.demo.shift import Shift
from reports.services.demo.tasks import Tasks
from sites.models import Enterprise

__all__ = ["PASSWORD", "Demo", "Size", "build", "load"]

Say = Callable[[str], None]
TELL_EVERY = timedelta(days=1)
# How long the processes take from here to their first polls.
POLLING_BEGINS = timedelta(seconds=60)


def load(*, now: datetime, progress: Say, clock: Callable[[], datetime], size: Size) -> Demo | None:
    """Make the demo in an empty database; None when there is an enterprise already.

    now: where its past ends at first. clock: tells the time at the end, so that no gap is left
    between the past and what the simulator goes on with.
    """
    if Enterprise.objects.exists():
        return None
    with connection.cursor() as cursor:
        # Nobody needs to wait for the disk: what a crash would lose is made again.
        cursor.execute("SET synchronous_commit TO off")
    progress("1/4 places, people and equipment")
    demo = build(now=now, size=size)
    told = (len(demo.sites), len(demo.devices), size.days)
    progress("2/4 {} sites, {} devices; now {:g} days of samples, alarms and orders".format(*told))
    planned = incidents(demo=demo)
    past = Past(demo=demo, incidents=planned)
    with lines.nobody_listens():
        _live_through(demo=demo, past=past, planned=planned, clock=clock, progress=progress)
    return demo


@transaction.atomic
def build(*, now: datetime, size: Size) -> Demo:
    """Every place, person and device; the database must not hold them yet."""
    demo = Demo(document=document(), now=now, size=size)
    people.make_parties(demo=demo)
    places.make_towns(demo=demo)
    for site, facts in places.make_sites(demo=demo):
        equipment.equip(demo=demo, site=site, facts=facts)
    people.make_users(demo=demo)
    return demo


def _live_through(
    *,
    demo: Demo,
    past: Past,
    planned: list[Incident],
    clock: Callable[[], datetime],
    progress: Say,
) -> None:
    """Samples, lines and people in the order of time; then over to the simulator."""
    agenda = Agenda()
    orders = Orders(demo=demo, agenda=agenda)
    shift = Shift(demo=demo, agenda=agenda, orders=orders)
    lines.come_on_line(demo=demo, at=past.begins_at)
    lines.plan_outages(agenda=agenda, incidents=planned, now=demo.now)
    orders.plan_by_hand(start=past.begins_at, end=demo.now)
    orders.plan_present(now=demo.now)
    Tasks(demo=demo, agenda=agenda).plan(start=past.begins_at, end=demo.now)
    alarms, told_at = 0, past.begins_at
    for until in past.slices(until=demo.now):
        alarms += shift.look()
        agenda.run(until=until)
        if until - told_at >= TELL_EVERY:
            told_at = until
            day = f"day {(until - past.begins_at).days} of {demo.size.days:g}"
            progress(f"2/4 {day}: {past.rows:,} samples, {alarms} alarms")
    progress("3/4 counting how complete the data is")
    tallies.recount(start=past.begins_at, end=demo.now)
    progress("4/4 handing over to the simulator")
    for until in past.slices(until=clock()):
        shift.look()
        agenda.run(until=until)
    # The last of the past is due at its own pace; the faster one counts from when polling begins.
    tallies.recount(start=demo.now, end=clock() + POLLING_BEGINS)
    equipment.go_live(demo=demo, now=clock())
    lines.heard_of(now=clock())
    settings.SIMULATOR_STATE.write_text(json.dumps(past.left_behind()), encoding="utf-8")

"""The demo: a fictional district with a month of history and what people did about it."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from devices.services import tallies
from reports.services.demo import acceptances, equipment, lines, papers, people, places
from reports.services.demo.document import PASSWORD, Demo, Size, document
from reports.services.demo.incidents import incidents
from reports.services.demo.shares import Apart, Share, Told, hurry, together
from reports.services.demo.tasks import make_plans
from sites.models import Enterprise

__all__ = ["PASSWORD", "Demo", "Size", "build", "load"]

Say = Callable[[str], None]
TELL_EVERY = timedelta(days=1)
# How long the processes take from here to their first polls.
POLLING_BEGINS = timedelta(seconds=60)


def load(
    *, now: datetime, progress: Say, clock: Callable[[], datetime], size: Size, hands: int = 1
) -> Demo | None:
    """Make the demo in an empty database; None when there is an enterprise already.

    now: where its past ends at first. clock: tells the time at the end, so that no gap is left
    between the past and what the simulator goes on with. hands: how many processes share the work;
    more than one see only what is committed.
    """
    if Enterprise.objects.exists():
        return None
    hurry()
    progress("1/4 places, people and equipment")
    demo = build(now=now, size=size)
    papers.file_papers(demo=demo)
    told = (len(demo.sites), len(demo.devices), size.days)
    progress("2/4 {} sites, {} devices; now {:g} days of samples, alarms and orders".format(*told))
    planned = incidents(demo=demo)
    with lines.nobody_listens():
        first, *others = demo.dealt(hands)
        away = [Apart(demo=one, incidents=planned) for one in others]
        hurry()
        _live_through(demo, Share(demo=first, incidents=planned), away, clock, progress)
    return demo


@transaction.atomic
def build(*, now: datetime, size: Size) -> Demo:
    """Every place, person and device; the database must not hold them yet."""
    demo = Demo(document=document(), now=now, size=size)
    people.make_parties(demo=demo)
    places.make_towns(demo=demo)
    for site, facts in places.make_sites(demo=demo):
        equipment.equip(demo=demo, site=site, facts=facts)
    places.house_platform(demo=demo)
    people.make_users(demo=demo)
    acceptances.accept_devices(demo=demo)
    make_plans(demo=demo)
    return demo


def _live_through(
    demo: Demo, mine: Share, others: list[Apart], clock: Callable[[], datetime], progress: Say
) -> None:
    """The past, up to where polling begins; then over to the simulator."""
    told_at = demo.begins_at
    for tolds in _in_step(mine, others, until=demo.now):
        if tolds[0].until - told_at >= TELL_EVERY:
            tallies.recount(start=told_at, end=tolds[0].until)
            told_at = tolds[0].until
            day = f"day {(told_at - demo.begins_at).days} of {demo.size.days:g}"
            rows, alarms = sum(one.rows for one in tolds), sum(one.alarms for one in tolds)
            progress(f"2/4 {day}: {rows:,} samples, {alarms} alarms")
    progress("3/4 counting how complete the data is")
    tallies.recount(start=told_at, end=demo.now)
    progress("4/4 handing over to the simulator")
    for _tolds in _in_step(mine, others, until=clock()):
        pass
    # The last of the past is due at its own pace; the faster one counts from when polling begins.
    tallies.recount(start=demo.now, end=clock() + POLLING_BEGINS)
    acceptances.exchange_one(demo=demo, now=clock())
    equipment.go_live(demo=demo, now=clock())
    lines.heard_of(now=clock())
    left = together([mine.left_behind(), *(one.left_behind() for one in others)])
    settings.SIMULATOR_STATE.write_text(json.dumps(left), encoding="utf-8")


def _in_step(mine: Share, others: list[Apart], *, until: datetime) -> Iterator[list[Told]]:
    """A slice of the past in all shares at once, so that numbers are given in the order of time."""
    for one in others:
        one.begin(until)
    for told in mine.live_through(until):
        yield [told, *(one.told() for one in others)]

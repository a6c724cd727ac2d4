"""Reading alarms: the gate, lists, statistics, neighbours."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from alarms.models import Alarm
from core.errors import NotFound
from sites import selectors as site_selectors
from sites.models import User
from sites.rules import Ability


def alarm_for(
    *, user: User | AnonymousUser, pk: int, ability: Ability = Ability.VIEW
) -> Alarm:
    """The alarm with its place.

    Raises NotFound when the person cannot see its site, Forbidden when he sees it without the
    ability.
    """
    alarm = Alarm.objects.visible_to(user).with_place().filter(pk=pk).first()
    if alarm is None:
        raise NotFound
    if ability != Ability.VIEW:
        site_selectors.require(user=user, ability=ability, site=alarm.site)
    return alarm

"""Alarms counted by handling and severity, for tabs."""

import hashlib
from contextlib import suppress

import redis
from django.core.cache import cache
from django.db.models import Count

from alarms.models import Alarm, AlarmQuerySet
from alarms.states import Handling, Severity
from sites.models import User, access_for

Tally = dict[tuple[str, str], int]

# So many archived alarms are counted once a minute for all who see the same.
MANY = 10_000
KEPT_S = 60


def tally(rows: AlarmQuerySet) -> Tally:
    """How many of each handling and severity."""
    counted = rows.order_by().values_list("handling", "severity").annotate(Count("pk"))
    return {(handling, severity): count for handling, severity, count in counted}


def counters(found: Tally) -> dict[str, int]:
    """Open alarms as the counters of the frame are called."""
    return {
        "alarms_open": sum(found.values()),
        "alarms_unverified": sum(n for (h, _s), n in found.items() if h == Handling.UNVERIFIED),
        "alarms_critical": sum(n for (_h, s), n in found.items() if s == Severity.CRITICAL),
    }


def archived_tally(*, user: User, many: int = MANY) -> tuple[Tally, bool]:
    """All archived alarms that the person sees, and whether they were counted a moment ago.

    Nearly all alarms are archived, and hardly anybody looks at them: from `many` on they are
    counted once a minute.
    """
    key = _key(user)
    with suppress(redis.RedisError):
        if (kept := cache.get(key)) is not None:
            return kept, True
    found = tally(Alarm.objects.visible_to(user).filter(handling=Handling.ARCHIVED))
    if sum(found.values()) >= many:
        with suppress(redis.RedisError):
            cache.set(key, found, timeout=KEPT_S)
    return found, False


def _key(user: User) -> str:
    """The same for all who see the same."""
    scopes = access_for(user).scopes()
    words = "*" if scopes is None else repr(sorted((k, sorted(v)) for k, v in scopes.items()))
    return f"alarms.archived.{hashlib.sha256(words.encode()).hexdigest()}"

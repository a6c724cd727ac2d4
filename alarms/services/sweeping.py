"""What is looked at again every few seconds, because messages and workers may be lost."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Q

from alarms.models import Alarm, Rule
from alarms.services import ignoring, links, watching
from alarms.services.admission import NOT_APPLICABLE
from alarms.services.raising import recover_batch
from alarms.services.spots import Recovery
from alarms.states import Condition

logger = logging.getLogger(__name__)


def sweep(*, now: datetime) -> None:
    """Do every part, whatever the others say; each is a query by what is due."""
    parts: tuple[Callable[..., object], ...] = (
        ignoring.end_over,
        release_unwatched,
        links.sweep,
        watching.catch_up,
    )
    for part in parts:
        try:
            part(now=now)
        except DatabaseError:
            logger.exception("alarm.sweep_failed part=%s", part.__name__)


def release_unwatched(*, now: datetime) -> list[int]:
    """End active alarms of devices that are out of service: no sample will ever end them.

    Ids of the alarms that recovered.
    """
    rows = (
        Alarm.objects.open()
        .filter(condition=Condition.ACTIVE, scope_kind=Alarm.Scope.DEVICE)
        .filter(
            Q(device__is_enabled=False)
            | Q(device__bus__gateway__is_enabled=False)
            | Q(device__source__is_enabled=False)
        )
        .exclude(rule__kind=Rule.Kind.LINK)
    )
    return recover_batch(
        recoveries=[
            Recovery(
                scope_kind=Alarm.Scope.DEVICE,
                scope_id=device_id,
                rule_id=rule_id,
                point_code=code,
                at=now,
                reason=NOT_APPLICABLE,
            )
            for device_id, rule_id, code in rows.values_list("scope_id", "rule_id", "point_code")
        ],
        now=now,
    )

"""Lock-outs: while somebody works there, nothing is switched from afar."""

import logging
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from core.errors import Changed, DomainError, Forbidden, Invalid, NotFound
from devices.models import ControlOperation, Device, Lockout
from devices.services import control_journal as journal
from devices.services.control import JUST_WRITTEN, lock_site
from devices.states import CONTROL_WAITING, ControlResult, ControlState
from sites import selectors as site_selectors
from sites.models import Room, Site, User
from sites.rules import Ability

# Texts of a lock-out and how long they may be.
_TEXTS = {"worker": 120, "reason": 400, "permit_number": 40}

logger = logging.getLogger(__name__)


class BeingExecuted(DomainError):
    """Something is being switched there, or was just now and nobody knows with what result."""

    code = "being_executed"

    def __init__(self, number: str) -> None:
        words = _("遥控操作 %(number)s 尚无结果，闭锁尚未生效，请待其有结果后重新设置。")
        super().__init__(words % {"number": number}, number=number)


class Work(NamedTuple):
    """Who works where, why, by which permit; room and device are of the site, one at most."""

    site: Site
    room: Room | None
    device: Device | None
    worker: str
    reason: str
    permit_number: str
    starts_at: datetime | None = None
    planned_end_at: datetime | None = None


def lock_out(*, work: Work, by: User, now: datetime) -> Lockout:
    """Begin a lock-out, from now unless a later start is given. What waits there is blocked.

    When it returns nothing is executed there any more. The same once more, by the same person, is the
    one that holds: a form that is sent twice must not leave a second one to be ended. Raises Forbidden, Invalid, and
    BeingExecuted when it would come in the middle of a switching, or just after one whose result
    is not known.
    """
    site_selectors.require(user=by, ability=Ability.LOCK_OUT, site=work.site)
    starts_at = work.starts_at or now
    _check(work, starts_at)
    with transaction.atomic():
        lock_site(work.site.pk)
        if (held := _held(work, by)) is not None:
            return held
        made = Lockout.objects.create(
            site=work.site,
            room=work.room,
            device=work.device,
            worker=work.worker.strip(),
            reason=work.reason.strip(),
            permit_number=work.permit_number.strip(),
            starts_at=starts_at,
            planned_end_at=work.planned_end_at,
            by=by,
            created_at=now,
        )
        if starts_at <= now:
            _clear(made, by, now)
    logger.info("lockout.begun id=%s site=%s by=%s", made.pk, work.site.pk, by.pk)
    return made


def end_lockout(*, lockout_id: int, by: User, now: datetime) -> Lockout:
    """End it: whoever set it, or who manages the site. Raises NotFound, Forbidden, Changed."""
    found = Lockout.objects.visible_to(by).select_related("site__team", "site__enterprise")
    lockout = found.filter(pk=lockout_id).first()
    if lockout is None:
        raise NotFound
    if not may_end(lockout, by):
        raise Forbidden
    if not Lockout.objects.open().filter(pk=lockout_id).update(ended_at=now, ended_by=by):
        raise Changed
    logger.info("lockout.ended id=%s by=%s", lockout_id, by.pk)
    lockout.refresh_from_db()
    return lockout


def may_end(lockout: Lockout, user: User) -> bool:
    """Whoever set it, as long as he may, and whoever manages the site."""
    may = site_selectors.may
    if may(user=user, ability=Ability.MANAGE_SITE, site=lockout.site):
        return True
    own = lockout.by_id == user.pk
    return own and may(user=user, ability=Ability.LOCK_OUT, site=lockout.site)


def _check(work: Work, starts_at: datetime) -> None:
    wrong = _wrong_texts(work)
    for name in ("room", "device"):
        part = getattr(work, name)
        if part is not None and part.site_id != work.site.pk:
            wrong[name] = [_("不属于该站点。")]
    if work.room is not None and work.device is not None:
        wrong["device"] = [_("请只选择配电室或设备之一。")]
    if work.planned_end_at is not None and work.planned_end_at <= starts_at:
        wrong["planned_end_at"] = [_("结束时间不能早于开始时间。")]
    if wrong:
        raise Invalid(fields=wrong)


def _wrong_texts(work: Work) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    for name, limit in _TEXTS.items():
        text = getattr(work, name).strip()
        if not text or "\0" in text:
            wrong[name] = [_("请填写此项。")]
        elif len(text) > limit:
            wrong[name] = [_("最多 %(limit)d 个字符。") % {"limit": limit}]
    return wrong


def _held(work: Work, by: User) -> Lockout | None:
    """The same lock-out, when it has not ended and began when it was made."""
    if work.starts_at is not None:
        return None
    facts = work._asdict() | {name: getattr(work, name).strip() for name in _TEXTS}
    del facts["starts_at"]
    return Lockout.objects.open().filter(by=by, starts_at=F("created_at"), **facts).first()


def _clear(lockout: Lockout, by: User, now: datetime) -> None:
    """Block what waits at the place. Raises BeingExecuted, which takes the lock-out back."""
    operations = ControlOperation.objects.filter(site=lockout.site)
    if lockout.device_id:
        operations = operations.filter(device=lockout.device)
    elif lockout.room_id:
        operations = operations.filter(device__room=lockout.room)
    just_written = Q(state=ControlState.UNKNOWN, claimed_at__gt=now - JUST_WRITTEN)
    busy = operations.filter(Q(state=ControlState.EXECUTING) | just_written).first()
    if busy is not None:
        raise BeingExecuted(busy.number)
    waiting = operations.filter(state__in=CONTROL_WAITING)
    journal.block(waiting, result=ControlResult.LOCKED, by=by, now=now)

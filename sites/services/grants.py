"""Giving and ending rights; who did it is kept with every change."""

from collections.abc import Iterable
from datetime import datetime

import pghistory
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import Invalid
from sites.models import (
    Department,
    Enterprise,
    Grant,
    Organisation,
    Site,
    Team,
    Town,
    User,
    forget_access,
)
from sites.models.access import all_data_classes
from sites.rules import DataClass, Role, ScopeKind
from sites.selectors import require_grants_on

Scope = Organisation | Team | Enterprise | Site | Town | Department

_KINDS: dict[type, ScopeKind] = {
    Organisation: ScopeKind.ORGANISATION,
    Team: ScopeKind.TEAM,
    Enterprise: ScopeKind.ENTERPRISE,
    Site: ScopeKind.SITE,
    Town: ScopeKind.TOWN,
    Department: ScopeKind.DEPARTMENT,
}


def grant(  # noqa: PLR0913 - a grant has this many facts
    *,
    user: User,
    role: Role | str,
    scope: Scope | None,
    by: User | None,
    now: datetime,
    data_classes: Iterable[DataClass | str] | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Grant:
    """Give a user a role on a scope.

    scope: None is the whole platform. by: None is the system (set-up, demonstration), which may
    everything. data_classes: all when not given. starts_at: now when not given.
    Raises Forbidden when `by` does not manage grants on the scope or gives more than he holds
    there, Invalid when a fact is wrong.
    """
    classes = _checked_classes(data_classes)
    starts_at = starts_at or now
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid(fields={"ends_at": [str(_("结束时间必须晚于开始时间。"))]})
    if by is not None:
        require_grants_on(user=by, scope=scope, data_classes=classes)
    kind = ScopeKind.PLATFORM if scope is None else _KINDS[type(scope)]
    facts = {} if scope is None else {kind.value: scope}
    with _as_person(by), transaction.atomic():
        row = Grant.objects.create(
            user=user,
            role=Role(role),
            scope_kind=kind,
            data_classes=sorted(classes),
            starts_at=starts_at,
            ends_at=ends_at,
            **facts,
        )
    forget_access(user)
    return row


def end_grant(*, grant: Grant, by: User | None, now: datetime, at: datetime | None = None) -> Grant:
    """End a grant now, or at a later moment; one that has ended stays as it was.

    One that has not begun by then is withdrawn: its period becomes empty.
    Raises Forbidden when `by` does not manage grants on its scope, Invalid when `at` has passed.
    """
    at = at or now
    if at < now:
        raise Invalid(fields={"ends_at": [str(_("结束时间不能早于现在。"))]})
    if by is not None:
        require_grants_on(user=by, scope=grant.scope)
    with _as_person(by), transaction.atomic():
        row = Grant.objects.select_for_update(of=("self",)).get(pk=grant.pk)
        if row.ends_at is None or row.ends_at > at:
            row.ends_at = max(at, row.starts_at)
            row.save(update_fields=["ends_at"])
    grant.ends_at = row.ends_at
    forget_access(grant.user)
    return grant


def _as_person(by: User | None) -> pghistory.context:
    return pghistory.context(user=by.pk) if by is not None else pghistory.context(system=True)


def _checked_classes(data_classes: Iterable[DataClass | str] | None) -> frozenset[str]:
    known = frozenset(all_data_classes())
    if data_classes is None:
        return known
    given = frozenset(str(name) for name in data_classes)
    if not given or not given <= known:
        raise Invalid(fields={"data_classes": [str(_("请至少选择一类数据。"))]})
    return given

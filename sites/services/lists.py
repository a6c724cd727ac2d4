"""Keep what people choose of lists: columns, saved views, the view that comes first."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.errors import Forbidden, Invalid, NotFound
from core.lists import QUERY_LENGTH, ListSpec, search_part, spec_of
from sites import selectors
from sites.models import ListChoice, SavedView, User

VIEWS_AT_MOST = 50
NAME_LENGTH = 40
# Names of columns; which of them a list knows, its filter says when the view is opened.
_ORDERING = re.compile(r"[a-z_,-]{1,60}")


def choose_columns(*, user: User, page: str, columns: Sequence[str]) -> None:
    """Keep the person's columns of a list in their order; none: the usual ones again.

    Raises NotFound for a list that is none.
    """
    known = {column.key for column in _spec(page).columns}
    kept = [key for key in dict.fromkeys(columns) if key in known]
    ListChoice.objects.update_or_create(user=user, page=page, defaults={"columns": kept})


def save_view(  # noqa: PLR0913 - what a view consists of
    *,
    user: User,
    page: str,
    name: str,
    query: str,
    now: datetime,
    columns: Sequence[str] = (),
    ordering: str = "",
    is_shared: bool = False,
    is_first: bool = False,
) -> SavedView:
    """Keep a look at a list under a name.

    Raises NotFound for a list that is none, Invalid for the name, too long a query or too many
    views, Forbidden when the person may not share.
    """
    known = {column.key for column in _spec(page).columns}
    looked_for = search_part(query)
    if len(looked_for) > QUERY_LENGTH:
        raise Invalid(fields={"query": [_("筛选条件过长，无法保存为视图。")]})
    if SavedView.objects.filter(owner=user, page=page).count() >= VIEWS_AT_MOST:
        words = _("每个列表最多保存 %(limit)d 个视图，请先删除不用的。")
        raise Invalid(fields={"name": [words % {"limit": VIEWS_AT_MOST}]})
    view = SavedView(
        owner=user,
        page=page,
        name=_name(name),
        query=looked_for,
        columns=[key for key in dict.fromkeys(columns) if key in known],
        ordering=ordering if _ORDERING.fullmatch(ordering) else "",
        created_at=now,
    )
    _share(view, user, is_shared=is_shared)
    _store(view)
    if is_first:
        set_first_view(user=user, page=page, view_id=view.pk)
    return view


def edit_view(
    *, user: User, view_id: int, name: str | None = None, is_shared: bool | None = None
) -> SavedView:
    """Rename one's own view, share it or take it back. Raises NotFound, Invalid, Forbidden."""
    view = _own(user, view_id)
    if name is not None:
        view.name = _name(name)
    if is_shared is not None:
        _share(view, user, is_shared=is_shared)
    _store(view)
    return view


def delete_view(*, user: User, view_id: int) -> None:
    """Remove one's own view. Raises NotFound."""
    _own(user, view_id).delete()


def set_first_view(*, user: User, page: str, view_id: int | None) -> None:
    """The view that the list starts with for this person; None: the list itself.

    Raises NotFound for a view that he does not see.
    """
    _spec(page)
    if view_id is not None:
        seen = SavedView.objects.visible_to(user).filter(pk=view_id, page=page)
        if not seen.exists():
            raise NotFound
    ListChoice.objects.update_or_create(user=user, page=page, defaults={"first_view_id": view_id})


def _spec(page: str) -> ListSpec:
    spec = spec_of(page)
    if spec is None:
        raise NotFound
    return spec


def _own(user: User, view_id: int) -> SavedView:
    """A shared view of somebody else is seen but not one's own to change."""
    view = SavedView.objects.visible_to(user).filter(pk=view_id).first()
    if view is None:
        raise NotFound
    if view.owner_id != user.pk:
        raise Forbidden
    return view


def _name(text: Any) -> str:
    name = " ".join(str(text).split())
    if not name:
        raise Invalid(fields={"name": [_("请填写视图名称。")]})
    if len(name) > NAME_LENGTH:
        words = _("名称最多 %(limit)d 个字。") % {"limit": NAME_LENGTH}
        raise Invalid(fields={"name": [words]})
    return name


def _share(view: SavedView, user: User, *, is_shared: bool) -> None:
    """With one's organisation; who belongs to none shares with the platform, if he governs it."""
    if is_shared and not selectors.may_share_views(user=user):
        raise Forbidden
    view.is_shared = is_shared
    view.organisation_id = user.organisation_id if is_shared else None


def _store(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Invalid(fields={"name": [_("您已有同名的视图。")]}) from None

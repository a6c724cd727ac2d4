"""What people keep of lists: their columns, their saved views."""

from typing import cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.errors import Invalid
from core.lists import search_part
from sites import services
from sites.forms import ViewForm
from sites.models import User
from sites.views.profile import back


@login_required
@require_POST
def columns_set(request: HttpRequest, page: str) -> HttpResponse:
    """Keep one's columns of a list in their order; without any, the usual ones come back."""
    columns = [] if "reset" in request.POST else request.POST.getlist("column")
    services.choose_columns(user=cast(User, request.user), page=page, columns=columns)
    return redirect(_back_without(request, "columns"))


@login_required
@require_POST
def view_save(request: HttpRequest, page: str) -> HttpResponse:
    """Keep the list as it is shown under a name."""
    user = cast(User, request.user)
    form = ViewForm(request.POST)
    here = urlsplit(back(request))
    shown = QueryDict(here.query)
    columns = shown.get("columns") or request.POST.get("columns", "")
    try:
        if not form.is_valid():
            raise Invalid(
                fields={name: [str(one) for one in told] for name, told in form.errors.items()}
            )
        view = services.save_view(
            user=user,
            page=page,
            query=search_part(here.query),
            columns=columns.split(","),
            ordering=shown.get("ordering", ""),
            now=timezone.now(),
            **form.cleaned_data,
        )
    except Invalid as refusal:
        messages.error(request, _told(refusal))
        return redirect(back(request))
    messages.success(request, _("视图“%(name)s”已保存。") % {"name": view.name})
    return redirect(f"{here.path}?{view.address}")


@login_required
@require_POST
def view_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename one's own view, share it or take it back."""
    form = ViewForm(request.POST)
    user = cast(User, request.user)
    try:
        if not form.is_valid():
            raise Invalid(
                fields={name: [str(one) for one in told] for name, told in form.errors.items()}
            )
        facts = form.cleaned_data
        view = services.edit_view(
            user=user, view_id=pk, name=facts["name"], is_shared=facts["is_shared"]
        )
    except Invalid as refusal:
        messages.error(request, _told(refusal))
    else:
        messages.success(request, _("视图“%(name)s”已保存。") % {"name": view.name})
    return redirect(back(request))


@login_required
@require_POST
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one's own view."""
    services.delete_view(user=cast(User, request.user), view_id=pk)
    messages.success(request, _("视图已删除。"))
    return redirect(_back_without(request, "saved"))


@login_required
@require_POST
def view_first(request: HttpRequest, page: str) -> HttpResponse:
    """The view that the list starts with; an empty one is the list itself."""
    given = request.POST.get("view", "")
    view_id = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    services.set_first_view(user=cast(User, request.user), page=page, view_id=view_id)
    messages.success(request, _("已保存。"))
    return redirect(back(request))


def _told(refusal: Invalid) -> str:
    """What was wrong, for the top of the page."""
    words = [one for sentences in refusal.fields.values() for one in sentences]
    return " ".join(words) or str(refusal)


def _back_without(request: HttpRequest, name: str) -> str:
    here = urlsplit(back(request))
    query = QueryDict(here.query, mutable=True)
    query.pop(name, None)
    return f"{here.path}?{query.urlencode()}" if query else here.path

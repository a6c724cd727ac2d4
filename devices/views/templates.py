"""Device templates as a product: compare, move devices, retire, clone, import, export."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Changed, DomainError, Forbidden, Invalid, NotFound
from core.http import flash, flash_done, tell_fields
from core.search import matching, words_of
from core.sheets import XLSX_TYPE
from devices import selectors
from devices.forms.templates import CloneForm, ImportForm
from devices.models import TemplateVersion
from devices.services import template_books, template_drafts, template_moves
from devices.services.templates import TemplateRefused
from sites.models import User, access_for
from sites.rules import Ability

UNDO_KEY = "template_move"
DEVICES_SHOWN = 200
# A session does not carry more; the move in the other direction always can be made.
MOST_TO_UNDO = 5000
IMPORT = "devices/template_import.html"


@login_required
@require_safe
def template_compare(request: HttpRequest, key: str) -> HttpResponse:
    """What differs between two versions, `from` and `to` of the address."""
    before, after = _pair(request, key)
    context = _difference(before, after) | {
        "may_move": access_for(cast(User, request.user)).has_anywhere(Ability.MANAGE_SITE)
    }
    return render(request, "devices/template_compare.html", context)


def _pair(request: HttpRequest, key: str) -> tuple[TemplateVersion, TemplateVersion]:
    """The versions that the address names; without numbers the newest and the one before it."""
    template = selectors.template_for(key=key)
    numbers = list(template.versions.order_by("-number").values_list("number", flat=True)[:2])
    if not numbers:
        raise NotFound
    before = request.GET.get("from") or numbers[-1]
    after = request.GET.get("to") or numbers[0]
    return (
        selectors.version_for(key=key, number=before),
        selectors.version_for(key=key, number=after),
    )


def _difference(before: TemplateVersion, after: TemplateVersion) -> dict[str, Any]:
    return {
        "template": after.template,
        "before": before,
        "after": after,
        "versions": list(after.template.versions.order_by("-number")),
        "difference": template_drafts.difference_of(before, after),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_move(request: HttpRequest, key: str) -> HttpResponse:
    """What a move of devices from one version to another changes; a POST makes it."""
    user = cast(User, request.user)
    if not access_for(user).has_anywhere(Ability.MANAGE_SITE):
        raise Forbidden
    before, after = _pair(request, key)
    if request.method == "POST":
        return _moved(request, before, after, user)
    words = request.GET.get("q", "").strip()[:100]
    rows = template_moves.movable(version=before, by=user)
    for word in words_of(words):
        rows = rows.filter(matching(word, ["search_text", "site__search_text"]))
    shown = rows.select_related("site__enterprise", "bus__gateway").order_by(
        "site__number", "code", "name"
    )
    context = _difference(before, after) | {
        "devices": shown[:DEVICES_SHOWN],
        "count": rows.count(),
        "total": template_moves.movable(version=before, by=user).count(),
        "shown": DEVICES_SHOWN,
        "q": words,
    }
    return render(request, "devices/template_move.html", context)


def _moved(
    request: HttpRequest, before: TemplateVersion, after: TemplateVersion, user: User
) -> HttpResponse:
    """Make the move and say so, with its way back."""
    given = request.POST.getlist("device")
    ids = [int(pk) for pk in given if pk.isascii() and pk.isdecimal() and len(pk) < 19]
    is_all = request.POST.get("all") == "1"
    try:
        if not ids and not is_all:
            raise Invalid(_("请先选择设备。"))
        moved = template_moves.move_devices(
            version=before,
            target=after,
            by=user,
            now=timezone.now(),
            device_ids=None if is_all else ids,
        )
    except DomainError as refusal:
        flash(request, _first(refusal))
        return redirect(request.get_full_path())
    undo_url = ""
    if len(moved) <= MOST_TO_UNDO:
        request.session[UNDO_KEY] = {"ids": moved, "from": before.pk, "to": after.pk}
        undo_url = reverse("devices:template-unmove")
    facts = {"count": len(moved), "version": f"v{after.number}"}
    text = ngettext(
        "%(count)d 台设备已改用 %(version)s。", "%(count)d 台设备已改用 %(version)s。", len(moved)
    )
    flash_done(request, text % facts, undo_url=undo_url)
    return redirect(
        reverse("reports:template-detail", args=[before.template.key]) + "?tab=versions"
    )


def _first(refusal: DomainError) -> DomainError:
    """The refusal, with the words of its first field when it names any."""
    told = next(iter(refusal.fields.values()), None) if isinstance(refusal, Invalid) else None
    return Invalid(told[0]) if told else refusal


@login_required
@require_POST
def template_unmove(request: HttpRequest) -> HttpResponse:
    """Take this person's last move back: every device of it, or none."""
    kept = request.session.pop(UNDO_KEY, None)
    versions = TemplateVersion.objects.select_related("template").in_bulk(
        [kept["from"], kept["to"]] if kept else []
    )
    if kept is None or len(versions) != 2:
        messages.error(request, _("没有可以撤销的操作。"))
        return redirect("reports:template-list")
    before = versions[kept["from"]]
    try:
        template_moves.move_devices(
            version=versions[kept["to"]],
            target=before,
            by=cast(User, request.user),
            now=timezone.now(),
            device_ids=kept["ids"],
            is_back=True,
        )
    except DomainError as refusal:
        flash(request, _first(refusal))
    else:
        messages.success(request, _("已撤销，设备回到原来的版本。"))
    return redirect(
        reverse("reports:template-detail", args=[before.template.key]) + "?tab=versions"
    )


@login_required
@require_POST
def template_retire(request: HttpRequest, key: str) -> HttpResponse:
    """Take a version, or all, out of the choice, or bring it back, as `is_retired` says."""
    selectors.require_library(cast(User, request.user))
    template = selectors.template_for(key=key)
    number = request.POST.get("version", "")
    version = selectors.version_for(key=key, number=number) if number else None
    is_retired = request.POST.get("is_retired") == "1"
    template_moves.set_retired(template=template, is_retired=is_retired, version=version)
    done = _("已停用：新设备不能再选用，已有设备照常采集。")
    messages.success(request, done if is_retired else _("已重新启用。"))
    return redirect(reverse("reports:template-detail", args=[key]) + "?tab=versions")


@login_required
@require_safe
def template_export(request: HttpRequest, key: str, number: int, kind: str) -> HttpResponse:
    """One version as YAML or as a workbook."""
    version = selectors.version_for(key=key, number=number)
    if kind == "xlsx":
        answer = HttpResponse(template_books.workbook(version), content_type=XLSX_TYPE)
    elif kind == "yaml":
        text = template_drafts.text_of(version)
        answer = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    else:
        raise NotFound
    answer.headers["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{key}-v{version.number}.{kind}"
    )
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_clone(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """The same map under another key."""
    selectors.require_library(cast(User, request.user))
    version = selectors.version_for(key=key, number=number)
    form = CloneForm(request.POST or None, initial={"model": version.template.model})
    if request.method == "POST" and form.is_valid():
        try:
            made = template_drafts.clone(version=version, **form.cleaned_data)
        except TemplateRefused as refusal:
            form.add_error(None, " ".join(refusal.fields["document"]))
        except Invalid as refusal:
            tell_fields(form, refusal)
        else:
            messages.success(request, _("已克隆。修改后请导入为新版本。"))
            return redirect("reports:template-detail", made.template.key)
    context = {"form": form, "version": version, "template": version.template}
    status = 400 if form.errors else 200
    return render(request, "devices/template_clone.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_import(request: HttpRequest) -> HttpResponse:
    """A text or workbook: its faults, or what it would change; `action=publish` stores it."""
    selectors.require_library(cast(User, request.user))
    form = ImportForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form, "text": ""}
    if request.method != "POST":
        return render(request, IMPORT, context)
    if form.is_valid():
        try:
            draft = form.draft()
            context |= {"draft": draft, "text": draft.text}
            if request.POST.get("action") == "publish" and not draft.faults:
                return _published(request, draft)
        except (Invalid, Changed) as refusal:
            form.add_error(None, str(refusal))
    refused = bool(form.errors or (context.get("draft") and context["draft"].faults))
    return render(request, IMPORT, context, status=400 if refused else 200)


def _published(request: HttpRequest, draft: template_drafts.Draft) -> HttpResponse:
    seen = request.POST.get("seen", "")
    number = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 9 else -1
    imported = template_drafts.publish(text=draft.text, seen=number)
    version = imported.version
    if imported.is_new:
        words = _("已发布 %(version)s。设备仍用原来的版本，可在此改用新版本。")
    else:
        words = _("寄存器与 %(version)s 相同，只更新了说明，未建立新版本。")
    messages.success(request, words % {"version": version})
    return redirect(
        reverse("reports:template-detail", args=[version.template.key]) + "?tab=versions"
    )

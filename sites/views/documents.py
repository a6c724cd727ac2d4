"""Files of a site's archive: uploaded, fetched through the gate as attachments, taken away."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import Invalid
from core.http import attachment, flash, flash_done, picture
from sites import selectors, services
from sites.models import User
from sites.rules import Ability


@login_required
@require_POST
def document_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the chosen files of a site; those that cannot be kept are named with the reason."""
    user = cast(User, request.user)
    selectors.site_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    files = request.FILES.getlist("file")
    kept = 0
    for file in files:
        try:
            services.add_document(site_id=pk, file=file, by=user, now=timezone.now())
            kept += 1
        except Invalid as refusal:
            reasons = " ".join(refusal.fields.get("file", [str(refusal)]))
            messages.error(request, f"{file.name}: {reasons}")
    if kept:
        flash_done(request, _("已上传 %(count)d 个文件。") % {"count": kept})
    elif not files:
        flash(request, Invalid(_("请选择要上传的文件。")))
    return redirect(_archive(pk))


@login_required
@require_safe
def document_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The file, to be saved: never shown by the browser as a page of ours."""
    document = selectors.document_for(user=cast(User, request.user), pk=pk)
    return attachment(document.file, document.name)


@login_required
@require_safe
def document_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """The small picture of a photo: JPEG of our own making."""
    return picture(selectors.document_for(user=cast(User, request.user), pk=pk).thumbnail)


@login_required
@require_POST
def document_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a file away, with a way back."""
    document = services.remove_document(pk=pk, by=cast(User, request.user), now=timezone.now())
    undo = reverse("sites:document-restore", args=[pk])
    flash_done(request, _("已删除“%(name)s”。") % {"name": document.name}, undo_url=undo)
    return redirect(_archive(document.site_id))


@login_required
@require_POST
def document_restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring back what was taken away."""
    document = services.restore_document(pk=pk, by=cast(User, request.user))
    flash_done(request, _("已恢复“%(name)s”。") % {"name": document.name})
    return redirect(_archive(document.site_id))


def _archive(site_id: int) -> str:
    return f"{reverse('reports:site-detail', args=[site_id])}?tab=archive"

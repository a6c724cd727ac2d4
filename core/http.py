"""Answers: a part or a whole page, a refusal as a page, the reader's language."""

import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.utils import translation
from django.utils.cache import has_vary_header, patch_vary_headers
from django.utils.http import content_disposition_header
from django_htmx.http import trigger_client_event

from core.errors import DomainError, Invalid, NotFound

logger = logging.getLogger(__name__)

# In the tags of a message of success: where a POST takes it back.
UNDO = "undo:"

Handler = Callable[[HttpRequest], HttpResponse]


def render_part(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    part: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page, or only its named part when HTMX (and no boosted link) asks for it."""
    htmx = getattr(request, "htmx", None)
    wants_part = bool(part and htmx and not htmx.boosted)
    name = f"{template}#{part}" if wants_part else template
    response = render(request, name, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


class LanguageMiddleware:
    """Language by profile, then cookie, then the browser; Chinese when in doubt."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = self.choose(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response

    @staticmethod
    def choose(request: HttpRequest) -> str:
        """The first known language of cookie, profile and Accept-Language."""
        known = {code for code, _name in settings.LANGUAGES}
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if cookie in known:
            return cookie
        if request.user.is_authenticated:
            return str(request.user.language)
        if "HTTP_ACCEPT_LANGUAGE" in request.META:
            return translation.get_language_from_request(request)
        return settings.LANGUAGE_CODE


class PrivateMiddleware:
    """What is made for whoever the cookie names is for his browser alone.

    Stands outside the sessions, which say so. Signing out takes along what the browser has kept, so
    that the next person at the same desk does not find it by going back.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if has_vary_header(response, "Cookie"):
            response.headers.setdefault("Cache-Control", "private, no-cache")
        match = request.resolver_match
        if match is not None and match.url_name == "account_logout" and request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache"'
        return response


class DomainErrorMiddleware:
    """A refusal that no view caught becomes a page with its own status, never a 500."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a DomainError; leave everything else to Django."""
        if not isinstance(exception, DomainError):
            return None
        return render(request, "refused.html", {"refusal": exception}, status=exception.status)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody foresaw, with a number that a person can read out and that the log has.

    It asks neither the database nor the session: they may be what failed.
    """
    number = secrets.token_hex(4).upper()
    logger.error("http.failed number=%s method=%s path=%r", number, request.method, request.path)
    if request.path.startswith("/api/v1/"):
        code = "server_error"
        title = translation.gettext("服务器出错了，错误已记入日志。")
        body: dict[str, Any] = {"type": f"urn:dianwu:problem:{code}", "code": code, "title": title}
        body |= {"status": 500, "number": number}
        return JsonResponse(body, status=500, content_type="application/problem+json")
    page = loader.render_to_string("500.html", {"number": number})
    return HttpResponse(page, status=500)


def flash(request: HttpRequest, refusal: DomainError) -> None:
    """Tell the person on the next page why something was refused."""
    messages.error(request, str(refusal))


def flash_done(request: HttpRequest, words: str, *, undo_url: str = "") -> None:
    """Tell the person on the next page what was done, with a way back when there is one."""
    messages.success(request, words, extra_tags=f"{UNDO}{undo_url}" if undo_url else "")


def toast(
    response: HttpResponse,
    words: str,
    *,
    kind: str = "success",
    undo: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Let the page that asked through htmx show a toast.

    kind: success, info, warning or error. undo: url, and perhaps label, fields (sent along) and
    refresh (id of the part that asks again afterwards).
    """
    facts = {"words": words, "kind": kind, "undo": dict(undo) if undo else None}
    return trigger_client_event(response, "toast", facts)


def tell_fields(form: forms.Form, refusal: Invalid) -> None:
    """Put a service's objections beside the fields of the form, or over it."""
    for field, sentences in refusal.fields.items():
        for sentence in sentences:
            form.add_error(field if field in form.fields else None, sentence)
    if not refusal.fields:
        form.add_error(None, str(refusal))


def content_of(kept: FieldFile) -> bytes:
    """A stored file. Raises NotFound when there is none, or none any more."""
    if not kept:
        raise NotFound
    try:
        with kept.open("rb") as file:
            return bytes(file.read())
    except FileNotFoundError:
        raise NotFound from None


def picture(kept: FieldFile) -> HttpResponse:
    """A JPEG of our own making: never changed, for this person's browser alone."""
    answer = HttpResponse(content_of(kept), content_type="image/jpeg")
    answer["Cache-Control"] = "private, max-age=86400, immutable"
    return answer


def attachment(kept: FieldFile, name: str) -> HttpResponse:
    """Somebody's file, to be saved: never shown by the browser as a page of ours."""
    answer = HttpResponse(content_of(kept), content_type="application/octet-stream")
    said = content_disposition_header(as_attachment=True, filename=name)
    answer["Content-Disposition"] = said or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


def download(kept: FieldFile, name: str) -> FileResponse:
    """A stored file for one person. Raises NotFound when there is none, or none any more."""
    if not kept:
        raise NotFound
    try:
        file = kept.open("rb")
    except FileNotFoundError:
        raise NotFound from None
    answer = FileResponse(file, as_attachment=True, filename=name)
    answer["Cache-Control"] = "private, no-store"
    return answer

"""The REST contract: pages of rows, and problem documents (RFC 9457) for every refusal."""

from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.errors import DomainError, Invalid


class Pages(PageNumberPagination):
    """`?page=` and `?page_size=` (at most 200)."""

    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        """Raises Invalid for what is no size: silently another one would lose rows."""
        given = request.query_params.get("page_size")
        if given is None:
            return int(self.page_size or self.max_page_size)
        if given.isascii() and given.isdigit() and len(given) < 4:
            size = int(given)
            if 0 < size <= self.max_page_size:
                return size
        text = _("请输入 1 至 %(limit)d 之间的整数。") % {"limit": self.max_page_size}
        raise Invalid(fields={"page_size": [text]})

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The two parameters, for the description."""
        page = {"type": "integer", "minimum": 1}
        size = page | {"maximum": self.max_page_size}
        return [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in (("page", page), ("page_size", size))
        ]


def problem(
    *, code: str, title: str, status_code: int, extra: dict[str, Any] | None = None
) -> Response:
    """A problem document; `code` is stable, `title` is for people in the caller's language."""
    body = {"type": f"urn:dianwu:problem:{code}", "code": code, "title": title}
    response = Response(body | {"status": status_code} | (extra or {}), status=status_code)
    response.content_type = "application/problem+json"
    return response


def problem_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: our errors, DRF's and Django's, in one shape."""
    set_rollback()
    if isinstance(exception, DomainError):
        return _of_domain(exception)
    if isinstance(exception, ValidationError):
        return problem(
            code="invalid",
            title=_("提交的内容有误。"),
            status_code=status.HTTP_400_BAD_REQUEST,
            extra={"fields": _by_field(exception.detail)},
        )
    if isinstance(exception, APIException):
        return _of_framework(exception)
    return _of_django(exception)


def _of_domain(exception: DomainError) -> Response:
    extra: dict[str, Any] = dict(exception.facts)
    if isinstance(exception, Invalid):
        extra["fields"] = exception.fields
    response = problem(
        code=exception.code, title=str(exception), status_code=exception.status, extra=extra
    )
    if (wait_s := exception.facts.get("retry_after_s")) is not None:
        response["Retry-After"] = f"{wait_s:.0f}"
    return response


def _of_django(exception: Exception) -> Response | None:
    """Refusals that Django raises by itself; None for what is an error of ours."""
    if isinstance(exception, Http404):
        return problem(code="not_found", title=_("找不到该对象，或您无权查看。"), status_code=404)
    if isinstance(exception, PermissionDenied):
        return problem(code="forbidden", title=_("您没有执行此操作的权限。"), status_code=403)
    if isinstance(exception, RequestDataTooBig):
        return problem(code="too_large", title=_("提交的内容过大。"), status_code=413)
    if isinstance(exception, SuspiciousOperation):
        return problem(code="invalid", title=_("提交的内容有误。"), status_code=400)
    return None


def _by_field(detail: Any) -> dict[str, Any]:
    """Messages by field's name; those of the whole body under its own name."""
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}


def _of_framework(exception: APIException) -> Response:
    code = exception.get_codes()
    response = problem(
        code=code if isinstance(code, str) else exception.default_code,
        title=str(exception.detail),
        status_code=exception.status_code,
    )
    if (header := getattr(exception, "auth_header", None)) is not None:
        response["WWW-Authenticate"] = header
    if (wait := getattr(exception, "wait", None)) is not None:
        response["Retry-After"] = f"{wait:.0f}"
    return response

"""What every endpoint of the REST API has in common."""

from collections.abc import Mapping
from datetime import UTC
from math import isfinite
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.fields import empty
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from core.errors import Invalid, NotFound
from core.filters import YEARS


class Endpoint(GenericAPIView):
    """One address. Speaks the caller's language and refuses parameters that it does not know."""

    parameters: ClassVar[frozenset[str]] = frozenset()
    pagination_class: Any = None
    filter_backends: Any = ()
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def perform_authentication(self, request: Request) -> None:
        """After the token is known the profile says the language, unless the request does."""
        super().perform_authentication(request)
        if request.auth is not None and "Accept-Language" not in request.headers:
            language = getattr(request.user, "language", "") or settings.LANGUAGE_CODE
            # LanguageMiddleware around us puts the former language back.
            translation.activate(language)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(request.method or "")
        known = self.known_parameters()
        wrong = {
            name[:80]: [gettext("参数为空。") if name in known else gettext("未知的参数。")]
            for name, value in sorted(request.query_params.items())
            if name not in known or value == ""
        }
        if wrong:
            # A filter that is silently not applied would answer with everything.
            raise Invalid(fields=wrong)

    @property
    def person(self) -> Any:
        """The user who asks."""
        return self.request.user

    def known_parameters(self) -> frozenset[str]:
        """Names that the query string may use."""
        return self.parameters

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers["Content-Language"] = translation.get_language() or ""
        patch_vary_headers(response, ["Accept-Language"])
        # Answers are about one person's rights at one moment.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def given(self, request: Request, serializer: type[serializers.Serializer[Any]]) -> Any:
        """The request's body through a serializer: typed values. Raises ValidationError."""
        form = serializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return form.validated_data

    def asked(self, request: Request, serializer: type[serializers.Serializer[Any]]) -> Any:
        """The query string through a serializer: typed values. Raises ValidationError."""
        form = serializer(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        return form.validated_data

    def shown(
        self, row: Any, serializer: type[serializers.BaseSerializer[Any]], *, status: int = 200
    ) -> Response:
        """One row as an answer."""
        form = serializer(row, context=self.get_serializer_context())
        return Response(form.data, status=status)


class UnknownEndpoint(APIView):
    """Every address that is none, in any method: the answer is a problem document too."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound


class ListEndpoint(ListModelMixin, Endpoint):
    """Rows in pages, filtered and ordered by a FilterSet."""

    pagination_class = api_settings.DEFAULT_PAGINATION_CLASS
    filter_backends = api_settings.DEFAULT_FILTER_BACKENDS
    filterset_class: Any = None

    def known_parameters(self) -> frozenset[str]:
        """The filters' names and those of the pages."""
        filters = self.filterset_class.base_filters if self.filterset_class else ()
        return frozenset(filters) | {"page", "page_size"} | self.parameters

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


def asked_as(media_type: str, ending: str) -> type[JSONRenderer]:
    """Lets callers ask for a file of this kind; a refusal still is a problem document."""
    return type("FileRenderer", (JSONRenderer,), {"media_type": media_type, "format": ending})


class NumberField(serializers.FloatField):
    """A float; what is no number is null, since JSON has neither NaN nor infinity."""

    def to_representation(self, value: Any) -> Any:
        number = float(value)
        return number if isfinite(number) else None

    def to_internal_value(self, data: Any) -> float:
        number = super().to_internal_value(data)
        if not isfinite(number):
            self.fail("invalid")
        return number


class TextField(serializers.CharField):
    """A string; numbers are no strings."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """true or false; numbers and words are neither."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IdField(serializers.IntegerField):
    """A key of a row: what PostgreSQL's bigint can hold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)


class MomentField(serializers.DateTimeField):
    """ISO 8601, written in UTC; read only with an offset, and in years that calculate safely."""

    default_error_messages = {
        "offset": _("请给出带时区偏移的 ISO 8601 时间。"),
        "range": _("时间须在 1970 年至 2199 年之间。"),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def enforce_timezone(self, value: Any) -> Any:
        """Called for what was read. Fails without an offset."""
        if value.tzinfo is None:
            self.fail("offset")
        if value.year not in YEARS:
            self.fail("range")
        return super().enforce_timezone(value)


class QueryMomentField(MomentField):
    """A moment in a query string, where an unescaped plus sign arrives as a space."""

    def to_internal_value(self, value: Any) -> Any:
        is_text = isinstance(value, str) and "T" in value
        return super().to_internal_value(value.replace(" ", "+") if is_text else value)


class Body(serializers.Serializer[Any]):
    """What a caller sends: fields that we do not know are refused, not silently dropped."""

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name)[:80] for name in set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name: [_("未知的字段。")] for name in unknown})
        return super().run_validation(data)


class Row(serializers.ModelSerializer[Any]):
    """What we answer of a table's row: never written, moments in UTC, floats without NaN."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: MomentField,
        models.FloatField: NumberField,
    }

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            field.read_only = True
        return fields

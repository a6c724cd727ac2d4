"""What the REST API reads: JSON in UTF-8 of a bounded size, and forms with files."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser

# What a form needs around its file.
_AROUND_BYTES = 64 * 1024


class JsonParser(BaseParser):
    """RFC 8259: UTF-8 whatever the header says, no NaN, no body above the upload limit."""

    media_type = "application/json"

    @staticmethod
    def constant(name: str) -> Any:
        """What NaN, Infinity and -Infinity are read as: nothing, they are no JSON."""
        raise ValueError(name)

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Raises ParseError for text that is no JSON or is nested too deeply."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        content = stream.read(limit + 1)
        if len(content) > limit:
            raise RequestDataTooBig
        try:
            return json.loads(content.decode("utf-8"), parse_constant=self.constant)
        except (ValueError, RecursionError):
            raise ParseError(_("无法解析 JSON 内容。")) from None


class FilesParser(MultiPartParser):
    """A form with files; a form that is cut off or malformed is a refusal, not an error of ours."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except ValueError:
            raise ParseError(_("无法解析表单内容。")) from None


class UploadParser(FilesParser):
    """A form with one picture or paper: above its size refused before it is read."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        length = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or 0
        if int(length) > settings.PHOTO_MAX_BYTES + _AROUND_BYTES:
            raise RequestDataTooBig
        return super().parse(stream, media_type, parser_context)

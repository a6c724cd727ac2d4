"""The description of the REST API: what the code cannot say by itself, and its address."""

from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

Document = dict[str, Any]

ABOUT = """\
Operations and maintenance of electrical rooms: sites, devices and their values, alarms, work orders.

**Signing in.** `POST /api/v1/tokens/` answers with a token for one device, once. Send it as
`Authorization: Bearer …`. It expires, and ends with the password.

**What one sees** follows from one's grants. What is out of sight answers 404, like what does not
exist; what is in sight but not one's to do answers 403. Points are limited to the classes of data
of the grant.

**Refusals** are problem documents (RFC 9457, `application/problem+json`) with a stable `code` and a
`title` in the caller's language: `Accept-Language`, or that of the profile. `fields` says what is
wrong with which field. Unknown fields and parameters are refused.

**Two people at once.** Moves take `seen`, the state that the person saw. When another was first the
answer is 409 `changed` with the fresh state, by whom and when.

**Lists** come in pages (`page`, `page_size` up to 200) and can be asked for what changed
(`updated_since`). **Moments** are ISO 8601, written in UTC, read with an offset; in filters a bare
day or a moment without offset is meant in the caller's zone. **Numbers** carry their unit in the
name or beside them; what is no number is null.
"""

PROBLEM: Document = {
    "type": "object",
    "description": "Why something was refused. More facts stand beside, depending on `code`.",
    "properties": {
        "type": {"type": "string"},
        "code": {"type": "string", "example": "changed"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "fields": {
            "type": "object",
            "additionalProperties": {},
            "description": "Messages by field, with `invalid`.",
        },
        "seen": {"type": "string", "description": "Fresh, with `changed`: goes back with a move."},
        "by": {"type": "string", "nullable": True, "description": "Who was first."},
        "at": {"type": "string", "format": "date-time", "description": "When."},
    },
    "required": ["type", "code", "title", "status"],
    "additionalProperties": {},
}

# Parameters of filters: what they mean, whichever list they stand on.
PARAMETERS = {
    "q": "Words, each of which must occur in a name, number or code.",
    "ordering": "Columns, separated by commas; a leading minus reverses.",
    "updated_since": "Changed at this moment or later.",
    "raised_from": "Last raised at this moment or later.",
    "raised_to": "Last raised before this moment; a bare day is included.",
    "created_from": "Created at this moment or later.",
    "created_to": "Created before this moment; a bare day is included.",
    "due_from": "Due at this moment or later.",
    "due_to": "Due before this moment; a bare day is included.",
    "mine": "Assigned to the caller.",
    "overdue": "Open and past the due time.",
    "is_open": "Not archived (alarms); neither closed nor cancelled (orders).",
    "alarm": "Number of the alarm that the order came from.",
    "rule": "Key of the rule.",
    "point": "Code of the point.",
    "template": "Key of the device template.",
    "page": "Number of the page, from 1.",
    "page_size": "Rows per page, at most 200.",
}


def finish(result: Document, generator: Any, request: Any, public: bool) -> Document:  # noqa: FBT001
    """Say what every operation has in common, in one language."""
    result["info"]["description"] = ABOUT
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        for field in schema.get("properties", {}).values():
            _without_labels(field)
        if name.endswith("BodyRequest"):
            schema["additionalProperties"] = False
    schemas["Problem"] = PROBLEM
    refusal = {"$ref": "#/components/schemas/Problem"}
    for operations in result["paths"].values():
        for operation in operations.values():
            _describe(operation)
            operation["responses"]["4XX"] = {
                "description": "Refused.",
                "content": {"application/problem+json": {"schema": refusal}},
            }
    return result


def _without_labels(field: Document) -> None:
    """Names and hints of columns are for people, in their language: no part of the contract."""
    field.pop("title", None)
    if _is_chinese(field.get("description", "")):
        del field["description"]


def _is_chinese(text: str) -> bool:
    return any("\u3000" <= letter <= "\u9fff" for letter in text)  # not translated: a range


def _describe(operation: Document) -> None:
    """The first sentence of the docstring is the summary; parameters are told by their names."""
    sentence, stop, rest = operation.get("description", "").partition(". ")
    operation["summary"] = sentence.replace("\n", " ").rstrip(".")
    operation["description"] = rest if stop else ""
    if not operation["description"]:
        del operation["description"]
    for parameter in operation.get("parameters", ()):
        _without_labels(parameter)
        _without_labels(parameter["schema"])
        _without_labels(parameter["schema"].get("items", {}))
        if parameter["schema"].keys() == {"type"} and parameter["schema"]["type"] == "string":
            parameter["schema"]["minLength"] = 1
        if parameter["name"] in PARAMETERS:
            parameter.pop("description", None)
            parameter["description"] = PARAMETERS[parameter["name"]]
    for response in operation["responses"].values():
        response["description"] = response.get("description") or "Done."


@lru_cache(maxsize=1)
def document() -> Document:
    """The whole description; it is made once, in the language in which all labels are Chinese."""
    with translation.override(settings.LANGUAGE_CODE):
        return cast(Document, SchemaGenerator().get_schema(request=None, public=True))


class SchemaView(APIView):
    """OpenAPI, as YAML or as JSON by `Accept`. For everybody: it holds no data."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (OpenApiYamlRenderer, OpenApiJsonRenderer, JSONRenderer)
    schema = None

    def get(self, request: Request) -> Response:
        return Response(document())

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.exception:
            response.accepted_renderer = JSONRenderer()
        return response

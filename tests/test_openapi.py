"""The committed description of the REST API is the one that the code gives, without a warning."""

import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver
from django.utils import translation
from drf_spectacular.renderers import OpenApiYamlRenderer

from config.openapi import SchemaView, document

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
REFRESH = "write it anew: python manage.py spectacular --file docs/openapi.yaml"


def rendered() -> str:
    return OpenApiYamlRenderer().render(document(), renderer_context={}).decode()


def test_the_committed_description_is_that_of_the_code() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == rendered(), REFRESH


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_description_does_not_depend_on_a_language(language: str) -> None:
    document.cache_clear()
    with translation.override(language):
        assert rendered() == COMMITTED.read_text(encoding="utf-8"), REFRESH


def test_the_description_is_made_without_a_warning() -> None:
    out = StringIO()

    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out, stderr=out)

    assert yaml.safe_load(out.getvalue())["openapi"].startswith("3.")


def test_every_address_of_the_api_is_described() -> None:
    (api,) = [
        pattern for pattern in get_resolver().url_patterns if str(pattern.pattern) == "api/v1/"
    ]
    known = {
        re.sub(r"<\w+:(\w+)>", r"{\1}", f"/api/v1/{pattern.pattern}".replace("int:pk", "int:id"))
        for room in api.url_patterns
        for pattern in getattr(room, "url_patterns", ())
    }

    assert known == set(document()["paths"])


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert "application/problem+json" in operation["responses"]["4XX"]["content"], where


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/vnd.oai.openapi"),
        ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ("application/json", "application/json"),
    ],
)
def test_the_description_is_served_to_everybody(accept: str, kind: str) -> None:
    headers = {"accept": accept} if accept else {}

    answer = Client().get("/api/schema/", headers=headers)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(kind)
    assert yaml.safe_load(answer.content)["info"]["title"] == document()["info"]["title"]


def test_a_form_that_is_not_served_is_refused_as_a_problem() -> None:
    answer = Client().get("/api/schema/", headers={"accept": "text/html"})

    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")
    assert answer.json()["status"] == 406
    assert SchemaView.schema is None

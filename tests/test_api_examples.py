"""Every example of the API's pages is sent, and answered as the pages say."""

import json
import os
import re
from datetime import timedelta
from functools import reduce
from html import unescape
from typing import Any

import pytest
import yaml
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from config.documentation import titles
from config.openapi import document
from config.reference import ANSWERS, EXAMPLES, groups
from sites.models import User
from tests import permission_world
from tests.permission_world import MARKUP, SECRET, World
from workorders.tests.factories import picture

pytestmark = pytest.mark.django_db
TOLD: dict[str, Any] = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
LONGEST_LIST = 2
# What the examples send, by the name that they give it.
FILES = {
    "rooms.csv": b"id,name\n,x\n",
    "acme.yaml": b"""key: acme-1
vendor: {zh: A, en: Acme}
model: One
registers:
  - {point: Ua, unit: V, function_code: 3, address: 0, type: uint16, scale: 0.1}
""",
    "faulty.yaml": b"""key: acme-1
vendor: {zh: A, en: Acme}
model: One
registers:
  - {point: Uq, unit: V, function_code: 9, address: 0, type: uint16}
""",
}


def operations() -> dict[str, tuple[str, str]]:
    return {
        facts["operationId"]: (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method, facts in methods.items()
    }


@pytest.fixture
def world() -> World:
    return permission_world.build()


def filled(world: World, value: Any) -> Any:
    """The value with its placeholders replaced by what they mean in the world."""
    if isinstance(value, dict):
        return {key: filled(world, each) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(world, each) for each in value]
    if not isinstance(value, str):
        return value
    tomorrow = (timezone.now() + timedelta(days=1)).replace(microsecond=0).isoformat()
    now = timezone.now().replace(microsecond=0).isoformat()
    text = (
        value.replace("{now}", now).replace("{tomorrow}", tomorrow).replace("{day}", tomorrow[:10])
    )
    return re.sub(
        r"\{([\w.]+)\}", lambda name: str(reduce(getattr, name[1].split("."), world)), text
    )


def request_of(world: World, key: str, told: dict[str, Any]) -> dict[str, Any]:
    method, path = operations()[key]
    if "at" in told:
        path = path.replace("{id}", filled(world, f"{{{told['at']}.pk}}"))
    for name, value in told.get("path", {}).items():
        path = path.replace(f"{{{name}}}", filled(world, str(value)))
    query = filled(world, told.get("query", ""))
    form = told.get("form")
    return {
        "name": told["name"],
        "method": method,
        "address": f"{path}?{query}" if query else path,
        "body": form or filled(world, told.get("body")),
        "form": bool(form),
    }


def send(world: World, told: dict[str, Any], request: dict[str, Any]) -> Any:
    role = told.get("as", "dispatcher")
    headers = {"accept-language": "en"}
    if role == "source":
        headers["authorization"] = f"Bearer {world.source_key}"
    elif role != "nobody":
        headers["authorization"] = f"Bearer {world.tokens[role]}"
    call = getattr(Client(), request["method"].lower())
    if request["form"]:
        is_photo = request["body"]["file"].endswith(".jpg")
        name = request["body"]["file"].removeprefix("@")
        file = picture() if is_photo else ContentFile(FILES[name], name)
        return call(request["address"], request["body"] | {"file": file}, headers=headers)
    if request["body"] is None:
        return call(request["address"], headers=headers)
    body = json.dumps(request["body"])
    return call(request["address"], body, content_type="application/json", headers=headers)


def shown(answer: Any) -> Any:
    """What the pages print of an answer: lists cut short, nothing secret."""
    if "json" not in answer.get("Content-Type", ""):
        return None
    text = answer.content.decode()
    text = text.replace(json.dumps(MARKUP)[1:-1], "").replace(f" {SECRET}", "").replace(SECRET, "")
    return cut(json.loads(text))


def cut(value: Any) -> Any:
    if isinstance(value, list):
        return [cut(each) for each in value[:LONGEST_LIST]]
    if isinstance(value, dict):
        return {key: "…" if key == "token" else cut(each) for key, each in value.items()}
    return value


def differences(known: Any, found: Any, where: str = "") -> list[str]:
    """Where two answers differ in fields or kinds of values; null and empty lists fit everything."""
    if known is None or found is None:
        return []
    if isinstance(known, dict) and isinstance(found, dict):
        odd = [f"{where}.{key}" for key in known.keys() ^ found.keys()]
        same = known.keys() & found.keys()
        return odd + [
            d for key in same for d in differences(known[key], found[key], f"{where}.{key}")
        ]
    if isinstance(known, list) and isinstance(found, list):
        return [
            d for a, b in zip(known, found, strict=False) for d in differences(a, b, f"{where}[]")
        ]
    numbers = (int, float)
    fits = type(known) is type(found) or (isinstance(known, numbers) and isinstance(found, numbers))
    return [] if fits else [f"{where}: {known!r} → {found!r}"]


@pytest.mark.slow
def test_examples_are_answered_as_the_pages_say(world: World) -> None:
    kept = json.loads(ANSWERS.read_text(encoding="utf-8")) if ANSWERS.exists() else {}
    fresh: dict[str, dict[str, Any]] = {}
    odd: dict[str, Any] = {}
    for key, facts in TOLD.items():
        for told in facts["examples"]:
            name, request = told["name"], request_of(world, key, told)
            with permission_world.undone():
                answer = send(world, told, request)
            wanted = told.get("status", 200)
            found = shown(answer)
            fresh.setdefault(key, {})[name] = request | {"status": wanted, "answer": found}
            if answer.status_code != wanted:
                odd[f"{key}: {name}"] = (answer.status_code, answer.content[:300])
            elif name not in kept.get(key, {}):
                odd[f"{key}: {name}"] = "not on record: UPDATE_GOLDEN=1 writes it"
            elif told_apart := differences(kept[key][name]["answer"], found):
                odd[f"{key}: {name}"] = told_apart
    if os.environ.get("UPDATE_GOLDEN"):
        text = json.dumps(fresh, ensure_ascii=False, indent=1, sort_keys=True)
        ANSWERS.write_text(text + "\n", encoding="utf-8")
        odd = {key: words for key, words in odd.items() if isinstance(words, tuple)}
    assert odd == {}


def test_every_operation_has_an_example_and_words_in_both_languages() -> None:
    missing = [key for key in operations() if not TOLD.get(key, {}).get("examples")]
    assert missing == [], "docs/api/examples.yaml does not show these"
    assert [key for key in TOLD if key not in operations()] == []
    assert all(re.search("[一-鿿]", facts["words"]) for facts in TOLD.values())
    assert set(groups()) <= set(titles()), "config/documentation.py does not name these groups"


def test_the_pages_show_every_operation(client: Client) -> None:
    client.force_login(User.objects.create(username="reader", language=User.Language.EN))
    start = unescape(client.get("/api/docs/").content.decode())
    for key, group in groups().items():
        page = client.get(f"/api/docs/{key}/").content.decode()
        for operation in group.operations:
            assert f'id="{operation.key}"' in page
            assert operation.words in start
    assert client.get("/api/docs/nothing/").status_code == 404

"""Bodies above the limit are refused before they are read to the end."""

import asyncio
import json
from typing import Any

import pytest
from django.conf import settings

from config.asgi import application
from core.bodies import Application, BodyLimit

Sent = list[dict[str, Any]]


def called(
    app: Application, chunks: list[bytes], headers: list[tuple[bytes, bytes]] | None = None
) -> tuple[Sent, int]:
    """What the application sent, and how many chunks it took."""
    sent: Sent = []
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        more = taken < len(chunks)
        return {"type": "http.request", "body": chunks[taken - 1], "more_body": more}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/tokens/",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *(headers or [])],
    }
    asyncio.run(app(scope, receive, send))
    return sent, taken


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body."""
    length = 0
    while True:
        message = await receive()
        length += len(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def test_a_body_up_to_the_limit_passes() -> None:
    sent, _taken = called(BodyLimit(echo, limit_bytes=10), [b"12345", b"67890"])

    assert sent[-1]["body"] == b"10"


def test_an_announced_length_above_the_limit_is_refused_unread() -> None:
    sent, taken = called(
        BodyLimit(echo, limit_bytes=10), [b"x"], headers=[(b"content-length", b"11")]
    )

    assert (sent[0]["status"], taken) == (413, 0)
    assert json.loads(sent[1]["body"])["code"] == "too_large"


def test_the_refusal_speaks_the_language_of_the_request() -> None:
    titles = [
        json.loads(
            called(
                BodyLimit(echo, limit_bytes=0),
                [b"x"],
                headers=[(b"accept-language", language)],
            )[0][1]["body"]
        )["title"]
        for language in (b"zh-CN", b"zh-hans", b"nonsense \xff")
    ]

    assert len(set(titles)) == 1
    assert titles[0]


def test_a_body_that_grows_above_the_limit_is_refused_at_once() -> None:
    sent, taken = called(BodyLimit(echo, limit_bytes=10), [b"12345"] * 100)

    assert (sent[0]["status"], taken) == (413, 3)


@pytest.mark.parametrize("is_announced", [True, False])
def test_the_product_has_the_limit_on(is_announced: bool) -> None:  # noqa: FBT001
    length = settings.REQUEST_MAX_BYTES + 1
    headers = [(b"content-length", str(length).encode())] if is_announced else []

    sent, _taken = called(application, [bytes(length // 2)] * 3, headers=headers)

    assert sent[0]["status"] == 413

"""The one line by which the platform tells somebody outside that it lives."""

import http.client
from urllib.parse import urlsplit

# From the connection to the answer's first line; who watches us answers in a moment.
PATIENCE_S = 5.0
_MOST_WORDS = 1000
_LINES = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


class Unsent(Exception):
    """Nobody took it; the reason is the message."""


def ping(url: str, words: str = "") -> None:
    """POST some words. Raises Unsent when there is no answer in time or it is none of success.

    Redirects are not followed.
    """
    try:
        parts = urlsplit(url)
        line = _LINES[parts.scheme](parts.hostname or "", parts.port, timeout=PATIENCE_S)
    except (KeyError, ValueError) as reason:
        raise Unsent("the address is not http:// or https://") from reason
    try:
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        line.request("POST", path, words[:_MOST_WORDS].encode(), {"Content-Type": "text/plain"})
        status = line.getresponse().status
    except (OSError, http.client.HTTPException) as reason:
        raise Unsent(f"{type(reason).__name__}: {reason}"[:200]) from reason
    finally:
        line.close()
    if not 200 <= status < 300:
        raise Unsent(f"status {status}")

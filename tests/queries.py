"""Golden numbers of queries per page: a change is seen in review, more rows must not mean more."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

GOLDEN = Path(__file__).parent / "golden" / "queries.json"


def queries_of(call: Callable[[], Any]) -> int:
    """How many queries a call makes."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def check(name: str, count: int) -> None:
    """Compare with the record; UPDATE_GOLDEN=1 writes the record anew."""
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("UPDATE_GOLDEN"):
        known[name] = count
        GOLDEN.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
        return
    assert known.get(name) == count, f"{name}: {count} queries, {known.get(name)} on record"

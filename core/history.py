"""Who changed something, by which door, in which request: kept with every change of master data."""

from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from pghistory.middleware import HistoryMiddleware

_DOORS = (("/api/", "api"), ("/admin/", "admin"))


class ChangeMiddleware(HistoryMiddleware):
    """As its base, with the door and an id of the request."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        """User, address, door, request: what the history shows beside a change."""
        door = next((name for prefix, name in _DOORS if request.path.startswith(prefix)), "web")
        known: dict[str, Any] = super().get_context(request)
        return known | {"door": door, "request": uuid4().hex[:12]}

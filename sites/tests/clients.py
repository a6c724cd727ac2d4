"""Callers of the REST API, with tokens from the service."""

from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from sites import services
from sites.models import User


def api_client(user: User | None = None, *, language: str = "", **facts: Any) -> APIClient:
    """A client with a token of the user; nobody's without one. Errors of ours are raised."""
    client = APIClient(**facts)
    headers = {"HTTP_ACCEPT_LANGUAGE": language} if language else {}
    if user is not None:
        _token, plain = services.issue_token(
            user=user, device_id="test", device_name="", now=timezone.now()
        )
        headers["HTTP_AUTHORIZATION"] = f"Bearer {plain}"
    client.credentials(**headers)
    return client

"""Data sources: made, given another key, switched off and on."""

import secrets
from datetime import datetime

from devices.models import DataSource
from sites.models.tokens import digest_of

_HINT = 8


def new_key(*, source: DataSource, now: datetime) -> str:
    """Put a fresh key on a source that is not saved by this; its plain text, shown once.

    The former key opens nothing from the moment the source is saved.
    """
    plain = f"dws_{secrets.token_urlsafe(32)}"
    source.digest = digest_of(plain)
    source.key_hint = plain[:_HINT]
    source.key_made_at = now
    return plain


def create_source(*, source: DataSource, now: datetime) -> str:
    """Save a new source; the plain text of its key, which nobody can show again."""
    plain = new_key(source=source, now=now)
    source.save()
    return plain


def renew_key(*, source: DataSource, now: datetime) -> str:
    """Another key for a source; the one before ends at once."""
    plain = new_key(source=source, now=now)
    source.save(update_fields=["digest", "key_hint", "key_made_at", "updated_at"])
    return plain


def switch(*, source: DataSource, is_enabled: bool) -> None:
    """Let a source in, or turn it away; its devices, their ids and their history stay."""
    source.is_enabled = is_enabled
    source.save(update_fields=["is_enabled", "updated_at"])

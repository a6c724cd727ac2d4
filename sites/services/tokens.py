"""Tokens of the REST API: issued per device, shown once, kept as a digest."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from sites.models import ApiToken, User
from sites.models.tokens import digest_of

# So often a token's use is written down; more often would be a write per request.
_NOTE_EVERY = timedelta(minutes=5)


def issue_token(
    *, user: User, device_id: str, device_name: str, now: datetime
) -> tuple[ApiToken, str]:
    """A new token for the user's device, and its plain text; the device's former one is revoked."""
    plain = f"dw_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        # Two sign-ins of one device at once: the second waits, and revokes what the first got.
        User.objects.select_for_update(of=("self",)).only("pk").get(pk=user.pk)
        ApiToken.objects.filter(user=user, device_id=device_id, revoked_at__isnull=True).update(
            revoked_at=now
        )
        token = ApiToken.objects.create(
            user=user,
            device_id=device_id,
            device_name=device_name,
            digest=digest_of(plain),
            password_stamp=user.get_session_auth_hash(),
            created_at=now,
            expires_at=now + timedelta(days=settings.API_TOKEN_DAYS),
        )
    return token, plain


def revoke_token(*, token: ApiToken, now: datetime) -> ApiToken:
    """Shut the door that the token opens; harmless when it is shut already."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now)
    token.refresh_from_db(fields=["revoked_at"])
    return token


def note_use(*, token: ApiToken, now: datetime) -> None:
    """Write down that the token was used, at most every few minutes."""
    if token.last_used_at is not None and now - token.last_used_at < _NOTE_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _NOTE_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)

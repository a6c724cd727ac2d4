"""What people say about themselves."""

from datetime import datetime
from typing import TypedDict, Unpack

from sites.models import User


class Wishes(TypedDict, total=False):
    """What a person may change about how the product looks and speaks to him."""

    name: str
    language: str
    theme: str
    density: str
    has_shortcuts: bool
    has_alarm_sound: bool
    has_alarm_notice: bool


def edit_profile(*, user: User, **wishes: Unpack[Wishes]) -> User:
    """Change what is given of a person's wishes; the rest stays."""
    for field, value in wishes.items():
        setattr(user, field, value)
    if wishes:
        user.save(update_fields=list(wishes))
    return user


def mark_notices_seen(*, user: User, now: datetime) -> None:
    """The person has looked at his notices: what is older counts as seen."""
    User.objects.filter(pk=user.pk).update(notices_seen_at=now)

"""How often somebody may try to sign in, counted in Redis over fixed windows."""

from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError


class TooManyAttempts(DomainError):
    """The facts say how long to wait at most (`retry_after_s`)."""

    code = "too_many_attempts"
    status = 429
    message = _("登录尝试过于频繁，请稍后再试。")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One counted attempt; a successful one is taken back, so that honest people are not counted."""

    keys: tuple[str, ...]

    def take_back(self) -> None:
        """Uncount this attempt alone: a success in between must not wipe the failures."""
        for key in self.keys:
            try:
                cache.decr(key)
            except ValueError:
                continue


def count_attempt(*, username: str, ip: str) -> Attempt:
    """Count an attempt by address and by name. Raises TooManyAttempts above settings' limits."""
    name = sha256(username.strip().lower().encode()).hexdigest()
    keys = []
    for kind, value in (("ip", ip), ("username", name)):
        limit, window_s = settings.SIGN_IN_LIMITS[kind]
        key = f"sign-in:{kind}:{value}"
        keys.append(key)
        if _count(key, window_s) > limit:
            raise TooManyAttempts(retry_after_s=window_s)
    return Attempt(keys=tuple(keys))


def _count(key: str, window_s: int) -> int:
    if cache.add(key, 1, timeout=window_s):
        return 1
    try:
        return cache.incr(key)
    except ValueError:
        # The window ended between the two calls.
        cache.set(key, 1, timeout=window_s)
        return 1

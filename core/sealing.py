"""Secrets that must be told again to others, such as a broker's password: sealed in the tables.

The key follows from SECRET_KEY, which is not in the database: a copy of the tables alone opens
nothing. With another SECRET_KEY what was sealed before cannot be opened and is asked for again.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class SealBroken(Exception):
    """It was sealed with another key."""


def seal(plain: str) -> str:
    """The text as it may be stored; '' for ''."""
    return _box().encrypt(plain.encode()).decode() if plain else ""


def unseal(sealed: str) -> str:
    """The text again. Raises SealBroken."""
    if not sealed:
        return ""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as reason:
        raise SealBroken from reason


def _box() -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(b"sealing " + settings.SECRET_KEY.encode()).digest()))

"""Symbols of the sprite, for templates: a page prints hundreds of the same few."""

from functools import lru_cache

from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils.html import format_html
from django.utils.safestring import SafeString


def icon(name: str, classes: str = "") -> SafeString:
    """A symbol of the sprite; decoration only, so the words beside it must say the same."""
    return _icon(name, classes, staticfiles_storage.url("ops/icons.svg"))


@lru_cache(maxsize=512)
def _icon(name: str, classes: str, sprite: str) -> SafeString:
    return format_html(
        '<svg class="ic {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        classes,
        sprite,
        name,
    )

"""Rows that people know by a name carry it in both languages."""

from django.utils.translation import get_language


def name_for_reader(name: str, name_en: str) -> str:
    """The English name for who reads English, when there is one."""
    return name_en if name_en and (get_language() or "").startswith("en") else name

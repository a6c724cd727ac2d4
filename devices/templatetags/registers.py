"""How registers are written for people."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from devices.states import CONFIDENCE_WORDS

register = template.Library()


@register.filter
def hexadecimal(value: Any) -> str:
    """0x0A1F, as manuals write addresses and patterns."""
    return f"0x{int(value):04X}"


@register.filter
def order_words(order: str) -> str:
    """Which half comes first."""
    return _("高位在前") if order == "big" else _("低位在前")


@register.filter
def confidence_words(confidence: str) -> str:
    """How far a register is known to be right."""
    return str(CONFIDENCE_WORDS.get(confidence or "confirmed", confidence))


@register.filter
def plain_number(value: float | None) -> str:
    """The number with as many digits as it has, '' for none."""
    return "" if value is None else f"{value:.12g}"

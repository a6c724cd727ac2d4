"""How registers are written for people."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from devices.models import DeviceTemplate, Register, TemplateOutput, TemplateVersion
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


@register.filter
def fact_name(name: str) -> str:
    """What a field of a template, a version or a register is called."""
    if name == "confidence":
        return _("可信度")
    for model in (Register, TemplateVersion, DeviceTemplate, TemplateOutput):
        fields = {field.name: field for field in model._meta.concrete_fields}  # noqa: SLF001 - documented
        if name in fields:
            return str(fields[name].verbose_name)
    return name


@register.filter
def fact_text(value: Any) -> str:
    """A fact of a map in one line."""
    if value is None or value in ("", [], {}):
        return "—"
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, dict):
        return " ".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(
            fact_text(one) if not isinstance(one, list) else _range(one) for one in value
        )
    return plain_number(value) if isinstance(value, float) else str(value)


def _range(forbidden: list[int]) -> str:
    code, first, last = forbidden
    return f"FC{code} {first}–{last}"

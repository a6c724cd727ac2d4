"""Filters of lists: what is wrong with them, and the address with another value of one."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def faults(filters: Any) -> list[tuple[Any, Any]]:
    """What is wrong with filters, by their labels; those of a filter set are named as in the address."""
    fields = getattr(filters, "fields", {})
    return [
        (fields[name].label if name in fields else name, errors)
        for name, errors in filters.errors.items()
    ]


@register.simple_tag(takes_context=True)
def only(context: Mapping[str, Any], name: str, value: str) -> str:
    """The address of the page with this value of one of its filters."""
    query = context["request"].GET.copy()
    query[name] = value
    query.pop("page", None)
    return f"?{query.urlencode()}"

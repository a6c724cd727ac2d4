"""The cells of a list's rows."""

from collections.abc import Iterator

from django import template
from django.template.base import NodeList
from django.template.context import Context
from django.template.engine import Engine
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core.lists import ListPage

register = template.Library()


@register.simple_tag(takes_context=True)
def cells(context: Context, page: ListPage) -> SafeString:
    """The cells of `line`: each column's template, read once per table instead of once per cell."""
    key = f"cells {id(page)}"
    made = context.render_context.get(key)
    if made is None:
        made = context.render_context[key] = list(_read(page))
    # Every part comes from a template, which has escaped it.
    return mark_safe("".join(f"{head}{nodes.render(context)}</td>" for head, nodes in made))  # noqa: S308


def _read(page: ListPage) -> Iterator[tuple[str, NodeList]]:
    """What each cell begins with, and its template."""
    engine = Engine.get_default()
    for column in page.columns:
        head = format_html('<td class="{}">', column.css) if column.css else "<td>"
        yield head, engine.get_template(column.cell).nodelist
    if page.spec.actions:
        yield "<td>", engine.get_template(page.spec.actions).nodelist

"""Fields of choices on pages: Django renders each option by a template of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

_SELECT = "django/forms/widgets/select.html"
_OPTION = "django/forms/widgets/select_option.html"


class FormRenderer(DjangoTemplates):
    """Django's own, but a choice of usual options is written down directly: the same text."""

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        widget = context.get("widget", {})
        if template_name == _SELECT and all(
            o["template_name"] == _OPTION for o in _options(widget)
        ):
            # Every part was escaped below.
            return mark_safe("".join(_select(widget)))  # noqa: S308
        return super().render(template_name, context, request)


def _options(widget: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (option for _name, options, _index in widget["optgroups"] for option in options)


def _select(widget: Mapping[str, Any]) -> Iterator[str]:
    yield f'<select name="{conditional_escape(widget["name"])}"{_attributes(widget)}>'
    for name, options, _index in widget["optgroups"]:
        if name:
            yield f'\n  <optgroup label="{conditional_escape(name)}">'
        for option in options:
            value, label = conditional_escape(option["value"]), conditional_escape(option["label"])
            yield f'\n  <option value="{value}"{_attributes(option)}>{label}</option>\n'
        if name:
            yield "\n  </optgroup>"
    yield "\n</select>"


def _attributes(widget: Mapping[str, Any]) -> str:
    return "".join(
        f" {conditional_escape(name)}"
        if value is True
        else f' {conditional_escape(name)}="{conditional_escape(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )

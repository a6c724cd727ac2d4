"""Addresses that a page prints hundreds of times, with what does not change kept.

The tag `url` gives what Django's own gives, only sooner; settings make it a builtin.
"""

from functools import lru_cache

from django.template.base import FilterExpression, Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as django_url
from django.template.library import Library
from django.urls import NoReverseMatch, get_script_prefix, reverse

register = Library()

# Stands for a number where an address is taken apart; no address of ours has it.
_MARK = 987_654_321_987_654_321


def address(name: str, key: int | None = None) -> str:
    """The address of a page, or of a page about the row of that key."""
    before, after = _around(name, get_script_prefix(), has_key=key is not None)
    return before if key is None else f"{before}{key:d}{after}"


@lru_cache(maxsize=1024)
def _around(name: str, prefix: str, *, has_key: bool) -> tuple[str, str]:
    """What stands before and after the number. prefix: where the product lives, told by the server."""
    if not has_key:
        return reverse(name), ""
    before, _mark, after = reverse(name, args=[_MARK]).partition(str(_MARK))
    return before, after


@lru_cache(maxsize=1024)
def _fixed(name: str, words: tuple[str, ...], prefix: str) -> str:
    return reverse(name, args=words)


class QuickURL(URLNode):
    """`{% url %}` of a name with nothing, with fixed words, or with one number behind it."""

    def __init__(self, node: URLNode) -> None:
        super().__init__(node.view_name, node.args, node.kwargs, node.asvar)
        self.name = _constant(self.view_name)
        self.words = [_constant(arg) for arg in self.args]

    def render(self, context: Context) -> str:
        found = self.found(context)
        if found is None:
            return str(super().render(context))
        if self.asvar:
            context[self.asvar] = found
            return ""
        return found

    def found(self, context: Context) -> str | None:
        """None for what is no such address: Django's own way answers, or refuses."""
        # The admin's names depend on where one is.
        if self.name is None or self.kwargs or self.name.startswith("admin:"):
            return None
        key = self.args[0].resolve(context) if len(self.args) == 1 else None
        try:
            if None not in self.words:
                return _fixed(self.name, tuple(map(str, self.words)), get_script_prefix())
            return address(self.name, key) if type(key) is int and key >= 0 else None
        except NoReverseMatch:
            return None


def _constant(expression: FilterExpression) -> str | None:
    """The text of an expression that is nothing else; None when it depends on the context."""
    return (
        str(expression.var) if isinstance(expression.var, str) and not expression.filters else None
    )


@register.tag
def url(parser: Parser, token: Token) -> QuickURL:
    """Django's tag, with what does not change kept."""
    return QuickURL(django_url(parser, token))

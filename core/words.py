"""Django's `{% load i18n %}`, with each `{% translate %}` looked up once per language.

Settings put it in the place of Django's own library: a page prints hundreds of fixed words.
"""

from django.template.base import Parser, Token
from django.template.context import Context
from django.template.library import Library
from django.templatetags import i18n
from django.templatetags.i18n import TranslateNode, do_translate
from django.utils.translation import get_language

register = Library()
register.tags |= i18n.register.tags
register.filters |= i18n.register.filters


class QuickWords(TranslateNode):
    """`{% translate %}` of fixed words."""

    def __init__(self, node: TranslateNode) -> None:
        super().__init__(node.filter_expression, node.noop, node.asvar, node.message_context)
        self.by_language: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        found = self.by_language.get(language)
        if found is None:
            # A tag with `as` has put its value there, and prints nothing.
            printed = super().render(context)
            found = context[self.asvar] if self.asvar else printed
            self.by_language[language] = found
            return printed
        if self.asvar:
            context[self.asvar] = found
            return ""
        return found


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> TranslateNode:
    """Django's tag; words that are no variable are kept."""
    node = do_translate(parser, token)
    words, about = node.filter_expression, node.message_context
    text = getattr(words.var, "literal", None)
    is_fixed = isinstance(text, str) and not words.filters
    return QuickWords(node) if is_fixed and (about is None or isinstance(about.var, str)) else node

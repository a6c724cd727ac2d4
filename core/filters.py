"""Filters that pages and the REST API share: strict about what they are given, never a 500."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from core.search import matching, words_of

# What a moment in a filter may be: wide enough for every row, narrow enough for every zone.
YEARS = range(1970, 2200)


class YesNoField(forms.TypedChoiceField):
    """`true`, `false` or nothing; anything else is an error, not silently nothing."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("null_label", None)
        super().__init__(
            choices=[("", _("不限")), ("true", _("是")), ("false", _("否"))],
            coerce=lambda value: value == "true",
            empty_value=None,
            **kwargs,
        )


class YesNoFilter(django_filters.BooleanFilter):
    """A boolean, told as `true` or `false`."""

    field_class = YesNoField


class MomentField(forms.CharField):
    """An ISO 8601 moment, or a day; without an offset it is meant in the reader's zone."""

    default_error_messages = {"moment": _("请输入 ISO 8601 格式的日期或时间。")}

    def clean(self, value: Any) -> datetime | date | None:
        text = super().clean(value)
        if not text:
            return None
        # An unescaped plus sign of a query string arrives as a space.
        text = text.replace(" ", "+") if "T" in text else text
        try:
            found = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
        except ValueError:
            raise self._refusal() from None
        if found.year not in YEARS:
            raise self._refusal()
        return found

    def _refusal(self) -> forms.ValidationError:
        return forms.ValidationError(self.error_messages["moment"], code="moment")


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A bound on a moment; a whole day as the end of a period includes that day."""

    field_class = MomentField

    def __init__(self, *args: Any, is_end: bool = False, **kwargs: Any) -> None:  # noqa: FBT001
        self.is_end = is_end
        kwargs.setdefault("lookup_expr", "lt" if is_end else "gte")
        super().__init__(*args, **kwargs)

    def filter(self, qs: QuerySet[Any], value: datetime | date | None) -> QuerySet[Any]:
        return super().filter(qs, None if value is None else self.moment(value))

    def moment(self, value: datetime | date) -> datetime:
        """The bound in UTC; days and naive moments are read in the zone of whoever asks."""
        user = getattr(getattr(self.parent, "request", None), "user", None)
        zone = ZoneInfo(getattr(user, "timezone", "") or settings.TIME_ZONE)
        if not isinstance(value, datetime):
            value = datetime.combine(value + timedelta(days=int(self.is_end)), time(), zone)
        elif value.tzinfo is None:
            value = value.replace(tzinfo=zone)
        return value.astimezone(UTC)


class SearchFilter(django_filters.CharFilter):
    """Every word must occur in one of the named columns, in any case.

    A column `search_text` (core.search) also finds by pinyin and by initials.
    """

    def __init__(self, *, columns: Sequence[str], **kwargs: Any) -> None:
        self.columns = tuple(columns)
        kwargs.setdefault("label", _("搜索"))
        super().__init__(max_length=100, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        for word in words_of(value):
            qs = qs.filter(matching(word, self.columns))
        return qs


class StableOrderingFilter(django_filters.OrderingFilter):
    """Ordering with the key as the last word, so that pages neither repeat nor lose rows."""

    def filter(self, qs: QuerySet[Any], value: Sequence[str] | None) -> QuerySet[Any]:
        if not value:
            return qs
        columns = [self.get_ordering_value(param) for param in value if param]
        last = "-pk" if columns and columns[0].startswith("-") else "pk"
        return qs.order_by(*columns, last)


class AnyOfFilter(django_filters.MultipleChoiceFilter):
    """One or more of a closed set: `?state=new&state=assigned`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("distinct", False)
        super().__init__(*args, **kwargs)


def chips_of(filters: django_filters.FilterSet) -> list[tuple[str, str]]:
    """Filters in force as (parameter, words), for pages that remove them one by one."""
    if not filters.is_valid():
        return []
    found = []
    for name, value in filters.form.cleaned_data.items():
        values = list(value) if isinstance(value, list | QuerySet) else [value]
        if not values or values[0] in (None, "") or name == "ordering":
            continue
        choices = _choices(filters.form.fields[name])
        words = pgettext("between items", "、").join(str(_words(one, choices)) for one in values)
        text = gettext("%(label)s：%(words)s") % {
            "label": filters.filters[name].label,
            "words": words,
        }
        found.append((name, text))
    return found


def _choices(field: forms.Field) -> dict[Any, Any]:
    """Words of a closed set; the rows of a model speak for themselves and are not all read."""
    if isinstance(field, forms.ModelChoiceField):
        return {}
    return dict(getattr(field, "choices", ()) or ())


def _words(value: Any, choices: dict[Any, Any]) -> Any:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return choices.get(value, value)

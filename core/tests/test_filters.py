"""Filters: days and moments in the reader's zone, strict booleans, words, stable order."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import django_filters
import pytest
from django.http import QueryDict

from core.filters import (
    MomentFilter,
    SearchFilter,
    StableOrderingFilter,
    YesNoFilter,
    chips_of,
)
from sites.filters import SiteFilter
from sites.models import Site
from sites.tests.factories import make_enterprise, make_site, make_user


class Filter(django_filters.FilterSet):
    q = SearchFilter(columns=["name", "number"])
    since = MomentFilter(field_name="updated_at")
    until = MomentFilter(field_name="updated_at", is_end=True)
    is_grouped = YesNoFilter(field_name="enterprise__is_group")
    ordering = StableOrderingFilter(fields=["name"])

    class Meta:
        model = Site
        fields: list[str] = []


def filtered(query: str, zone: str = "Asia/Shanghai") -> Filter:
    request: Any = SimpleNamespace(user=SimpleNamespace(timezone=zone))
    return Filter(QueryDict(query), queryset=Site.objects.all(), request=request)


def bound(query: str, zone: str = "Asia/Shanghai") -> datetime:
    """The moment in the query's only condition."""
    where = filtered(query, zone).qs.query.where
    return where.children[0].rhs


@pytest.mark.parametrize(
    ("query", "zone", "moment"),
    [
        ("since=2026-11-21", "Asia/Shanghai", datetime(2026, 11, 20, 16, tzinfo=UTC)),
        ("until=2026-11-21", "Asia/Shanghai", datetime(2026, 11, 21, 16, tzinfo=UTC)),
        ("since=2026-11-21", "UTC", datetime(2026, 11, 21, tzinfo=UTC)),
        ("until=2026-10-25", "Europe/Berlin", datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("since=2026-11-21T08:30", "Asia/Shanghai", datetime(2026, 11, 21, 0, 30, tzinfo=UTC)),
        ("until=2026-11-21T08:30", "Asia/Shanghai", datetime(2026, 11, 21, 0, 30, tzinfo=UTC)),
        ("since=2026-11-21T08:30:00Z", "Asia/Shanghai", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
        ("since=2026-11-21T08:30:00%2B02:00", "UTC", datetime(2026, 11, 21, 6, 30, tzinfo=UTC)),
        ("since=2026-11-21T08:30:00+02:00", "UTC", datetime(2026, 11, 21, 6, 30, tzinfo=UTC)),
    ],
)
def test_days_and_moments_are_those_of_the_reader(query: str, zone: str, moment: datetime) -> None:
    assert bound(query, zone) == moment


@pytest.mark.parametrize(
    "query",
    [
        "since=today",
        "since=2026-13-01",
        "since=1969-12-31",
        "since=9999-12-31T23:59:59-12:00",
        "since=2026-11-21T25:00",
        "is_grouped=perhaps",
        "is_grouped=1",
        "ordering=secret",
        "q=%00",
        "q=" + "x" * 101,
    ],
)
def test_nonsense_is_an_error_and_not_silently_nothing(query: str) -> None:
    assert not filtered(query).is_valid()


def test_every_word_must_occur_in_some_column() -> None:
    conditions = filtered("q=east%20007").qs.query.where.children

    columns = [
        sorted((part.lhs.target.name, part.rhs) for part in one.children) for one in conditions
    ]
    assert columns == [
        [("name", "east"), ("number", "east")],
        [("name", "007"), ("number", "007")],
    ]


def test_the_key_ends_every_order() -> None:
    assert filtered("ordering=name").qs.query.order_by == ("name", "pk")
    assert filtered("ordering=-name").qs.query.order_by == ("-name", "-pk")


@pytest.mark.parametrize(("query", "value"), [("true", True), ("false", False)])
def test_yes_and_no(query: str, value: bool) -> None:  # noqa: FBT001
    assert filtered(f"is_grouped={query}").qs.query.where.children[0].rhs is value


@pytest.mark.django_db
def test_chips_read_the_chosen_rows_alone(django_assert_num_queries: Any) -> None:
    first, *_others = [make_site(enterprise=make_enterprise(f"厂 {n}")) for n in range(3)]
    filters = SiteFilter(
        QueryDict(f"enterprise={first.enterprise_id}&state=operation&q=a"),
        queryset=Site.objects.all(),
        request=SimpleNamespace(user=make_user("reader", is_superuser=True)),
    )
    assert filters.is_valid(), filters.errors

    with django_assert_num_queries(0):
        chips = chips_of(filters)

    assert chips == [
        ("q", "搜索：a"),
        ("state", f"状态：{Site.State.OPERATION.label}"),
        ("enterprise", f"企业：{first.enterprise}"),
    ]

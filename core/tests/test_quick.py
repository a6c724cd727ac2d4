"""What is kept of addresses, words and labels says what Django's own would say."""

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse, set_script_prefix
from django.utils import translation

from core.quick import address
from sites.models import Site

FACTS = {"pk": 9, "word": "ignore", "name": "reports:site-detail"}


def shown(text: str) -> str:
    return Template(text).render(Context(FACTS))


def test_an_address_is_that_of_its_row() -> None:
    assert address("reports:site-list") == reverse("reports:site-list")
    assert address("reports:site-detail", 7) == "/sites/7/"
    assert address("reports:site-detail", 12345) == "/sites/12345/"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("{% url 'reports:hall' %}", "/"),
        ("{% url 'reports:site-detail' pk %}", "/sites/9/"),
        ("{% url 'reports:site-detail' pk=pk %}", "/sites/9/"),
        ("{% url 'reports:site-detail' '8' %}", "/sites/8/"),
        ("{% url 'reports:site-detail' pk as there %}[{{ there }}]", "[/sites/9/]"),
        ("{% url 'alarms:alarm-bulk' 'verify' %}", "/alarms/bulk/verify/"),
        ("{% url 'alarms:alarm-bulk' word %}", "/alarms/bulk/ignore/"),
        ("{% url 'reports:change-object' word pk %}", "/changes/ignore/9/"),
        ("{% url name pk %}", "/sites/9/"),
        ("{% url 'admin:index' %}", "/admin/"),
        ("{% url 'nowhere' as there %}[{{ there }}]", "[]"),
        ("{% url 'reports:site-detail' word as there %}[{{ there }}]", "[]"),
    ],
)
def test_the_tag_finds_every_kind_of_address(call: str, expected: str) -> None:
    assert [shown(call), shown(call)] == [expected, expected]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(NoReverseMatch):
        shown("{% url 'nowhere' %}")
    with pytest.raises(NoReverseMatch):
        shown("{% url 'reports:hall' pk %}")


def test_addresses_follow_the_place_of_the_product() -> None:
    assert shown("{% url 'reports:site-detail' pk %}") == "/sites/9/"

    set_script_prefix("/dianwu/")
    try:
        assert shown("{% url 'reports:site-detail' pk %}") == "/dianwu/sites/9/"
    finally:
        set_script_prefix("/")


def test_words_follow_the_language() -> None:
    page = Template(
        '{% load i18n %}{% translate "工作大厅" %} {% translate "正常" context "site" as word %}{{ word }}'
    )

    found = []
    for language in ("zh-hans", "en", "zh-hans", "en"):
        with translation.override(language):
            found.append(page.render(Context()))

    assert found[0] == found[2] == "工作大厅 正常"
    assert found[1] == found[3] == "Work hall Normal"


def test_labels_follow_the_language() -> None:
    site = Site(state=Site.State.OPERATION)

    with translation.override("en"):
        assert site.get_state_display() == "In operation"
    with translation.override("zh-hans"):
        assert site.get_state_display() == "投运"
    assert Site(state="of old").get_state_display() == "of old"

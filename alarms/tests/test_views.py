"""The list of alarms and the page of one, as Ana, Di, Bo, Cy and nobody meet them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from alarms import services
from alarms.models import Alarm, AlarmLog
from alarms.states import Handling, Severity
from alarms.tests.factories import bring, make_alarm, make_rule, recover
from devices.tests.factories import make_device
from sites.models import Grant
from sites.tests.factories import People, people
from tests.queries import check, queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def alarm(cast: People) -> Alarm:
    """Raised five minutes ago on the cast's site, nobody has looked yet."""
    at = timezone.now() - timedelta(minutes=5)
    return make_alarm(site=cast.site, at=at, rule=make_rule("IR_HIGH", severity="critical"))


def as_person(client: Client, person: Any) -> Client:
    client.force_login(person)
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_the_list_shows_open_alarms_of_ones_own_sites(
    cast: People, alarm: Alarm, client: Client
) -> None:
    make_alarm(site=cast.other_site)

    page = as_person(client, cast.di).get("/alarms/").context["page"]

    assert [row.pk for row in page.object_list] == [alarm.pk]


def test_tabs_and_severities_count_what_they_show(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    for severity in (Severity.CRITICAL, Severity.CRITICAL, Severity.MINOR):
        make_alarm(device=device, rule=make_rule(severity=severity))
    make_alarm(device=device, rule=make_rule(severity="minor"), handling=Handling.ARCHIVED)
    client = as_person(client, cast.di)

    for view in ("open", "unverified", "archived", "all"):
        response = client.get(f"/alarms/?view={view}")
        tab = next(t for t in response.context["tabs_of_list"] if t.is_current)
        assert tab.count == response.context["page"].paginator.count
        for severity in response.context["severities"]:
            rows = client.get(f"/alarms/?view={view}&severity={severity.key}").context["page"]
            assert rows.paginator.count == severity.count


def test_filters_live_in_the_address(cast: People, alarm: Alarm, client: Client) -> None:
    client = as_person(client, cast.di)
    old = (timezone.now() - timedelta(days=2)).date().isoformat()

    by_number = client.get(f"/alarms/?q={alarm.number}")
    before = client.get(f"/alarms/?raised_to={old}")
    nonsense = client.get("/alarms/?site=abc")

    assert by_number.context["page"].paginator.count == 1
    assert f"搜索：{alarm.number}" in text_of(by_number)
    assert before.context["page"].paginator.count == 0
    assert "没有符合条件的告警" in text_of(before)
    assert nonsense.status_code == 200
    assert nonsense.context["filters"].errors


def test_htmx_gets_the_list_alone(cast: People, alarm: Alarm, client: Client) -> None:
    client = as_person(client, cast.di)

    part = text_of(client.get("/alarms/", headers={"HX-Request": "true"}))

    assert part.lstrip().startswith('<div id="alarm-list"')
    assert alarm.rule.label in part


def test_a_foreign_alarm_is_not_there(cast: People, alarm: Alarm, client: Client) -> None:
    url = f"/alarms/{alarm.pk}/"

    assert client.get(url).status_code == 302
    client = as_person(client, cast.cy)
    assert client.get(url).status_code == 404
    for move in ("verify", "ignore", "archive", "comment"):
        assert client.post(f"{url}{move}/", {"note": "x"}).status_code == 404
    assert Alarm.objects.get(pk=alarm.pk).handling == Handling.UNVERIFIED


def test_buttons_only_for_those_who_may(cast: People, alarm: Alarm, client: Client) -> None:
    url = f"/alarms/{alarm.pk}/"

    di = text_of(as_person(client, cast.di).get(url))
    bo = text_of(as_person(client, cast.bo).get(url))
    gu = text_of(as_person(client, cast.gu).get(url))

    assert 'data-dialog="verify"' in di
    assert 'data-dialog="archive"' not in di  # still active
    assert "data-dialog" not in bo
    assert "alarm-comment" not in bo
    assert "/comment/" in bo
    assert "/comment/" not in gu


def test_bo_may_not_verify(cast: People, alarm: Alarm, client: Client) -> None:
    url = f"/alarms/{alarm.pk}/verify/"

    response = as_person(client, cast.bo).post(url, {"verify-verdict": "real"})

    assert response.status_code == 403
    assert "没有执行此操作的权限" in text_of(response)


def test_verifying_by_a_plain_post(cast: People, alarm: Alarm, client: Client) -> None:
    client = as_person(client, cast.di)
    given = {
        "verify-verdict": "real",
        "verify-cause": "电缆受潮",
        "verify-note": "已电话联系",
        "verify-seen": "unverified",
    }

    response = client.post(f"/alarms/{alarm.pk}/verify/", given, follow=True)

    page = text_of(response)
    alarm.refresh_from_db()
    row = AlarmLog.objects.filter(alarm=alarm, move="verify").get()
    assert response.redirect_chain == [(f"/alarms/{alarm.pk}/", 302)]
    assert (alarm.handling, alarm.verified_by_id) == (Handling.VERIFIED, cast.di.pk)
    assert (row.by_id, row.door) == (cast.di.pk, "web")
    for words in ("已查核。", "电缆受潮", "已电话联系", "属实"):
        assert words in page
    assert f"/orders/new/?alarm={alarm.pk}" in page


def test_the_second_of_two_is_told_with_the_fresh_state(
    cast: People, alarm: Alarm, client: Client
) -> None:
    cast.ana.name = "王珊"
    cast.ana.save()
    bring(alarm, Handling.VERIFIED, by=cast.ana, now=timezone.now())
    given = {"verify-verdict": "false", "verify-seen": "unverified"}

    response = as_person(client, cast.di).post(f"/alarms/{alarm.pk}/verify/", given, follow=True)

    page = text_of(response)
    assert "王珊 已于" in page
    assert 'data-handling="verified"' in page
    assert Alarm.objects.get(pk=alarm.pk).verdict == "real"


def test_archiving_an_active_alarm_is_refused_with_a_sentence(
    cast: People, alarm: Alarm, client: Client
) -> None:
    bring(alarm, Handling.VERIFIED, by=cast.di, now=timezone.now())

    page = text_of(as_person(client, cast.di).post(f"/alarms/{alarm.pk}/archive/", {}, follow=True))

    assert "告警尚未恢复，不能归档。" in page
    assert 'data-handling="verified"' in page


def test_archiving_a_recovered_alarm(cast: People, alarm: Alarm, client: Client) -> None:
    bring(alarm, Handling.VERIFIED, by=cast.di, now=timezone.now())
    recover(alarm, at=timezone.now())

    page = text_of(as_person(client, cast.di).post(f"/alarms/{alarm.pk}/archive/", {}, follow=True))

    assert 'data-handling="archived"' in page
    assert "data-dialog" not in page


def test_ignoring_needs_a_reason_and_keeps_what_was_typed(
    cast: People, alarm: Alarm, client: Client
) -> None:
    client = as_person(client, cast.di)

    refused = client.post(f"/alarms/{alarm.pk}/ignore/", {"ignore-hours": "4"})
    done = client.post(
        f"/alarms/{alarm.pk}/ignore/",
        {"ignore-hours": "4", "ignore-note": "检修"},
        follow=True,
    )

    alarm.refresh_from_db()
    assert refused.status_code == 400
    assert "data-open" in text_of(refused)
    assert '<option value="4" selected>' in text_of(refused)
    assert 'data-handling="ignored"' in text_of(done)
    assert alarm.ignored_until is not None
    hours = (alarm.ignored_until - timezone.now()).total_seconds() / 3600
    assert 3.9 < hours < 4.1


def test_acting_leads_on_through_the_list_that_one_came_from(
    cast: People, alarm: Alarm, client: Client
) -> None:
    following = make_alarm(site=cast.site)
    client = as_person(client, cast.di)
    suffix = "?in=view%3Dunverified"
    given = {"verify-verdict": "real", "verify-seen": "unverified"}

    page = text_of(client.get(f"/alarms/{alarm.pk}/{suffix}"))
    acted = client.post(f"/alarms/{alarm.pk}/verify/{suffix}", given, follow=True)

    for name in ("verify", "ignore", "comment"):
        assert f'action="/alarms/{alarm.pk}/{name}/{suffix}"' in page
    assert acted.redirect_chain == [(f"/alarms/{alarm.pk}/{suffix}", 302)]
    assert f'href="/alarms/{following.pk}/{suffix}"' in text_of(acted)


def test_a_refused_form_leads_back_to_its_page(cast: People, alarm: Alarm, client: Client) -> None:
    """The page stands at the address of a post: nothing on it may ask that address again."""
    url = f"/alarms/{alarm.pk}/"
    headers = {"Referer": f"http://testserver{url}"}

    page = text_of(as_person(client, cast.di).post(f"{url}ignore/", {}, headers=headers))

    assert f'hx-get="{url}?window=120"' in page
    assert f'href="{url}?window=30"' in page
    assert f'name="next" value="http://testserver{url}"' in page
    assert page.count(f"{url}ignore/") == 1


def test_ignoring_until_a_moment_of_the_sites_clock(
    cast: People, alarm: Alarm, client: Client
) -> None:
    cast.site.timezone = "Europe/Berlin"
    cast.site.save()
    day = (timezone.now() + timedelta(days=3)).date()

    as_person(client, cast.di).post(
        f"/alarms/{alarm.pk}/ignore/",
        {"ignore-hours": "", "ignore-until": f"{day}T12:00", "ignore-note": "检修"},
    )

    alarm.refresh_from_db()
    assert alarm.ignored_until is not None
    assert alarm.ignored_until.isoformat() == f"{day}T11:00:00+00:00"


def test_an_until_in_the_past_is_refused_beside_the_field(
    cast: People, alarm: Alarm, client: Client
) -> None:
    given = {"ignore-hours": "", "ignore-until": "2020-01-01T00:00", "ignore-note": "检修"}

    response = as_person(client, cast.di).post(f"/alarms/{alarm.pk}/ignore/", given)

    assert response.status_code == 400
    assert "忽略截止时间必须晚于现在。" in text_of(response)


def test_comments_go_into_the_log(cast: People, alarm: Alarm, client: Client) -> None:
    page = text_of(
        as_person(client, cast.bo).post(
            f"/alarms/{alarm.pk}/comment/", {"note": "已到现场"}, follow=True
        )
    )

    assert "已到现场" in page
    assert AlarmLog.objects.get(alarm=alarm, entry="comment").by_id == cast.bo.pk


def test_the_detail_names_time_to_verify(cast: People, alarm: Alarm, client: Client) -> None:
    client = as_person(client, cast.di)

    late = text_of(client.get(f"/alarms/{alarm.pk}/"))
    services.verify(
        alarm_id=alarm.pk,
        verdict="real",
        by=cast.di,
        door="web",
        now=alarm.raised_at + timedelta(minutes=2),
    )
    judged = text_of(client.get(f"/alarms/{alarm.pk}/"))

    assert "查核时限 3 分，已过 5 分" in late
    assert "查核用时 2 分（时限 3 分）" in judged


def test_values_of_a_class_that_is_not_granted_are_hidden(cast: People, client: Client) -> None:
    rule = make_rule("I_HIGH", point_codes=["Ia"])
    alarm = make_alarm(site=cast.site, rule=rule, value=912.5, unit="A", at=timezone.now())
    Grant.objects.filter(user=cast.gu).update(data_classes=["safety"])

    seen = text_of(as_person(client, cast.di).get(f"/alarms/{alarm.pk}/"))
    hidden = text_of(as_person(client, cast.gu).get(f"/alarms/{alarm.pk}/"))

    assert "912.5" in seen
    assert "data-url" in seen
    assert "912.5" not in hidden
    assert "data-url" not in hidden
    assert "无权查看此类数据" in hidden


def test_htmx_gets_the_fresh_life_and_log(cast: People, alarm: Alarm, client: Client) -> None:
    client = as_person(client, cast.di)

    part = text_of(client.get(f"/alarms/{alarm.pk}/", headers={"HX-Request": "true"}))

    assert part.lstrip().startswith('<div id="alarm"')
    assert '<ol class="tl" id="log" hx-swap-oob="true">' in part
    assert '<div id="dialogs" hx-swap-oob="true">' in part


def test_moments_are_told_in_the_sites_zone(cast: People, alarm: Alarm, client: Client) -> None:
    cast.site.timezone = "America/New_York"
    cast.site.save()

    page = text_of(as_person(client, cast.di).get(f"/alarms/{alarm.pk}/"))

    assert 'data-zone="America/New_York"' in page
    assert " EST" in page or " EDT" in page


def test_the_page_speaks_english(cast: People, alarm: Alarm, client: Client) -> None:
    client.cookies["django_language"] = "en"

    page = text_of(as_person(client, cast.di).get(f"/alarms/{alarm.pk}/"))

    with translation.override("en"):
        assert alarm.rule.label in page
    assert '<html lang="en"' in page


def test_queries_of_a_detail(cast: People, alarm: Alarm, client: Client) -> None:
    client = as_person(client, cast.di)
    url = f"/alarms/{alarm.pk}/"
    client.get(url)
    before = queries_of(lambda: client.get(url))
    for word in ("一", "二", "三"):
        services.comment(alarm_id=alarm.pk, note=word, by=cast.bo, door="web", now=timezone.now())

    count = queries_of(lambda: client.get(url))

    assert count == before
    check("alarm-detail", count)

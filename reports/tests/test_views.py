"""The hall says the truth, every figure leads to what it counts; sites, help, health."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alarms.models import Alarm
from alarms.states import CONDITION, HANDLING, Handling, Severity
from alarms.tests.factories import make_alarm, make_rule
from devices.models import Device, Gateway
from devices.tests.factories import make_bus, make_device, make_gateway
from sites.models import Grant, Site
from sites.rules import DataClass
from sites.tests.factories import People, make_site, people
from tests.pages import figures_of
from tests.queries import check, queries_of
from workorders.models import WorkOrder
from workorders.states import LIFE, TASK_LIFE, Kind, State
from workorders.tests.factories import make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def page_of(cast_member: Any, client: Client) -> Client:
    client.force_login(cast_member)
    return client


@pytest.fixture
def busy(cast: People) -> People:
    """Sites, alarms and orders in every state, on Ana's site and on a foreign one."""
    now = timezone.now()
    gateway = make_gateway(site=cast.site, is_online=True)
    devices = [make_device(bus=make_bus(gateway=gateway)) for _ in range(3)]
    Device.objects.filter(pk=devices[0].pk).update(is_online=True)
    Device.objects.filter(pk=devices[1].pk).update(is_online=False)
    silent = make_site("失联站", enterprise=cast.enterprise, team=cast.team)
    make_gateway(site=silent, is_online=False)
    rules = {severity: make_rule(f"R_{severity}", severity=severity) for severity in Severity}
    for hours, (severity, handling) in enumerate(
        [
            (Severity.CRITICAL, Handling.UNVERIFIED),
            (Severity.CRITICAL, Handling.VERIFIED),
            (Severity.MAJOR, Handling.IGNORED),
            (Severity.MINOR, Handling.UNVERIFIED),
            (Severity.INFO, Handling.ARCHIVED),
        ]
    ):
        make_alarm(
            device=devices[hours % 3],
            rule=rules[severity],
            handling=handling,
            by=cast.di,
            at=now - timedelta(hours=hours, minutes=5),
        )
    make_alarm(site=cast.other_site, rule=rules[Severity.CRITICAL], at=now)
    facts = {"cast": cast, "now": now - timedelta(minutes=30), "due_at": now + timedelta(hours=9)}
    for state in State:
        make_order(state=state, **facts)
    make_order(kind=Kind.DEFECT, **(facts | {"due_at": now - timedelta(minutes=5)}))
    return cast


def test_hall_figures_equal_an_independent_count(busy: People, client: Client) -> None:
    page = page_of(busy.ana, client).get("/").content.decode()
    figures = {name: figure.text.strip() for name, figure in figures_of(page).items()}

    mine = {busy.site.pk} | {s.pk for s in Site.objects.all() if s.team_id == busy.team.pk}
    alarms = [a for a in Alarm.objects.all() if a.site_id in mine]
    orders = [o for o in WorkOrder.objects.all() if o.site_id in mine]
    devices = [d for d in Device.objects.all() if d.site_id in mine]
    open_alarms = [a for a in alarms if a.handling != "archived"]
    severe = {a.site_id for a in open_alarms if a.severity in {"critical", "major"}}
    silent = {g.site_id for g in Gateway.objects.all() if g.site_id in mine and not g.is_online}
    assert figures["alarms"] == str(len(open_alarms))
    assert figures["unverified"] == str(sum(a.handling == "unverified" for a in alarms))
    assert figures["orders"] == str(sum(o.state not in {"closed", "cancelled"} for o in orders))
    assert figures["online"] == str(sum(d.is_online is True for d in devices))
    assert figures["abnormal"] == str(len(severe | silent))
    assert figures["offline"] == str(len(silent))
    assert figures["defect"] == "1"
    for state in State:
        assert figures[f"order-{state}"] == str(sum(o.state == state for o in orders))
    for severity in Severity:
        assert figures[f"day-{severity}"] == str(sum(a.severity == severity for a in alarms))


def count_of(response: Any) -> int:
    """Rows of the list that a figure leads to."""
    if "found_total" in response.context:
        return int(response.context["found_total"])
    return int(response.context["list"].total)


def test_every_figure_leads_to_the_rows_that_it_counts(busy: People, client: Client) -> None:
    client = page_of(busy.ana, client)
    figures = figures_of(client.get("/").content.decode())

    for name, figure in figures.items():
        if name == "power":
            continue
        response = client.get(figure.href)
        assert response.status_code == 200, name
        assert count_of(response) == figure.value, (name, figure.href)
    assert len(figures) > 20


def test_the_hall_counts_nothing_of_others(busy: People, client: Client) -> None:
    figures = figures_of(page_of(busy.cy, client).get("/").content.decode())

    assert figures["alarms"].value == 1
    assert figures["orders"].value == 0


def test_the_hall_of_nobody_is_the_sign_in(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def test_htmx_gets_the_figures_alone(cast: People, client: Client) -> None:
    client = page_of(cast.ana, client)

    part = client.get("/", headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in part
    assert 'id="figures"' in part
    assert "HX-Request" in client.get("/")["Vary"]


def test_queries_do_not_grow_with_rows(busy: People, client: Client) -> None:
    client = page_of(busy.ana, client)
    pages = {
        "hall": "/",
        "site-list": "/sites/",
        "site-detail": f"/sites/{busy.site.pk}/",
        "alarm-list": "/alarms/?view=all",
        "order-list": "/orders/?view=all",
    }
    for url in pages.values():
        client.get(url)  # what is kept per process is kept now
    before = {name: queries_of(lambda url=url: client.get(url)) for name, url in pages.items()}
    now = timezone.now()
    for _ in range(4):
        device = make_device(bus=make_bus(gateway=busy.site.gateways.first()))
        make_alarm(device=device, at=now)
        make_order(cast=busy, now=now, due_at=now + timedelta(hours=1))

    for name, url in pages.items():
        count = queries_of(lambda url=url: client.get(url))
        assert count == before[name], name
        check(name, count)


@pytest.mark.parametrize("path", ["/", "/sites/", "/alarms/", "/orders/", "/live/"])
def test_a_script_in_a_name_is_words(path: str, cast: People, client: Client) -> None:
    evil = "<script>alert(1)</script>"
    Site.objects.filter(pk=cast.site.pk).update(name=evil, name_en=evil)
    device = make_device(site=cast.site, name=evil, name_en=evil)
    rule = make_rule(name=evil, name_en=evil)
    now = timezone.now()
    make_alarm(device=device, rule=rule, at=now)
    make_order(cast=cast, title=evil, now=now, due_at=now + timedelta(hours=1))

    page = page_of(cast.ana, client).get(path).content.decode()

    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page


def test_site_list_filters_by_condition(busy: People, client: Client) -> None:
    client = page_of(busy.ana, client)

    offline = client.get("/sites/?condition=offline").context["page"].object_list
    nonsense = client.get("/sites/?condition=what")

    assert [site.name for site in offline] == ["失联站"]
    assert nonsense.context["page"].paginator.count == 0
    assert nonsense.context["filters"].errors


def test_the_site_page_is_for_those_who_see_the_site(cast: People, client: Client) -> None:
    url = f"/sites/{cast.site.pk}/"

    assert client.get(url).status_code == 302
    assert page_of(cast.ana, client).get(url).status_code == 200
    assert page_of(cast.bo, client).get(url).status_code == 200
    assert page_of(cast.cy, client).get(url).status_code == 404


def test_the_load_of_past_days_is_drawn_apart_from_today(cast: People, client: Client) -> None:
    url = reverse("reports:site-load", args=[cast.site.pk])

    drawn = page_of(cast.ana, client).get(url).json()["series"]

    assert [series["phase"] for series in drawn] == ["", "before", "earlier"]


def test_the_site_page_offers_orders_to_those_who_may_create_them(
    cast: People, client: Client
) -> None:
    url = f"/sites/{cast.site.pk}/"
    link = f"/orders/new/?site={cast.site.pk}"

    assert link in page_of(cast.di, client).get(url).content.decode()
    assert link not in page_of(cast.bo, client).get(url).content.decode()


def test_a_measured_value_is_shown_to_those_who_may_see_its_class(
    cast: People, client: Client
) -> None:
    rule = make_rule("LOAD", point_codes=["Ia"])
    device = make_device(bus=make_bus(gateway=make_gateway(site=cast.site)))
    make_alarm(device=device, rule=rule, at=timezone.now(), value=417.0, unit="A")
    pages = ["/", *(f"/sites/{cast.site.pk}/?tab={tab}" for tab in ("overview", "alarms"))]

    assert all("417" in page_of(cast.ana, client).get(url).content.decode() for url in pages)

    Grant.objects.filter(user=cast.gu).update(data_classes=[DataClass.SAFETY])
    for url in pages:
        words = page_of(cast.gu, client).get(url).content.decode()
        assert rule.label in words
        assert "417" not in words


def test_who_may_not_see_loads_is_told_so_and_not_that_no_meter_answers(
    cast: People, client: Client
) -> None:
    told, asked = "未授权负荷数据", "个进线表计有值"
    words = page_of(cast.gu, client).get("/").content.decode()
    assert asked in words
    assert told not in words

    Grant.objects.filter(user=cast.gu).update(data_classes=[DataClass.SAFETY])
    words = page_of(cast.gu, client).get("/").content.decode()
    assert told in words
    assert asked not in words


def test_the_lives_are_drawn_from_their_tables(cast: People, client: Client) -> None:
    page = page_of(cast.bo, client).get("/help/states/")

    words = page.content.decode()
    drawn = [len(life["moves"]) for life in page.context["lives"]]
    assert drawn == [len(life.edges) for life in (HANDLING, CONDITION, LIFE, TASK_LIFE)]
    assert words.count('<svg class="life"') == 4
    assert "待验收" in words


def test_about_names_licences(cast: People, client: Client) -> None:
    words = page_of(cast.bo, client).get("/about/").content.decode()

    assert "echarts" in words
    assert "Apache-2.0" in words
    assert "Django" in words


def test_health_needs_no_sign_in_and_tells_no_secrets(client: Client) -> None:
    response = client.get("/health/")

    assert response.status_code == 200
    assert json.loads(response.content) == {"status": "ok", "database": "up", "redis": "up"}


def test_health_is_honest_about_redis(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    response = client.get("/health/")

    assert response.status_code == 503
    assert json.loads(response.content)["redis"] == "down"


def test_the_map_shows_the_worst_of_each_site(busy: People, client: Client) -> None:
    client = page_of(busy.ana, client)

    sites = client.get("/map/sites/").json()["sites"]

    assert {row[1]: row[4] for row in sites} == {"印染厂一期": "critical", "失联站": "offline"}
    assert {row[0] for row in sites} == {s.pk for s in Site.objects.filter(team=busy.team)}
    popup = client.get(f"/map/sites/{busy.site.pk}/").content.decode()
    assert "印染厂一期" in popup
    assert "10/0.4 kV" in popup
    assert client.get(f"/map/sites/{busy.other_site.pk}/").status_code == 404

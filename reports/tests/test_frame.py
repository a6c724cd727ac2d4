"""The frame's search and notices: what is found, what is new, nothing of others."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alarms.tests.factories import make_alarm, make_rule
from devices.models import SampleLoss, StoragePlan
from devices.tests.factories import make_derived, make_device
from reports.selectors.notices import notices
from reports.selectors.searching import find
from sites import services
from sites.models import User
from sites.tests.factories import People, people
from workorders.states import State, TaskState
from workorders.tests.factories import make_order, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def keys(user: User, text: str) -> dict[str, list[str]]:
    return {group.key: [hit.title for hit in group.hits] for group in find(user=user, text=text)}


def test_alarms_orders_and_tasks_are_found_by_number(cast: People) -> None:
    now = timezone.now()
    alarm = make_alarm(device=make_device(site=cast.site), rule=make_rule(), at=now)
    order = make_order(cast=cast, now=now, due_at=now + timedelta(hours=1), title="换表")

    assert keys(cast.di, alarm.number.lower())["alarms"] == [f"{alarm.number} {alarm.rule.label}"]
    assert keys(cast.di, order.number[-13:])["orders"] == [f"{order.number} 换表"]
    task = make_task(cast=cast, title="月度巡检")
    assert keys(cast.di, task.number.lower())["tasks"] == [f"{task.number} 月度巡检"]
    assert "alarms" not in keys(cast.di, "gj")
    assert keys(cast.cy, alarm.number) == {} == keys(cast.cy, task.number)


def test_pages_are_found_by_pinyin_and_named_without_words(cast: People) -> None:
    assert keys(cast.di, "gjgl")["pages"] == ["告警管理"]
    assert "工作大厅" in keys(cast.di, "")["pages"]
    assert not {"后台管理", "档案导入导出"} & set(keys(cast.di, "")["pages"])
    assert keys(cast.ana, "dadr")["pages"] == ["档案导入导出"]


def test_derived_points_are_found_and_lead_to_their_curve(cast: People) -> None:
    device = make_device(site=cast.site)
    row = make_derived(site=cast.site, by=cast.ana, formula=f"d{device.pk}:P * 2", name="双倍功率")

    groups = find(user=cast.di, text="sbgl")

    (hit,) = next(group.hits for group in groups if group.key == "derived")
    assert (hit.url, hit.title) == (f"/curves/?point=x{row.pk}", f"双倍功率 x{row.pk}")
    assert "derived" not in keys(cast.cy, "sbgl")


def test_the_search_page_needs_no_script(client: Client, cast: People) -> None:
    client.force_login(cast.di)

    found = client.get("/search/", {"q": cast.site.number}).content.decode()
    none = client.get("/search/", {"q": "\0<b>?"})

    assert f'href="/sites/{cast.site.pk}/"' in found
    assert "没有找到" in none.content.decode()
    assert "&lt;b&gt;" in none.content.decode()


def test_notices_are_what_waits_for_the_person(client: Client, cast: People) -> None:
    now = timezone.now()
    device = make_device(site=cast.site)
    for severity in ("critical", "minor"):
        rule = make_rule(severity=severity, key=f"r-{severity}")
        make_alarm(device=device, rule=rule, at=now - timedelta(minutes=5))
    late = make_order(
        cast=cast,
        now=now - timedelta(hours=3),
        due_at=now - timedelta(hours=1),
        state=State.ASSIGNED,
    )

    task = make_task(
        cast=cast,
        state=TaskState.ASSIGNED,
        due_on=(now - timedelta(days=2)).date(),
        now=now - timedelta(days=3),
    )

    found = notices(user=cast.bo, now=now)
    services.mark_notices_seen(user=cast.bo, now=now)
    seen = notices(user=User.objects.get(pk=cast.bo.pk), now=now)

    assert [(alarm.severity, new) for alarm, new in found.alarms] == [("critical", True)]
    assert (found.new_alarms, seen.new_alarms, found.orders) == (1, 0, [late])
    assert (found.tasks, found.task_count) == ([task], 1)
    assert (notices(user=cast.di, now=now).orders, notices(user=cast.di, now=now).tasks) == ([], [])
    assert notices(user=cast.cy, now=now).is_empty
    client.force_login(cast.bo)
    page = client.get("/notices/").content.decode()
    assert "我的超期工单" in page
    assert f'href="/tasks/{task.pk}/"' in page


def test_samples_given_up_are_told_to_who_maintains_the_platform(
    client: Client, cast: People
) -> None:
    now = timezone.now()
    facts = {"first_at": now, "last_at": now, "noted_at": now}
    recent = SampleLoss.objects.create(shard=7, thinned=300, dropped=20, **facts)
    facts["noted_at"] = now - timedelta(days=8)
    SampleLoss.objects.create(shard=7, thinned=1, dropped=1, **facts)

    assert notices(user=cast.adm, now=now).losses == [recent]
    assert notices(user=cast.bo, now=now).losses == []
    client.force_login(cast.adm)
    assert "采集分片 7：丢失 20 条，合并 300 条" in client.get("/notices/").content.decode()


def test_platform_without_a_site_is_told_to_who_maintains_it(client: Client, cast: People) -> None:
    now = timezone.now()
    assert notices(user=cast.adm, now=now).is_unwatched
    assert not notices(user=cast.ana, now=now).is_unwatched
    client.force_login(cast.adm)
    assert "尚未指定平台所在站点" in client.get("/notices/").content.decode()

    StoragePlan.objects.update(site=cast.site)

    assert notices(user=cast.adm, now=now).is_empty


def test_what_runs_is_told_to_staff_alone(client: Client, cast: People) -> None:
    client.force_login(cast.di)
    assert "PostgreSQL" not in client.get("/about/").content.decode()

    User.objects.filter(pk=cast.di.pk).update(is_staff=True)
    running = dict(client.get("/about/").context["running"])

    assert list(running) == ["Python", "Django", "PostgreSQL", "Redis"]
    assert all(re.match(r"\d+\.\d+", number) for number in running.values())

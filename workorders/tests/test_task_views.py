"""Pages of tasks, plans and the calendar: what they show, take, refuse and count."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sites.models import User
from sites.tests.factories import People, people
from tests.queries import check, queries_of
from workorders import selectors
from workorders.models import Task, TaskPlan
from workorders.states import LIFE, State, TaskState
from workorders.tests.factories import make_order, make_plan, make_task, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def task_now(cast: People, state: str = TaskState.NEW, **facts: Any) -> Task:
    now = timezone.now()
    facts = {"now": now, "due_on": now.date() + timedelta(days=3)} | facts
    return make_task(cast=cast, state=state, **facts)


def test_the_list_counts_its_tabs_filters_and_exports(cast: People) -> None:
    for state in TaskState:
        task_now(cast, state)
    late = task_now(
        cast,
        TaskState.ASSIGNED,
        title="红外测温",
        now=timezone.now() - timedelta(days=9),
        due_on=timezone.now().date() - timedelta(days=5),
    )
    client = of(cast.bo)

    page = client.get("/tasks/")
    tabs = {tab.key: tab.count for tab in page.context["tabs_of_list"]}
    overdue = client.get("/tasks/?overdue=true&q=红外")
    sheet = client.get("/tasks/?view=all&export=csv")

    assert tabs == {
        "open": 5,
        "new": 1,
        "assigned": 2,
        "in_progress": 1,
        "to_accept": 1,
        "done": 1,
        "cancelled": 1,
        "all": 7,
    }
    assert [line.row for line in overdue.context["list"].lines] == [late]
    rows = b"".join(sheet.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert len(rows) == 8
    assert late.number in rows[1]
    assert client.get("/tasks/?due_on_from=nonsense").status_code == 200


def test_what_is_wrong_in_a_form_is_said_and_nothing_is_lost(cast: People) -> None:
    client = of(cast.di)
    url = f"/tasks/new/?site={cast.site.pk}"

    past = client.post(url, {"title": "红外测温", "due_on": "2020-01-01", "instructions": "长文"})
    task = task_now(cast, TaskState.IN_PROGRESS)
    bad = of(cast.bo).post(
        f"/tasks/{task.pk}/move/finish/",
        {"finish-result": "正常", "finish-photos": [picture(), picture(kind="GIF")]},
    )
    edited = client.post(f"/tasks/{task.pk}/edit/", {"title": "", "due_on": "2030-99-99"})

    assert past.status_code == 400
    assert "到期日不能早于今天" in past.content.decode()
    assert "长文" in past.content.decode()
    assert bad.status_code == 400
    assert "photo.gif" in bad.content.decode()
    assert "正常" in bad.content.decode()
    assert edited.status_code == 400
    task.refresh_from_db()
    assert task.state == TaskState.IN_PROGRESS


def test_plans_are_made_changed_paused_and_shown_with_their_next_days(cast: People) -> None:
    client = of(cast.ana)
    facts = {
        "name": "周检",
        "sites": [cast.site.pk],
        "recurrence": "weekly",
        "every": 2,
        "first_due_on": (timezone.localdate() + timedelta(days=2)).isoformat(),
        "days_to_do": 1,
        "lead_days": 3,
    }

    refused = client.post("/plans/new/", facts | {"sites": [cast.other_site.pk]})
    made = client.post("/plans/new/", facts)
    plan = TaskPlan.objects.get()
    page = client.get(f"/plans/{plan.pk}/")
    client.post(f"/plans/{plan.pk}/edit/", facts | {"name": "双周检"})
    client.post(f"/plans/{plan.pk}/enable/", {"enabled": "false"})

    assert refused.status_code == 400
    assert made.status_code == 302
    days = [due for _starts, due, _made in page.context["days"]]
    assert days[1] - days[0] == timedelta(days=14)
    plan.refresh_from_db()
    assert (plan.name, plan.is_enabled) == ("双周检", False)
    assert plan.tasks.get().title == "双周检"
    assert "已暂停" in client.get("/plans/").content.decode()
    preview = client.get("/plans/preview/", facts | {"every": "x"}).content.decode()
    assert 'id="plan-preview"' in preview
    assert client.get("/plans/new/?team=999").status_code == 404


def test_the_calendar_puts_orders_on_the_readers_day_and_tasks_on_the_sites(cast: People) -> None:
    now = datetime(2026, 11, 20, 6, tzinfo=UTC)
    # Half past midnight of the next day in Shanghai.
    order = make_order(cast=cast, now=now, due_at=datetime(2026, 11, 23, 16, 30, tzinfo=UTC))
    task = make_task(cast=cast, now=now, due_on=date(2026, 11, 23))
    make_task(cast=cast, now=now, due_on=date(2026, 11, 23), state=TaskState.CANCELLED)
    facts: dict[str, Any] = {"user": cast.di, "day": date(2026, 11, 5), "view": "month"}

    found = selectors.calendar(**facts, kinds={"order", "task"}, mine=False, now=now)

    days = {day.day: [item.row for item in day.items] for week in found.weeks for day in week}
    assert (found.first, found.last) == (date(2026, 10, 26), date(2026, 12, 6))
    assert {day: rows for day, rows in days.items() if rows} == {
        date(2026, 11, 23): [task],
        date(2026, 11, 24): [order],
    }
    week = of(cast.di).get("/calendar/?view=week&day=2026-11-24&kind=tasks").content.decode()
    assert task.number in week
    assert order.number not in week
    for query in ("day=0001-01-01", "day=x", "view=year&kind=?", "day=2198-12-31"):
        assert of(cast.di).get(f"/calendar/?{query}").status_code == 200


def test_a_board_move_is_one_edge_at_most() -> None:
    pairs = [(e.source, e.target) for e in LIFE.edges if e.source != e.target]

    assert len(pairs) == len(set(pairs))
    assert selectors.move_between("new", "assigned") == "assign"
    assert selectors.move_between("new", "closed") is None


def test_the_board_counts_all_and_shows_some(cast: People, monkeypatch: Any) -> None:
    monkeypatch.setattr("workorders.selectors.boards.CARDS", 1)
    now = timezone.now()
    for _ in range(3):
        make_order(cast=cast, state=State.ASSIGNED, now=now, due_at=now + timedelta(hours=1))

    page = of(cast.di).get("/orders/board/")

    column = {column.state: column for column in page.context["columns"]}[State.ASSIGNED]
    assert (column.count, column.people, column.most, len(column.cards)) == (3, 1, 3, 1)
    assert "查看全部 3 张" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("task-list", "/tasks/"),
        ("task-detail", "/tasks/{task}/"),
        ("order-board", "/orders/board/"),
        ("calendar", "/calendar/"),
        ("my-work", "/work/"),
        ("plan-list", "/plans/"),
        ("plan-detail", "/plans/{plan}/"),
    ],
)
def test_pages_ask_as_often_for_many_as_for_few(cast: People, name: str, url: str) -> None:
    plan = make_plan(cast, now=timezone.now(), first_due_on=timezone.localdate())
    task = task_now(cast, TaskState.ASSIGNED)
    now = timezone.now()
    address = url.format(task=task.pk, plan=plan.pk)
    order: dict[str, Any] = {"now": now, "due_at": now + timedelta(hours=9)}
    make_order(cast=cast, state=State.ASSIGNED, **order)

    client = of(cast.bo)
    few = queries_of(lambda: client.get(address))
    for _ in range(3):
        task_now(cast, TaskState.ASSIGNED)
        make_order(cast=cast, state=State.ASSIGNED, **order)

    many = queries_of(lambda: client.get(address))

    assert many == few
    check(name, many)

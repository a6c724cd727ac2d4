"""REST of tasks, plans, the month and the calendar."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from sites.tests.clients import api_client
from sites.tests.factories import People, people
from workorders.models import TaskPlan
from workorders.states import TaskState
from workorders.tests.factories import make_order, make_task, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> People:
    return people()


def test_a_task_is_made_assigned_done_with_a_photo_and_accepted(
    cast: People, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    di, bo = api_client(cast.di), api_client(cast.bo)
    due_on = (timezone.localdate() + timedelta(days=3)).isoformat()
    body = {"site": cast.site.pk, "title": "红外测温", "due_on": due_on}

    made = di.post("/api/v1/tasks/", body, format="json")
    url = f"/api/v1/tasks/{made.json()['id']}/"

    def move(client: Any, name: str, **facts: Any) -> Any:
        return client.post(f"{url}moves/", {"move": name} | facts, format="json")

    assert made.status_code == 201
    assert made.json()["number"].startswith("RW-")
    people_found = di.get(f"{url}assignees/").json()["results"]
    assert cast.bo.pk in [person["id"] for person in people_found]
    assert move(di, "assign", assignee=cast.bo.pk, seen="new:").json()["state"] == "assigned"
    assert move(di, "start", seen="new:").json()["code"] == "changed"
    assert move(bo, "accept").status_code == 409
    assert move(bo, "start").json()["state"] == "in_progress"
    refused = move(bo, "finish")
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["result"])
    photo = bo.post(f"{url}photos/", {"file": picture(), "caption": "母排"}, format="multipart")
    assert photo.status_code == 201
    assert bo.get(photo.json()["image_url"])["Content-Type"] == "image/jpeg"
    assert move(bo, "finish", result="正常").json()["moves"] == []
    assert move(di, "accept").json()["state"] == "done"
    assert len(di.get(f"{url}log/").json()["results"]) == 6
    assert api_client(cast.cy).get(url).status_code == 404


def test_a_plan_is_made_changed_and_paused(cast: People) -> None:
    ana = api_client(cast.ana)
    body = {
        "name": "周检",
        "team": cast.team.pk,
        "sites": [cast.site.pk],
        "recurrence": "weekly",
        "first_due_on": (timezone.localdate() + timedelta(days=2)).isoformat(),
    }

    made = ana.post("/api/v1/plans/", body, format="json")
    url = f"/api/v1/plans/{made.json()['id']}/"
    strange = ana.post(
        "/api/v1/plans/", body | {"name": "别处", "sites": [cast.other_site.pk]}, format="json"
    )
    changed = ana.put(url, body | {"every": 2}, format="json")
    paused = ana.patch(url, {"is_enabled": False}, format="json")

    assert made.status_code == 201
    assert [site["id"] for site in made.json()["sites"]] == [cast.site.pk]
    assert len(made.json()["next_due_on"]) == 6
    assert (strange.status_code, list(strange.json()["fields"])) == (400, ["sites"])
    assert changed.json()["every"] == 2
    assert paused.json()["next_due_on"] == []
    assert TaskPlan.objects.get().tasks.count() == 1
    assert ana.get("/api/v1/tasks/?plan=1&nonsense=1").status_code == 400


def test_the_month_and_the_calendar_say_what_the_pages_say(cast: People) -> None:
    now = timezone.now()
    today = timezone.localdate()
    make_task(cast=cast, now=now, due_on=today)
    make_task(cast=cast, now=now, due_on=today, state=TaskState.DONE)
    order = make_order(cast=cast, now=now, due_at=now + timedelta(seconds=1))
    di = api_client(cast.di)

    month = di.get("/api/v1/tasks/month/").json()
    found = di.get("/api/v1/calendar/?view=week&kind=order").json()

    assert (month["total"], month["done"], month["done_percent"]) == (2, 1, 50.0)
    assert {stage["state"]: stage["count"] for stage in month["stages"]}["new"] == 1
    items = [item for day in found["days"] for item in day["items"]]
    assert [(item["kind"], item["id"]) for item in items] == [("order", order.pk)]
    assert len(found["days"]) == 7
    assert di.get("/api/v1/calendar/?day=0001-01-01").status_code == 400

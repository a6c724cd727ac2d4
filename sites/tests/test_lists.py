"""Saved views and chosen columns: whose they are, who may share them, what they show."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from alarms.states import Handling
from alarms.tests.factories import make_alarm, make_rule
from core.errors import Forbidden, Invalid, NotFound
from devices.tests.factories import make_device
from sites import services
from sites.models import ListChoice, SavedView
from sites.services import lists
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


@pytest.fixture
def cast() -> People:
    return people()


def save(user: Any, name: str = "紧急", **facts: Any) -> SavedView:
    given: dict[str, Any] = {"page": "alarms", "query": "view=all&severity=critical", "now": NOW}
    return services.save_view(user=user, name=name, **given | facts)


def test_a_private_view_is_its_owners_alone(cast: People) -> None:
    view = save(cast.di)

    assert list(SavedView.objects.visible_to(cast.di)) == [view]
    assert not SavedView.objects.visible_to(cast.ana).exists()
    with pytest.raises(NotFound):
        services.edit_view(user=cast.ana, view_id=view.pk, name="别名")
    with pytest.raises(NotFound):
        services.set_first_view(user=cast.ana, page="alarms", view_id=view.pk)


def test_only_who_manages_shares_and_only_with_his_own_people(cast: People) -> None:
    cast.di.organisation = cast.ana.organisation
    cast.di.save()

    with pytest.raises(Forbidden):
        save(cast.di, is_shared=True)
    view = save(cast.ana, is_shared=True)

    assert view.organisation_id == cast.ana.organisation_id is not None
    assert list(SavedView.objects.visible_to(cast.di)) == [view]
    assert not SavedView.objects.visible_to(cast.cy).exists()
    with pytest.raises(Forbidden):
        services.delete_view(user=cast.di, view_id=view.pk)
    services.edit_view(user=cast.ana, view_id=view.pk, is_shared=False)
    assert not SavedView.objects.visible_to(cast.di).exists()


def test_names_are_told_apart_and_limited(cast: People, monkeypatch: pytest.MonkeyPatch) -> None:
    save(cast.di)

    for name in ("紧急", " ", "长" * 41):
        with pytest.raises(Invalid):
            save(cast.di, name)
    with pytest.raises(NotFound):
        save(cast.di, "x", page="nowhere")
    monkeypatch.setattr(lists, "VIEWS_AT_MOST", 1)
    with pytest.raises(Invalid):
        save(cast.di, "第二个")


def test_what_cannot_be_kept_of_a_view_is_refused_or_left_out(cast: People, client: Client) -> None:
    client.force_login(cast.di)
    client.post("/lists/alarms/views/", {"name": "a", "next": "/alarms/?ordering=%00"})
    assert SavedView.objects.get().ordering == ""

    # Each of these letters is nine of the address.
    with pytest.raises(Invalid):
        save(cast.di, query=f"q={'测' * 300}")
    # More parameters than anybody means, but no more than fit.
    many = "&".join(["q=1"] * 200)
    assert save(cast.di, query=many).query == many


def test_a_view_keeps_what_is_looked_for_and_not_the_page(cast: People) -> None:
    view = save(
        cast.di,
        query="severity=critical&page=7&saved=3&export=csv",
        columns=["number", "nonsense", "alarm"],
        ordering="-updated_at",
    )

    assert view.query == "severity=critical"
    assert view.columns == ["number", "alarm"]
    assert view.address == (
        f"severity=critical&ordering=-updated_at&columns=number%2Calarm&saved={view.pk}"
    )


def test_views_are_saved_shown_and_removed_by_plain_posts(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    critical = make_alarm(device=device, rule=make_rule(severity="critical"))
    make_alarm(device=device, rule=make_rule(severity="minor"))
    client.force_login(cast.di)

    saved = client.post(
        "/lists/alarms/views/",
        {
            "name": "要紧的",
            "next": "/alarms/?severity=critical&ordering=-updated_at&page=1",
            "is_first": "on",
        },
        follow=True,
    )
    first = client.get("/alarms/", follow=True)

    view = SavedView.objects.get()
    for response in (saved, first):
        shown = response.context["list"]
        assert shown.current_view == view
        assert [line.pk for line in shown.lines] == [critical.pk]
    refused = client.post(
        "/lists/alarms/views/", {"name": "要紧的", "next": "/alarms/"}, follow=True
    )
    assert "您已有同名的视图。" in refused.content.decode()
    client.post(f"/views/{view.pk}/delete/", {"next": "/alarms/"})
    assert client.get("/alarms/").status_code == 200
    assert not SavedView.objects.exists()


def test_columns_are_chosen_and_reset(cast: People, client: Client) -> None:
    make_alarm(site=cast.site, handling=Handling.VERIFIED)
    client.force_login(cast.di)

    def columns() -> list[str]:
        return [column.key for column in client.get("/alarms/").context["list"].columns]

    usual = columns()
    client.post("/lists/alarms/columns/", {"column": ["number", "severity", "x"]})
    assert columns() == ["alarm", "number", "severity"]  # the fixed one is always there
    assert ListChoice.objects.get().columns == ["number", "severity"]
    client.post("/lists/alarms/columns/", {"column": ["number"], "reset": "1"})
    assert columns() == usual


def test_sorting_sizes_and_nonsense(cast: People, client: Client) -> None:
    device = make_device(site=cast.site)
    for severity in ("minor", "critical", "major"):
        make_alarm(device=device, rule=make_rule(severity=severity))
    client.force_login(cast.di)

    def look(query: str) -> Any:
        return client.get(f"/alarms/?{query}").context["list"]

    heads = {head.column.key: head for head in look("").heads}
    assert (heads["severity"].aria, heads["severity"].order) == ("ascending", "-severity")
    assert heads["raised"].order == "-last_raised_at"
    assert [line.alarm.severity for line in look("ordering=-severity").lines] == [
        "minor",
        "major",
        "critical",
    ]
    assert look("page_size=25").page.paginator.per_page == 25
    assert look("page_size=7&page=abc&columns=,,&saved=x").page.paginator.per_page == 50


def test_the_profile_lists_ones_views_and_the_shared_ones(cast: People, client: Client) -> None:
    cast.di.organisation = cast.ana.organisation
    cast.di.save()
    own = save(cast.di, "我的紧急")
    shared = save(cast.ana, "大家的", page="orders", query="", is_shared=True)
    save(cast.cy, "别人的")
    client.force_login(cast.di)

    client.post("/lists/alarms/first-view/", {"view": own.pk, "next": "/profile/"})
    found = client.get("/profile/")

    assert [(one.spec.key, one.views, one.first_id) for one in found.context["views_of_lists"]] == [
        ("alarms", [own], own.pk),
        ("orders", [shared], None),
    ]
    page = found.content.decode()
    assert f"/alarms/?view=all&amp;severity=critical&amp;saved={own.pk}" in page
    assert f"/views/{own.pk}/edit/" in page
    assert f"/views/{shared.pk}/edit/" not in page
    renamed = client.post(f"/views/{own.pk}/edit/", {"name": "要紧", "next": "/profile/"})
    assert renamed["Location"] == "/profile/"
    own.refresh_from_db()
    assert own.name == "要紧"

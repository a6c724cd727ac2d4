"""The admin by role: what an administrator, a manager on the staff and others see and may change."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sites import services
from sites.models import (
    ApiToken,
    Circuit,
    Enterprise,
    Grant,
    Room,
    Site,
    Team,
    User,
    access_for,
)
from sites.rules import Ability, DataClass, Role
from sites.tests.factories import (
    LONG_AGO,
    People,
    make_circuit,
    make_enterprise,
    make_grant,
    make_room,
    make_site,
    make_team,
    make_transformer,
    make_user,
    people,
)

pytestmark = pytest.mark.django_db

MODELS = [model for model in admin.site._registry if model._meta.app_label == "sites"]
ADDABLE = [
    model for model in MODELS if model.__name__ not in {"ApiToken", "SignInRefusal", "NumberSeries"}
]


@pytest.fixture
def cast() -> People:
    return people()


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:sites_{model.__name__.lower()}_{page}", args=args)


def fields_of(page: HttpResponse) -> dict[str, str]:
    """What a browser would send back if nothing was changed."""
    form = page.context["adminform"].form
    sent: dict[str, Any] = {}
    bound = [form[name] for name in form.fields]
    for formset in page.context["inline_admin_formsets"]:
        management = formset.formset.management_form
        bound += [management[name] for name in management.fields]
        bound += [row[name] for row in formset.formset.initial_forms for name in row.fields]
    for field in bound:
        value = field.value()
        if hasattr(field.field, "widget") and hasattr(field.field.widget, "decompress"):
            parts = field.field.widget.decompress(value)
            for number, part in enumerate(parts):
                sent[f"{field.html_name}_{number}"] = "" if part is None else str(part)
        elif value is not None and value is not False:
            sent[field.html_name] = value
    return sent


def save(client: Client, address: str, /, **changes: Any) -> HttpResponse:
    """Open a form, change some fields, send it."""
    return client.post(address, fields_of(client.get(address)) | changes)


def errors(answer: HttpResponse) -> str:
    return str(answer.context["errors"]) if answer.status_code == 200 else ""


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_an_administrator_opens_every_page(cast: People, model: Any, language: str) -> None:
    make_circuit(transformer=make_transformer(room=make_room(site=cast.site)))
    services.take_numbers(prefix="GD", day=timezone.now().date())
    services.issue_token(user=cast.bo, device_id="phone", device_name="", now=timezone.now())
    services.record_refusal(
        username="x", ip="::1", door="web", reason="password", now=timezone.now()
    )
    client = browser(cast.adm)
    client.cookies["django_language"] = language

    listed = client.get(url(model, "changelist"), {"q": "1"})
    opened = client.get(url(model, "change", model.objects.first().pk))
    adding = client.get(url(model, "add"))

    assert (listed.status_code, opened.status_code) == (200, 200)
    assert adding.status_code == (200 if model in ADDABLE else 403)
    word = "Dianwu" if language == "en" else "智慧电务"
    assert word in listed.content.decode() or language == "en"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_people_who_are_not_staff_do_not_come_in(cast: People, model: Any) -> None:
    for user in (cast.bo, cast.ed, cast.gu):
        for page in ("changelist", "add"):
            answer = browser(user).get(url(model, page))
            assert answer.status_code in {302, 403}
            if answer.status_code == 302:
                assert browser(user).get(answer["Location"]).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_staff_without_grants_see_an_empty_house(model: Any) -> None:
    client = browser(make_user(is_staff=True))

    assert client.get("/admin/").status_code == 200
    for page in ("changelist", "add"):
        assert client.get(url(model, page)).status_code == 403


def test_nobody_is_sent_to_our_own_sign_in_page(client: Client) -> None:
    answer = client.get("/admin/sites/site/", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 302


def test_a_manager_sees_only_his_places(cast: People) -> None:
    mine = make_circuit(transformer=make_transformer(room=make_room("我的", site=cast.site)))
    theirs = make_circuit(
        transformer=make_transformer(room=make_room("别人的", site=cast.other_site))
    )
    client = browser(cast.ana)

    for own, other in (
        (cast.site, cast.other_site),
        (cast.enterprise, cast.other_site.enterprise),
        (mine.room, theirs.room),
        (mine.transformer, theirs.transformer),
        (mine, theirs),
        (cast.team, cast.other_site.team),
    ):
        page = client.get(url(type(own), "changelist")).context["cl"]
        assert list(page.queryset) == [own]
        assert client.get(url(type(own), "change", own.pk)).status_code == 200
        for action in ("change", "delete", "history"):
            answer = client.get(url(type(own), action, other.pk))
            assert answer.status_code in {302, 403}, action
            assert other.name not in answer.content.decode()


def test_filters_name_no_places_of_others(cast: People) -> None:
    page = browser(cast.ana).get(url(Site, "changelist")).content.decode()

    assert "一班" in page
    assert "外地班组" not in page


def test_completion_offers_no_places_of_others(cast: People) -> None:
    def offered(model: str, field: str) -> list[str]:
        answer = browser(cast.ana).get(
            "/admin/autocomplete/",
            {"app_label": "sites", "model_name": model, "field_name": field, "term": ""},
        )
        return [row["text"] for row in answer.json()["results"]]

    assert offered("room", "site") == [cast.site.name]
    assert offered("site", "team") == [cast.team.name]
    assert offered("site", "enterprise") == [cast.enterprise.name]


def test_a_manager_keeps_his_site(cast: People) -> None:
    client = browser(cast.ana)
    address = url(Site, "change", cast.site.pk)

    assert save(client, address, name="新名称", team=cast.team.pk).status_code == 302
    refused = save(client, address, team=cast.other_site.team.pk)
    assert "team" in refused.context["adminform"].form.errors
    save(client, address, number="HACK", enterprise=cast.other_site.enterprise.pk)

    cast.site.refresh_from_db()
    assert (cast.site.name, cast.site.team) == ("新名称", cast.team)
    assert cast.site.enterprise == cast.enterprise
    assert cast.site.number != "HACK"
    assert client.get(url(Site, "add")).status_code == 403
    assert client.post(url(Site, "delete", cast.site.pk), {"post": "yes"}).status_code == 403


def test_a_manager_does_not_move_an_enterprise_to_another_compartment(cast: People) -> None:
    client = browser(cast.ana)
    town = cast.town

    answer = save(
        client,
        url(Enterprise, "change", cast.enterprise.pk),
        town="",
        department="",
        contact_name="王工",
    )

    assert answer.status_code == 302
    cast.enterprise.refresh_from_db()
    assert (cast.enterprise.contact_name, cast.enterprise.town) == ("王工", town)
    assert cast.enterprise.department == cast.department


def test_a_manager_builds_rooms_and_circuits_at_home_only(cast: People) -> None:
    client = browser(cast.ana)
    rows = {"transformers": 0, "circuits": 1}
    body: dict[str, Any] = {"name": "二号", "kind": "room", "site": cast.site.pk}
    for prefix, count in rows.items():
        body |= {f"{prefix}-TOTAL_FORMS": count, f"{prefix}-INITIAL_FORMS": 0}
    body |= {"circuits-0-name": "进线", "circuits-0-code": "P1", "circuits-0-kind": "incomer"}

    refused = client.post(url(Room, "add"), body | {"site": cast.other_site.pk})
    foreign = make_transformer(room=make_room(site=cast.site))
    mixed = client.post(url(Room, "add"), body | {"circuits-0-transformer": foreign.pk})
    made = client.post(url(Room, "add"), body)

    assert "site" in refused.context["adminform"].form.errors
    assert mixed.status_code == 200
    assert "同一配电室" in errors(mixed)
    assert made.status_code == 302
    room = Room.objects.get(name="二号")
    assert room.site == cast.site
    assert room.circuits.get().code == "P1"


def test_a_room_stays_at_its_site(cast: People) -> None:
    room = make_room(site=cast.site)
    other = make_site()

    save(browser(cast.adm), url(Room, "change", room.pk), site=other.pk)

    room.refresh_from_db()
    assert room.site == cast.site


def test_a_ring_made_in_one_form_is_told_not_crashed(cast: People) -> None:
    room = make_room(site=cast.site)
    first, second = make_circuit(room=room), make_circuit(room=room)
    client = browser(cast.ana)
    address = url(Room, "change", room.pk)

    by_id = {first.pk: second.pk, second.pk: first.pk}
    page = client.get(address)
    body = fields_of(page)
    for number in range(2):
        body[f"circuits-{number}-parent"] = by_id[int(body[f"circuits-{number}-id"])]
    answer = client.post(address, body, follow=True)

    assert answer.status_code == 200
    assert "没有保存" in answer.content.decode()
    assert set(Circuit.objects.values_list("parent", flat=True)) == {None}


def test_a_link_out_of_ones_hands_is_left_alone() -> None:
    enterprise = make_enterprise()
    site = make_site(enterprise=enterprise, team=make_team("别家班组"))
    user = make_user(is_staff=True)
    make_grant(user, Role.MANAGER, enterprise)

    answer = save(browser(user), url(Site, "change", site.pk), address="新址", team="")

    assert answer.status_code == 302
    site.refresh_from_db()
    assert (site.address, site.team.name) == ("新址", "别家班组")


def test_a_viewer_on_the_staff_changes_nothing(cast: People) -> None:
    cast.gu.is_staff = True
    cast.gu.save()

    assert browser(cast.gu).get(url(Site, "change", cast.site.pk)).status_code == 403


def test_names_are_text_and_never_markup(cast: People) -> None:
    cast.site.name = cast.site.name_en = "<script>alert(1)</script>"
    cast.site.save()
    room = make_room("<img src=x onerror=alert(2)>", site=cast.site)

    for address in (
        url(Site, "changelist"),
        url(Site, "change", cast.site.pk),
        url(Room, "changelist"),
        url(Room, "change", room.pk),
        url(Enterprise, "change", cast.enterprise.pk),
    ):
        text = browser(cast.adm).get(address).content.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "alert(" in text


def grant_body(**facts: Any) -> dict[str, Any]:
    now = timezone.localtime()
    return {
        "role": Role.TECHNICIAN.value,
        "scope_kind": "site",
        "data_classes": [choice.value for choice in DataClass],
        "starts_at_0": now.strftime("%Y-%m-%d"),
        "starts_at_1": now.strftime("%H:%M:%S"),
    } | facts


def test_an_administrator_grants_and_ends(cast: People) -> None:
    newcomer = make_user("newcomer")
    client = browser(cast.adm)

    made = client.post(url(Grant, "add"), grant_body(user=newcomer.pk, site=cast.site.pk))
    assert made.status_code == 302, errors(made)
    row = newcomer.grants.get()
    page = client.get(url(Grant, "change", row.pk)).content.decode()
    assert "变更记录" in page
    assert "Adm" in page
    assert access_for(User.objects.get(pk=newcomer.pk)).can(Ability.WORK_ORDER, cast.site)

    client.post(url(Grant, "changelist"), {"action": "end_now", "_selected_action": [row.pk]})

    row.refresh_from_db()
    assert row.ends_at is not None
    assert not access_for(User.objects.get(pk=newcomer.pk)).holdings
    assert LogEntry.objects.filter(object_id=str(row.pk), user=cast.adm).count() == 2
    assert client.post(url(Grant, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_grant_is_given_for_ever_and_only_shortened(cast: People) -> None:
    row = make_grant(make_user(), Role.ENTERPRISE, cast.site)
    client = browser(cast.adm)
    address = url(Grant, "change", row.pk)
    tomorrow = timezone.localtime() + timedelta(days=1)

    def ending(moment: Any) -> HttpResponse:
        return save(
            client,
            address,
            role="administrator",
            ends_at_0=moment.strftime("%Y-%m-%d"),
            ends_at_1=moment.strftime("%H:%M:%S"),
        )

    assert ending(tomorrow - timedelta(days=2)).status_code == 200
    assert ending(tomorrow).status_code == 302
    assert ending(tomorrow + timedelta(days=1)).status_code == 200

    row.refresh_from_db()
    assert (row.role, row.ends_at) == (Role.ENTERPRISE, tomorrow.replace(microsecond=0))


@pytest.mark.parametrize(
    "facts",
    [
        {"scope_kind": "site"},
        {"scope_kind": "platform"},
        {"scope_kind": "town"},
        {"data_classes": []},
        {"role": "king"},
    ],
)
def test_a_wrong_grant_is_told(cast: People, facts: dict[str, Any]) -> None:
    body = grant_body(user=make_user().pk, site=cast.site.pk) | facts
    if facts == {"scope_kind": "site"}:
        del body["site"]

    answer = browser(cast.adm).post(url(Grant, "add"), body)

    assert answer.status_code == 200
    assert errors(answer)


def test_a_local_administrator_grants_at_home_only(cast: People) -> None:
    local = make_user("local", is_staff=True)
    make_grant(local, Role.ADMINISTRATOR, cast.organisation)
    client = browser(local)
    foreign = make_grant(make_user(), Role.TECHNICIAN, cast.other_site)

    at_home = client.post(url(Grant, "add"), grant_body(user=cast.bo.pk, site=cast.site.pk))
    outside = client.post(url(Grant, "add"), grant_body(user=cast.bo.pk, site=cast.other_site.pk))
    town = client.post(
        url(Grant, "add"), grant_body(user=cast.bo.pk, scope_kind="town", town=cast.town.pk)
    )
    stranger = client.post(url(Grant, "add"), grant_body(user=cast.cy.pk, site=cast.site.pk))

    assert at_home.status_code == 302, errors(at_home)
    assert [answer.status_code for answer in (outside, town, stranger)] == [200, 200, 200]
    assert not cast.cy.grants.filter(site=cast.site).exists()
    assert foreign not in client.get(url(Grant, "changelist")).context["cl"].queryset
    assert client.get(url(Grant, "change", foreign.pk)).status_code == 302
    client.post(url(Grant, "changelist"), {"action": "end_now", "_selected_action": [foreign.pk]})
    foreign.refresh_from_db()
    assert foreign.ends_at is None
    assert client.get(url(User, "change", cast.bo.pk)).status_code == 200
    assert client.post(url(User, "change", cast.bo.pk), {"username": "x"}).status_code == 403


def test_a_user_is_made_with_a_password_and_then_granted(cast: People) -> None:
    client = browser(cast.adm)
    body = {
        "username": "xin",
        "password1": "correct horse 9",
        "password2": "correct horse 9",
        "name": "新人",
    }

    assert client.post(url(User, "add"), body | {"username": "BO"}).status_code == 200
    made = client.post(url(User, "add"), body)
    xin = User.objects.get(username="xin")
    row = {
        f"grants-0-{name}": value
        for name, value in grant_body(scope_kind="team", team=cast.team.pk).items()
    }
    granted = save(client, made["Location"], **row, **{"grants-TOTAL_FORMS": 1})

    assert granted.status_code == 302, errors(granted)
    assert xin.check_password("correct horse 9")
    assert not xin.is_staff
    grant = xin.grants.get()
    assert (grant.scope, grant.role) == (cast.team, Role.TECHNICIAN)
    assert client.post(url(User, "delete", xin.pk), {"post": "yes"}).status_code == 403


def test_only_a_superuser_touches_superusers(cast: People) -> None:
    root = make_user("root", is_superuser=True, is_staff=True)

    assert "is_superuser" not in fields_of(browser(cast.adm).get(url(User, "change", cast.bo.pk)))
    save(browser(cast.adm), url(User, "change", cast.bo.pk), is_superuser="on")
    refused = browser(cast.adm).post(f"/admin/sites/user/{root.pk}/password/", {})
    save(browser(root), url(User, "change", cast.di.pk), is_superuser="on")

    assert refused.status_code == 403
    assert browser(cast.adm).post(url(User, "change", root.pk), {}).status_code == 403
    cast.bo.refresh_from_db()
    cast.di.refresh_from_db()
    assert (cast.bo.is_superuser, cast.di.is_superuser) == (False, True)


def test_an_administrator_switches_a_lost_second_step_off(cast: People) -> None:
    TOTP.activate(cast.bo, generate_totp_secret())
    root = make_user(is_superuser=True)
    TOTP.activate(root, generate_totp_secret())

    browser(cast.adm).post(
        url(User, "changelist"),
        {"action": "switch_off_second_step", "_selected_action": [cast.bo.pk, root.pk]},
    )

    assert [row.user for row in Authenticator.objects.all()] == [root]


def test_an_administrator_revokes_a_token(cast: People) -> None:
    token, _plain = services.issue_token(
        user=cast.bo, device_id="phone", device_name="", now=LONG_AGO
    )

    browser(cast.adm).post(
        url(ApiToken, "changelist"), {"action": "revoke", "_selected_action": [token.pk]}
    )

    token.refresh_from_db()
    assert token.revoked_at is not None


def test_what_django_would_show_beside_ours_is_gone(cast: People) -> None:
    page = browser(cast.adm).get("/admin/").content.decode()

    for gone in ("auth/group", "account/emailaddress", "mfa/authenticator"):
        assert gone not in page
    form = browser(cast.adm).get(url(User, "change", cast.bo.pk)).content.decode()
    assert 'name="groups"' not in form
    assert 'name="user_permissions"' not in form


def test_lists_do_not_ask_once_per_row(cast: People, django_assert_max_num_queries: Any) -> None:
    client = browser(cast.ana)
    for _number in range(5):
        make_circuit(transformer=make_transformer(room=make_room(site=cast.site)))
    for model in (Site, Room, Circuit, Enterprise, Team):
        client.get(url(model, "changelist"))
        with django_assert_max_num_queries(13):
            client.get(url(model, "changelist"))

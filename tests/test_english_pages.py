"""Pages in English hold no Chinese but what the rows of the database say."""

import re
from html import unescape

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from alarms.states import Condition
from sites.models import Site, Team, User
from sites.rules import Role
from tests import permission_world
from tests.permission_world import World

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+")
# The names of languages, each in itself.
OWN_NAMES = {"中文", "简体中文"}


def words_of_rows() -> str:
    """Everything that rows say: what people wrote, and what ships as data."""
    return "\n".join(
        str(getattr(row, field.attname))
        for model in apps.get_models()
        for row in model._default_manager.all()
        for field in model._meta.concrete_fields
    )


def _pages(world: World) -> list[str]:
    device, site = world.device.pk, world.site.pk
    return [
        reverse("reports:hall"),
        reverse("reports:site-list") + "?condition=abnormal",
        reverse("reports:site-detail", args=[site]),
        reverse("reports:live") + f"?device={device}",
        reverse("reports:live") + "?q=x&link=offline",
        reverse("reports:curves-drawer") + f"?point={device}:Ua&range=24h",
        reverse("reports:curves") + f"?point={device}:Ua&point={device}:EPI&compare=day",
        reverse("reports:curves") + f"?point={world.derived.word}&range=1h",
        reverse("devices:derived-list", args=[site]),
        reverse("devices:derived-add", args=[site]),
        reverse("devices:derived-edit", args=[world.derived.pk]),
        reverse("devices:derived-inputs", args=[device]),
        reverse("alarms:alarm-list") + f"?condition={Condition.ACTIVE}&severity=major",
        reverse("alarms:alarm-list") + "?severity=nothing",
        *(
            reverse("alarms:alarm-detail", args=[alarm.pk])
            for alarm in (world.alarm, world.verified_alarm, world.recovered_alarm)
        ),
        reverse("workorders:order-list") + "?kind=repair&kind=defect",
        *(reverse("workorders:order-detail", args=[o.pk]) for o in world.orders.values()),
        reverse("workorders:order-create"),
        reverse("workorders:order-create") + f"?site={site}",
        reverse("reports:template-list") + "?use=behind&confidence=assumed",
        *(
            reverse("reports:template-detail", args=[world.device.template_version.template.key])
            + f"?tab={tab}"
            for tab in ("registers", "blocks", "limits", "versions")
        ),
        *(
            reverse(f"devices:template-{what}", args=[world.device.template_version.template.key])
            for what in ("compare", "move")
        ),
        reverse("sites:profile"),
        reverse("mfa_index"),
        reverse("reports:about"),
        reverse("reports:search") + "?q=nothing-of-this-name",
        reverse("reports:notices"),
        reverse("reports:collection"),
        reverse("api-docs"),
        reverse("api-docs-group", args=["alarms"]),
        reverse("reports:completeness-help"),
        reverse("reports:site-gaps", args=[site]),
        reverse("reports:site-quality", args=[site]),
        reverse("devices:repair", args=[device]),
        reverse("reports:device-collection", args=[device]),
        reverse("reports:state-diagrams"),
        reverse("jsi18n"),
        reverse("admin:index"),
        *(
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            for model in admin.site._registry
        ),
        "/no-such-page/",
    ]


def _reader(world: World) -> Client:
    """An administrator who reads English."""
    person = world.cast.by_role()[Role.ADMINISTRATOR]
    User.objects.filter(pk=person.pk).update(language=User.Language.EN)
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    return client


def test_english_pages_hold_no_chinese_of_their_own() -> None:
    world = permission_world.build()
    client, rows = _reader(world), words_of_rows()
    strange = {}
    for page in [*_pages(world), reverse("account_login")]:
        if page == reverse("account_login"):
            client.logout()
            client.cookies["django_language"] = "en"
        answer = client.get(page)
        assert answer.status_code in {200, 404}, page
        # Examples of the API hold what people wrote.
        page_text = re.sub(r"<pre.*?</pre>", "", answer.content.decode(), flags=re.DOTALL)
        found = set(CHINESE.findall(unescape(page_text))) - OWN_NAMES
        strange[page] = {words for words in found if words not in rows}
    assert {page: words for page, words in strange.items() if words} == {}


def test_names_are_in_the_language_of_the_reader() -> None:
    world = permission_world.build()
    Site.objects.filter(pk=world.site.pk).update(name_en="North plant")
    Team.objects.filter(pk=world.cast.team.pk).update(name_en="Team one")
    page = _reader(world).get(reverse("reports:site-detail", args=[world.site.pk]))
    assert "North plant" in page.content.decode()
    assert "Team one" in page.content.decode()

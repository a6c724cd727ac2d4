"""The admin: rules for who manages them, overrides within one's scope, alarms only to look at."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from alarms.models import Alarm, RuleOverride
from alarms.tests.factories import make_alarm, make_rule
from devices.tests.factories import make_device
from sites.models import User
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

RULES, OVERRIDES, ALARMS = (
    f"/admin/alarms/{table}/" for table in ("rule", "ruleoverride", "alarm")
)


@pytest.fixture
def cast() -> People:
    return people()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def override_form(**facts: Any) -> dict[str, Any]:
    blank = ("site", "device", "threshold", "reset", "delay_s", "reset_delay_s", "severity",
             "is_enabled", "note")  # fmt: skip
    return dict.fromkeys(blank, "") | {"is_enabled": "unknown"} | facts


def test_rules_are_edited_by_who_manages_them_everywhere(cast: People) -> None:
    rule = make_rule("IR", threshold=300.0)
    page = f"{RULES}{rule.pk}/change/"
    form = {
        "name": rule.name, "name_en": rule.name_en, "severity": "critical", "is_enabled": "on",
        "kind": "limit", "level": "h", "point_codes": "IR", "measure": "each",
        "basis": "absolute", "threshold": "500", "reset": "600", "delay_s": "5",
        "reset_delay_s": "5", "overrides-TOTAL_FORMS": "0", "overrides-INITIAL_FORMS": "0",
    }  # fmt: skip
    adm, ana = signed_in(cast.adm), signed_in(cast.ana)

    refused = adm.post(page, form)
    assert "返回值必须在限值的正常一侧" in refused.content.decode()
    assert adm.post(page, form | {"reset": "400"}).status_code == 302
    rule.refresh_from_db()
    assert (rule.key, rule.threshold, rule.severity) == ("IR", 500.0, "critical")

    assert ana.get(page).status_code == 200
    ana.post(page, form | {"reset": "300"})
    rule.refresh_from_db()
    assert rule.reset == 400.0
    assert signed_in(cast.di).get(RULES).status_code == 302


def test_overrides_stay_within_ones_scope(cast: People) -> None:
    rule = make_rule("IR")
    mine, foreign = make_device(site=cast.site), make_device(site=cast.other_site)
    theirs = RuleOverride.objects.create(rule=rule, device=foreign, threshold=100.0)
    ana = signed_in(cast.ana)

    made = ana.post(
        f"{OVERRIDES}add/", override_form(rule=rule.pk, device=mine.pk, threshold="200")
    )
    refused = ana.post(f"{OVERRIDES}add/", override_form(rule=rule.pk, site=cast.other_site.pk))
    both = ana.post(
        f"{OVERRIDES}add/", override_form(rule=rule.pk, device=mine.pk, site=cast.site.pk)
    )

    assert made.status_code == 302
    assert RuleOverride.objects.get(device=mine).threshold == 200.0
    assert (refused.status_code, both.status_code) == (200, 200)
    assert RuleOverride.objects.count() == 2
    assert ana.get(f"{OVERRIDES}{theirs.pk}/change/").status_code == 302
    assert foreign.name not in ana.get(OVERRIDES).content.decode()
    assert foreign.name not in ana.get(f"{RULES}{rule.pk}/change/").content.decode()


def test_alarms_are_shown_with_their_log_and_written_by_nobody(cast: People) -> None:
    alarm = make_alarm(site=cast.site, handling="verified")
    page = f"{ALARMS}{alarm.pk}/"
    adm, cy = signed_in(cast.adm), signed_in(cast.cy)

    assert alarm.number in adm.get(ALARMS).content.decode()
    assert "电缆受潮" in adm.get(f"{page}change/").content.decode()
    assert adm.post(f"{page}change/", {"handling": "archived"}).status_code == 403
    assert adm.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert adm.get(f"{ALARMS}add/").status_code == 403
    assert alarm.number not in cy.get(ALARMS).content.decode()
    assert cy.get(f"{page}change/").status_code == 302
    assert Alarm.objects.get(pk=alarm.pk).handling == "verified"

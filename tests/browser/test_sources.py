"""A platform is connected by hand: made, handed its key, heard over HTTP, shown and judged."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from alarms.tests.factories import make_rule
from devices.models import DataSource, Device
from tests.browser.world import World
from tests.browsing import Visit

pytestmark = pytest.mark.slow


def post(url: str, key: str, *samples: dict[str, Any]) -> Any:
    """As a platform would: nothing of ours in between but the server."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{url}/api/v1/ingest/",
        json.dumps({"samples": samples}).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def test_from_the_form_to_the_alarm(world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana)

    page = ana.open("/gateways/")
    page.locator(".page-head").get_by_role("link", name="数据源").click()
    page.get_by_role("link", name="添加数据源").click()
    page.locator("main").get_by_role("link", name=world.cast.site.label).click()
    page.fill("[name=name]", "能耗平台")
    page.get_by_role("button", name="添加并显示密钥").click()
    key = page.locator("[aria-labelledby=h-key] code").inner_text()
    source = DataSource.objects.get(name="能耗平台")
    device = world.source.devices.get()
    Device.objects.filter(pk=device.pk).update(source=source)
    make_rule("PUSHED", name="推送越限", point_codes=["T1"], delay_s=0)
    now = timezone.now()
    told = post(
        ana.url,
        key,
        {"device": device.pk, "at": now.isoformat(), "values": {"T1": 512.0}},
        {"device": "nobody", "at": now.isoformat(), "values": {"T1": 1}},
    )

    assert [each["verdict"] for each in told["results"]] == ["stored", "refused"]
    page = ana.open(f"/sources/{source.pk}/")
    expect(page.locator("main")).not_to_contain_text(key)
    expect(page.locator("[aria-labelledby=h-refusals]")).to_contain_text("没有此设备")
    expect(page.locator("[aria-labelledby=h-fed]")).to_contain_text("在线")
    page = ana.open("/alarms/")
    expect(page.locator("tr[data-row]", has_text="推送越限")).to_contain_text("512")
    page = ana.open(f"/live/?device={device.pk}")
    expect(page.locator("main")).to_contain_text("512")
    assert ana.complaints() == []


def test_another_key_and_the_switch(world: World, visit: Visit) -> None:
    ana = visit(world.cast.ana)
    page = ana.open(f"/sources/{world.source.pk}/")

    page.get_by_role("button", name="更换密钥").click()
    page.locator("#ask [data-ask-act]").click()
    key = page.locator("[aria-labelledby=h-key] code").inner_text()
    assert key.startswith(DataSource.objects.get(pk=world.source.pk).key_hint)
    page = ana.open(f"/sources/{world.source.pk}/")
    page.get_by_role("button", name="停用").click()
    expect(page.locator("#ask")).to_contain_text("全部被拒绝")
    page.locator("#ask [data-ask-act]").click()
    expect(page.locator(".page-head")).to_contain_text("已停用")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        post(ana.url, key, {})

"""Lost communication: one alarm for one fault, each ended by its own truth."""

from __future__ import annotations

from typing import Any

import pytest

from alarms import services, tasks
from alarms.models import Alarm, AlarmLog, Rule, RuleOverride
from alarms.rules.links import DeviceLink, GatewayLink, Verdict, judge
from alarms.services import links
from alarms.states import Condition
from alarms.tests.factories import make_rule
from alarms.tests.samples import at
from devices.models import Device, Gateway
from devices.services.links import Verdict as LinkVerdict
from devices.services.links import decide
from devices.tests.factories import make_bus, make_device, make_gateway
from sites.models import Site
from sites.tests.factories import make_site

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _link_rules() -> None:
    for key, severity in [("DEV_OFF", "minor"), ("GW_OFF", "minor"), ("SITE_OFF", "major")]:
        make_rule(
            key, kind="link", level="", point_codes=[], threshold=None, reset=None,
            severity=severity,
        )  # fmt: skip


@pytest.fixture
def site() -> Site:
    """Two gateways with two devices each, all online."""
    site = make_site()
    for _gateway in range(2):
        bus = make_bus(gateway=make_gateway(site=site, is_online=True))
        for _device in range(2):
            make_device(bus=bus, is_online=True)
    return site


def gateways(site: Site) -> list[Gateway]:
    return list(site.gateways.order_by("pk"))


def devices(site: Site) -> list[Device]:
    return list(site.devices.order_by("pk"))


def answer(things: list[Any], *, is_online: bool | None, seconds: float = 0) -> None:
    """Let links change as the poll worker would write it, and the rules hear of it."""
    for thing in things:
        type(thing).objects.filter(pk=thing.pk).update(
            is_online=is_online, link_changed_at=at(seconds)
        )
    sites = {thing.site_id for thing in things}
    links.evaluate(site_ids=sites, now=at(seconds))


def found(condition: str = Condition.ACTIVE) -> set[tuple[str, int]]:
    rows = Alarm.objects.filter(condition=condition)
    return set(rows.values_list("rule__key", "scope_id"))


def test_silent_device_is_raised_and_recovers(site: Site) -> None:
    device = devices(site)[0]

    answer([device], is_online=False)
    assert found() == {("DEV_OFF", device.pk)}
    alarm = Alarm.objects.get()
    assert (alarm.device, alarm.gateway, alarm.site) == (device, None, site)
    assert (alarm.point_code, alarm.value, alarm.severity) == ("", None, "minor")
    answer([device], is_online=True, seconds=60)

    alarm.refresh_from_db()
    assert (alarm.condition, alarm.recovered_at) == (Condition.RECOVERED, at(60))


def test_silent_gateway_is_one_alarm(site: Site) -> None:
    gateway = gateways(site)[0]

    answer([gateway, *devices(site)[:2]], is_online=False)

    assert found() == {("GW_OFF", gateway.pk)}
    alarm = Alarm.objects.get()
    assert (alarm.scope_kind, alarm.gateway, alarm.device) == ("gateway", gateway, None)


def test_silent_site_is_one_alarm(site: Site) -> None:
    answer([*gateways(site), *devices(site)], is_online=False)

    assert found() == {("SITE_OFF", site.pk)}
    assert Alarm.objects.get().severity == "major"


def test_site_with_live_gateways_and_no_device_is_silent_too(site: Site) -> None:
    answer(devices(site), is_online=False)

    assert found() == {("SITE_OFF", site.pk)}


def test_what_was_down_before_the_site_ends_by_its_own_truth(site: Site) -> None:
    first, second, *others = devices(site)
    answer([first], is_online=False)
    answer([second, *others], is_online=False, seconds=10)
    assert found() == {("DEV_OFF", first.pk), ("SITE_OFF", site.pk)}

    answer([first], is_online=True, seconds=20)
    assert found() == {("DEV_OFF", pk) for pk in (second.pk, *(d.pk for d in others))}
    assert found(Condition.RECOVERED) == {("DEV_OFF", first.pk), ("SITE_OFF", site.pk)}
    answer([second, *others], is_online=True, seconds=30)

    assert not found()


def test_gateway_that_comes_back_without_a_device_leaves_that_device(site: Site) -> None:
    gateway, device = gateways(site)[0], devices(site)[0]
    answer([gateway, *devices(site)[:2]], is_online=False)

    answer([gateway, devices(site)[1]], is_online=True, seconds=10)

    assert found() == {("DEV_OFF", device.pk)}


def test_only_device_of_a_site_behind_a_live_gateway_is_its_own_fault() -> None:
    device = make_device(bus=make_bus(gateway=make_gateway(is_online=True)), is_online=True)

    answer([device], is_online=False)
    assert found() == {("DEV_OFF", device.pk)}
    answer([device.bus.gateway], is_online=False, seconds=10)

    assert found() == {("DEV_OFF", device.pk), ("SITE_OFF", device.site_id)}


def test_unknown_link_is_neither_down_nor_up(site: Site) -> None:
    first, second = devices(site)[:2]
    answer([first], is_online=False)

    answer([first, second], is_online=None, seconds=10)

    assert found() == {("DEV_OFF", first.pk)}


def test_equipment_out_of_service_raises_nothing_and_lets_go(site: Site) -> None:
    first, second = devices(site)[:2]
    answer([first], is_online=False)
    Device.objects.filter(pk__in=[first.pk, second.pk]).update(is_enabled=False)

    answer([second], is_online=False, seconds=10)

    assert not found()
    assert AlarmLog.objects.last().facts == {"reason": "not_applicable"}


def test_same_look_twice_changes_nothing(site: Site) -> None:
    answer([devices(site)[0]], is_online=False)
    before = AlarmLog.objects.count()

    links.sweep(now=at(30))

    assert AlarmLog.objects.count() == before


def test_sweep_finds_what_a_lost_message_left(site: Site) -> None:
    device = devices(site)[0]
    Device.objects.filter(pk=device.pk).update(is_online=False)
    services.sweep(now=at(10))
    assert found() == {("DEV_OFF", device.pk)}

    Device.objects.filter(pk=device.pk).update(is_online=True)
    services.sweep(now=at(20))

    assert not found()


def test_override_switches_a_link_rule_off(site: Site) -> None:
    first, second = devices(site)[:2]
    rule = Rule.objects.get(key="DEV_OFF")
    RuleOverride.objects.create(rule=rule, device=first, is_enabled=False)
    RuleOverride.objects.create(rule=rule, site=site, severity="critical")

    answer([first, second], is_online=False)

    assert found() == {("DEV_OFF", second.pk)}
    assert Alarm.objects.get().severity == "critical"


def test_without_rules_nothing_is_raised(site: Site) -> None:
    Rule.objects.all().delete()

    answer([*gateways(site), *devices(site)], is_online=False)

    assert not Alarm.objects.exists()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The task queue is the outside world: what would be sent there."""
    sent: list[list[int]] = []
    monkeypatch.setattr(tasks.evaluate_links, "delay", lambda *, site_ids: sent.append(site_ids))
    return sent


def test_changed_link_nudges_the_task(
    site: Site, sent: list[list[int]], django_capture_on_commit_callbacks: Any
) -> None:
    device = devices(site)[0]

    with django_capture_on_commit_callbacks(execute=True):
        decide([], [LinkVerdict(device.pk, is_online=False, at=at(0), reason="timeout")])

    assert sent == [[site.pk]]
    tasks.evaluate_links(site_ids=sent[0])
    assert found() == {("DEV_OFF", device.pk)}


def test_judge_tells_every_case_apart() -> None:
    up, down = True, False
    cases: list[tuple[list[bool | None], list[tuple[int, bool | None]], str]] = [
        ([up], [(1, up), (1, up)], "up"),
        ([up], [(1, down), (1, up)], "up"),
        ([down], [(1, down), (1, down)], "raise"),
        ([up], [(1, down), (1, down)], "raise"),
        ([None], [(1, down), (1, None)], "unknown"),
        ([None], [(1, None)], "unknown"),
        ([up], [(1, down)], "up"),
        ([down], [(1, down)], "raise"),
        ([None], [(1, down)], "raise"),
        ([down], [], "up"),
    ]
    for of_gateways, of_devices, site in cases:
        verdicts = judge(
            [GatewayLink(n, link) for n, link in enumerate(of_gateways, start=1)],
            [DeviceLink(n, gateway, link) for n, (gateway, link) in enumerate(of_devices)],
        )

        assert verdicts.site == Verdict(site), (of_gateways, of_devices)
        for number, (gateway, is_online) in enumerate(of_devices):
            hidden = site == "raise" or of_gateways[gateway - 1] is down
            expected = {None: "unknown", True: "up", False: "hidden" if hidden else "raise"}
            assert verdicts.devices[number] == Verdict(expected[is_online])

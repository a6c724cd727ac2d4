"""What pages ask about alarms."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alarms import selectors
from alarms.models import Alarm
from alarms.tests.factories import NOW, make_alarm, make_rule, recover
from core.errors import Forbidden, NotFound
from devices.tests.factories import make_bus, make_device, make_gateway
from sites.rules import Ability
from sites.tests.factories import make_circuit, make_room, make_site, make_transformer, people

pytestmark = pytest.mark.django_db


def test_gate_tells_invisible_from_forbidden() -> None:
    cast = people()
    alarm = make_alarm(site=cast.site)

    assert selectors.alarm_for(user=cast.bo, pk=alarm.pk) == alarm
    assert selectors.alarm_for(user=cast.di, pk=alarm.pk, ability=Ability.HANDLE_ALARM) == alarm
    with pytest.raises(Forbidden):
        selectors.alarm_for(user=cast.bo, pk=alarm.pk, ability=Ability.HANDLE_ALARM)
    with pytest.raises(NotFound):
        selectors.alarm_for(user=cast.cy, pk=alarm.pk)


def test_open_alarms_are_the_persons_worst_first() -> None:
    cast = people()
    minor = make_alarm(site=cast.site, severity="minor")
    critical = make_alarm(site=cast.site, severity="critical", at=NOW - timedelta(hours=1))
    make_alarm(site=cast.site, handling="archived")
    make_alarm(site=cast.other_site)

    assert list(selectors.open_alarms(user=cast.gu).filter(site=cast.site)) == [critical, minor]
    assert list(selectors.open_alarms(user=cast.di)) == [critical, minor]


def test_statistics_count_what_is_open_and_what_was_raised() -> None:
    make_alarm(severity="minor", handling="verified", at=NOW - timedelta(hours=2))
    make_alarm(severity="minor", is_active=False, at=NOW - timedelta(hours=2))
    make_alarm(severity="critical", at=NOW)
    make_alarm(severity="info", handling="archived", at=NOW - timedelta(hours=1))
    make_alarm(severity="info", handling="archived", at=NOW - timedelta(days=2))

    found = selectors.statistics(
        alarms=Alarm.objects.all(), now=NOW + timedelta(minutes=5), zone="Asia/Shanghai", hours=4
    )

    assert found.by_severity == {"critical": 1, "major": 0, "minor": 2, "info": 0}
    assert found.by_handling == {"unverified": 2, "verified": 1, "in_order": 0, "ignored": 0}
    assert (found.open, found.active) == (3, 2)
    assert [count for _hour, count in found.by_hour] == [0, 2, 1, 1]
    assert found.by_hour[-1][0] == NOW
    assert str(found.by_hour[-1][0]) == "2026-11-20 14:00:00+08:00"


def test_hours_of_the_day_on_which_clocks_change_are_all_there() -> None:
    summer_ends = datetime.fromisoformat("2026-10-25T02:30:00+00:00")

    found = selectors.statistics(
        alarms=Alarm.objects.all(), now=summer_ends, zone="Europe/Paris", hours=4
    )

    assert [f"{hour:%H:%M %z}" for hour, _count in found.by_hour] == [
        "01:00 +0200", "02:00 +0200", "02:00 +0100", "03:00 +0100",
    ]  # fmt: skip


def test_nearest_alarms_come_first() -> None:
    site = make_site()
    room = make_room(site=site)
    transformer = make_transformer(room=room)
    incomer = make_circuit(transformer=transformer, kind="incomer")
    feeder = make_circuit(parent=incomer, transformer=transformer)
    sibling = make_circuit(parent=incomer, transformer=transformer)
    bus = make_bus(gateway=make_gateway(site=site))
    devices = {
        name: make_device(bus=bus, circuit=circuit, room=place)
        for name, circuit, place in [
            ("feeder", feeder, None), ("incomer", incomer, None), ("sibling", sibling, None),
            ("air", None, room), ("yard", None, None),
        ]
    }  # fmt: skip
    alarm = make_alarm(device=devices["feeder"])
    own = make_alarm(device=devices["feeder"], rule=make_rule())
    others = {
        name: make_alarm(device=device) for name, device in devices.items() if name != "feeder"
    }
    make_alarm()

    found = selectors.same_path(alarm=alarm)

    assert [(row, row.nearness) for row in found] == [
        (own, 0), (others["incomer"], 1), (others["sibling"], 2), (others["air"], 3),
        (others["yard"], 4),
    ]  # fmt: skip


def test_circuit_with_many_children_counts_an_alarm_once() -> None:
    incomer = make_circuit(kind="incomer")
    for _feeder in range(3):
        make_circuit(parent=incomer)
    bus = make_bus(gateway=make_gateway(site=incomer.room.site))
    alarm = make_alarm(device=make_device(bus=bus, circuit=incomer))
    other = make_alarm(device=make_device(bus=bus, circuit=incomer))

    assert list(selectors.same_path(alarm=alarm)) == [other]


def test_same_alarm_of_before_is_found_for_thirty_days() -> None:
    device, rule = make_device(), make_rule()
    make_alarm(device=device, rule=rule, handling="archived", at=NOW - timedelta(days=31))
    before = make_alarm(device=device, rule=rule, handling="archived", at=NOW - timedelta(days=3))
    make_alarm(device=device, rule=make_rule())
    alarm = make_alarm(device=device, rule=rule)

    assert list(selectors.same_alarm(alarm=alarm, now=NOW)) == [alarm, before]


def test_worst_severity_by_site_and_by_device() -> None:
    device = make_device()
    other = make_device(bus=device.bus)
    quiet = make_device()
    make_alarm(device=device, severity="minor")
    recovered = make_alarm(device=other, severity="major")
    recover(recovered, at=NOW)
    make_alarm(device=other, severity="critical", handling="archived")

    by_site = selectors.worst_by_site(site_ids=[device.site_id, quiet.site_id])
    by_device = selectors.worst_by_device(device_ids=[device.pk, other.pk, quiet.pk])

    assert by_site == {device.site_id: "major"}
    assert by_device == {device.pk: "minor", other.pk: "major"}

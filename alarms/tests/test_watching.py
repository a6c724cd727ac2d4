"""From samples to alarms: delays, edges, restarts, other evaluators."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection

from alarms import services
from alarms.models import Alarm, AlarmLog, Pending, Rule, RuleOverride, Watched
from alarms.services import watching
from alarms.states import Condition, Move
from alarms.tests.factories import make_digital_rule, make_rule
from alarms.tests.samples import active, at, follow, keep, sample
from devices import ingest
from devices.models import Device
from devices.services import compacting
from devices.states import Quality
from devices.tests.factories import make_bus, make_device, make_gateway
from sites.tests.factories import make_circuit, make_site, make_transformer

NAN = float("nan")
pytestmark = pytest.mark.django_db


@pytest.fixture
def device() -> Device:
    """Sampled every ten seconds, on a circuit of 100 A at a site of 400 V."""
    site = make_site(nominal_voltage_v=400)
    circuit = make_circuit(
        transformer=make_transformer(room=site.rooms.create(name="1")), rated_current_a=100.0
    )
    gateway = make_gateway(site=site, period_s=10)
    return make_device(bus=make_bus(gateway=gateway), circuit=circuit)


def test_limit_is_raised_after_its_delay_and_recovers_after_its_own(device: Device) -> None:
    rule = make_rule(delay_s=15.0, reset_delay_s=10.0)

    follow(device, 0, IR=301.0)
    follow(device, 10, IR=350.0)
    assert not active(rule, device)
    follow(device, 20, IR=310.0)

    (alarm,) = active(rule, device)
    assert alarm.raised_at == at(20)
    assert (alarm.value, alarm.limit, alarm.unit) == (310.0, 300.0, "mA")
    assert (alarm.point_code, alarm.worst_code) == ("IR", "IR")
    assert alarm.circuit == device.circuit
    assert alarm.room == device.circuit.room
    assert alarm.transformer == device.circuit.transformer
    assert alarm.site == device.site

    follow(device, 30, IR=390.0)
    follow(device, 40, IR=260.0)
    follow(device, 50, IR=240.0)
    assert active(rule, device)
    follow(device, 60, IR=230.0)

    alarm.refresh_from_db()
    assert alarm.condition == Condition.RECOVERED
    assert alarm.recovered_at == at(60)
    assert (alarm.peak, alarm.peak_at) == (390.0, at(30))


def test_value_on_the_limit_is_not_past_it(device: Device) -> None:
    rule = make_rule(
        point_codes=["Ua", "Ub", "Uc"], measure="largest", basis="nominal_voltage",
        threshold=107.0, reset=105.0, delay_s=0.0,
    )  # fmt: skip
    device.site.nominal_voltage_v = 230
    device.site.save()

    follow(device, 0, Ub=246.1)
    assert not active(rule, device)
    follow(device, 10, Ub=246.2)

    (alarm,) = active(rule, device)
    assert (alarm.point_code, alarm.worst_code) == ("", "Ub")
    assert (alarm.value, alarm.limit, alarm.unit) == (246.2, 246.1, "V")
    facts = AlarmLog.objects.get(alarm=alarm).facts
    assert facts["points"] == {"Ua": 230.0, "Ub": 246.2, "Uc": 230.0}


def test_interruption_of_the_condition_starts_the_delay_anew(device: Device) -> None:
    rule = make_rule(delay_s=15.0)

    for seconds, value in [(0, 310.0), (10, 290.0), (20, 310.0), (30, 310.0)]:
        follow(device, seconds, IR=value)
    assert not active(rule, device)
    follow(device, 40, IR=310.0)

    assert active(rule, device)


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.SUBSTITUTED])
def test_bad_sample_neither_raises_nor_recovers_nor_interrupts(
    device: Device, quality: int
) -> None:
    rule = make_rule(delay_s=15.0, reset_delay_s=0.0)

    follow(device, 0, IR=310.0)
    follow(device, 10, IR=1.0, quality=quality)
    follow(device, 20, IR=NAN)
    assert not active(rule, device)
    follow(device, 25, IR=310.0)
    assert active(rule, device)
    follow(device, 30, IR=1.0, quality=quality)

    assert active(rule, device)


def test_gap_starts_the_delay_anew(device: Device) -> None:
    rule = make_rule(delay_s=15.0)

    follow(device, 0, IR=310.0)
    follow(device, 31, IR=310.0)
    assert not active(rule, device)
    follow(device, 50, IR=310.0)

    assert active(rule, device)


def test_late_and_repeated_samples_raise_nothing(device: Device) -> None:
    rule = make_rule(delay_s=0.0)
    follow(device, 20)

    follow(device, 10, IR=900.0)
    follow(device, 20, IR=900.0, is_stored=False)

    assert not active(rule, device)


def test_samples_of_one_batch_are_followed_in_order(device: Device) -> None:
    rule = make_rule(delay_s=15.0, reset_delay_s=0.0)
    other = make_device(bus=device.bus, template_version=device.template_version)
    batch = sample(
        [(device, 0, {"IR": 310.0}), (other, 5, {}), (device, 10, {"IR": 350.0}),
         (device, 20, {"IR": 320.0}), (device, 30, {"IR": 330.0}), (device, 40, {}),
         (device, 50, {"IR": 310.0}), (device, 60, {"IR": 310.0}), (device, 70, {"IR": 310.0})]
    )  # fmt: skip
    keep(batch)
    watching.evaluate(batch=batch, now=at(70))

    (alarm,) = active(rule, device)
    assert (alarm.raised_at, alarm.last_raised_at) == (at(20), at(70))
    assert alarm.recurrences == 1
    assert (alarm.peak, alarm.peak_at) == (330.0, at(30))
    moves = list(alarm.log.values_list("move", "at"))
    assert moves == [("raise", at(20)), ("recover", at(40)), ("recur", at(70))]


def test_first_batch_of_a_device_may_be_a_day_long(device: Device) -> None:
    rule = make_rule(delay_s=15.0, reset_delay_s=0.0)
    day = [(device, 10.0 * n, {"IR": 400.0} if 100 <= n < 200 else {}) for n in range(8640)]
    batch = sample(day)
    keep(batch)
    watching.evaluate(batch=batch, now=at(86_400))

    alarm = Alarm.objects.get(rule=rule)
    assert (alarm.raised_at, alarm.recovered_at) == (at(1020), at(2000))


def test_digital_input_is_raised_by_an_edge_only(device: Device) -> None:
    rule = make_digital_rule(to_value=0)

    follow(device, 0, DI1=0.0)
    assert not active(rule, device)
    follow(device, 10, DI1=1.0)
    follow(device, 20, DI1=NAN)
    assert not active(rule, device)
    follow(device, 30, DI1=0.0)
    (alarm,) = active(rule, device)
    follow(device, 40, DI1=NAN)
    assert active(rule, device)
    follow(device, 50, DI1=1.0)

    alarm.refresh_from_db()
    assert alarm.condition == Condition.RECOVERED
    assert (alarm.value, alarm.limit, alarm.unit) == (0.0, None, "")


def phase_loss_rule(**facts: float) -> Rule:
    return make_rule(
        "U_LOSS", kind="phase_loss", level="", point_codes=["Ua", "Ub", "Uc"],
        basis="nominal_voltage", threshold=50.0, guard=65.0, reset=70.0,
        **{"delay_s": 3.0, "reset_delay_s": 3.0} | facts,
    )  # fmt: skip


def test_phase_loss_is_one_alarm_with_its_phase(device: Device) -> None:
    rule = phase_loss_rule()

    follow(device, 0, Ua=190.0, Ub=0.0, Uc=193.0)
    follow(device, 10, Ua=190.0, Ub=0.0, Uc=193.0)

    (alarm,) = active(rule, device)
    assert (alarm.worst_code, alarm.value, alarm.point_code) == ("Ub", 0.0, "")
    assert alarm.limit == pytest.approx(115.47, abs=0.01)

    follow(device, 20, Ua=190.0, Ub=155.0, Uc=193.0)
    follow(device, 30, Ua=190.0, Ub=155.0, Uc=193.0)
    assert active(rule, device)
    follow(device, 40)
    follow(device, 50)

    assert not active(rule, device)


def test_outage_is_no_phase_loss(device: Device) -> None:
    rule = phase_loss_rule(delay_s=0.0)

    follow(device, 0, Ua=0.0, Ub=0.0, Uc=20.0)

    assert not active(rule, device)


def test_unknown_phase_hides_no_phase_loss_but_ends_none(device: Device) -> None:
    rule = phase_loss_rule(delay_s=0.0, reset_delay_s=0.0)

    follow(device, 0, Ua=NAN)
    assert not active(rule, device)
    follow(device, 10, Ua=NAN, Ub=10.0)
    assert active(rule, device)
    follow(device, 20, Ua=NAN)

    assert active(rule, device)


def test_rule_without_its_base_does_not_apply(device: Device) -> None:
    rule = make_rule(
        point_codes=["Ia"], basis="rated_current", threshold=100.0, reset=95.0, delay_s=0.0
    )
    other = make_device(bus=device.bus, template_version=device.template_version)

    follow(device, 0, Ia=101.0)
    follow(other, 0, Ia=5000.0)

    assert active(rule, device)
    assert not active(rule, other)


def test_device_override_wins_over_that_of_the_site(device: Device) -> None:
    rule = make_rule(delay_s=0.0)
    other = make_device(bus=device.bus, template_version=device.template_version)
    RuleOverride.objects.create(rule=rule, site=device.site, threshold=100.0)
    RuleOverride.objects.create(rule=rule, device=other, threshold=200.0, severity="critical")

    follow(device, 0, IR=150.0)
    follow(other, 0, IR=150.0)
    assert [a.limit for a in active(rule, device)] == [100.0]
    assert not active(rule, other)
    follow(other, 10, IR=250.0)

    (alarm,) = active(rule, other)
    assert (alarm.limit, alarm.severity, alarm.severity_rank) == (200.0, "critical", 0)


def test_edited_rule_counts_from_the_next_sample(device: Device) -> None:
    rule = make_rule(delay_s=0.0)
    follow(device, 0, IR=250.0)

    rule.threshold = 200.0
    rule.reset = 150.0
    rule.save()
    follow(device, 10)
    assert not Alarm.objects.exists(), "a sample of before was judged by the new limit"
    follow(device, 20, IR=250.0)

    assert active(rule, device)


def test_switched_off_rule_lets_its_alarms_go(device: Device) -> None:
    rule = make_rule(delay_s=0.0)
    follow(device, 0, IR=400.0)
    (alarm,) = active(rule, device)

    rule.is_enabled = False
    rule.save()
    follow(device, 10, IR=400.0)

    alarm.refresh_from_db()
    assert alarm.condition == Condition.RECOVERED
    assert alarm.log.last().facts == {"reason": "not_applicable"}


def test_alarms_of_a_device_out_of_service_are_let_go(device: Device) -> None:
    rule = make_rule(delay_s=0.0)
    follow(device, 0, IR=400.0)
    (alarm,) = active(rule, device)
    services.sweep(now=at(10))
    assert active(rule, device)

    device.is_enabled = False
    device.save()
    services.sweep(now=at(20))

    alarm.refresh_from_db()
    assert alarm.condition == Condition.RECOVERED


def test_restart_forgets_no_delay(device: Device) -> None:
    rule = make_rule(delay_s=15.0, reset_delay_s=15.0)
    follow(device, 0, IR=310.0)
    assert Pending.objects.get().since == at(0)
    watching.forget()
    follow(device, 10, IR=310.0)
    watching.forget()
    follow(device, 15, IR=310.0)
    assert active(rule, device)
    assert not Pending.objects.exists()

    follow(device, 25)
    watching.forget()
    follow(device, 40)

    assert not active(rule, device)


def test_restart_misses_no_trip_and_doubles_no_alarm(device: Device) -> None:
    rule = make_digital_rule(to_value=0)
    follow(device, 0, DI1=1.0)
    watching.forget()

    follow(device, 10, DI1=0.0)
    watching.forget()
    follow(device, 20, DI1=0.0)

    (alarm,) = active(rule, device)
    assert alarm.recurrences == 0
    assert AlarmLog.objects.count() == 1


def test_trip_after_days_of_silence_is_seen_though_the_sample_before_is_in_a_block(
    device: Device,
) -> None:
    rule = make_digital_rule(to_value=0)
    follow(device, 0, DI1=1.0)
    watching.forget()
    later = at(10 * 86_400)
    compacting.compact(now=later)
    compacting.hand_over(now=later)
    assert compacting.hand_over(now=later + compacting.READER_PATIENCE)

    follow(device, 10 * 86_400, DI1=0.0)

    assert active(rule, device)


def test_sample_stored_by_a_killed_worker_is_evaluated_by_the_next(device: Device) -> None:
    trip = make_digital_rule(to_value=0)
    limit = make_rule(delay_s=0.0, reset_delay_s=0.0)
    follow(device, 0, DI1=1.0)

    # Killed between storing and evaluating; the breaker is closed again at once.
    keep(sample([(device, 10, {"DI1": 0.0, "IR": 400.0})]))
    watching.forget()
    follow(device, 20, DI1=1.0)

    for rule in (trip, limit):
        alarm = Alarm.objects.get(rule=rule)
        assert (alarm.raised_at, alarm.recovered_at) == (at(10), at(20))


def test_first_sample_of_all_is_evaluated_after_a_kill_too(device: Device) -> None:
    trip = make_digital_rule(to_value=0)
    keep(sample([(device, 0, {"DI1": 1.0})]))

    follow(device, 10, DI1=0.0)

    assert active(trip, device)


def test_sweep_evaluates_what_was_left_behind_when_no_sample_follows(device: Device) -> None:
    rule = make_rule(delay_s=0.0)
    follow(device, 0)
    keep(sample([(device, 10, {"IR": 400.0})]))
    watching.forget()

    services.sweep(now=at(60))
    assert not active(rule, device), "a living worker may still be at it"
    services.sweep(now=at(10 + watching.LEFT_BEHIND_S))

    assert active(rule, device)
    services.sweep(now=at(30 + watching.LEFT_BEHIND_S))
    assert AlarmLog.objects.count() == 1


def test_marks_that_move_again_and_again_have_room_in_their_pages() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'alarms_watched'")
        (options,) = cursor.fetchone()

    assert sorted(options) == ["autovacuum_analyze_scale_factor=1", "fillfactor=70"]


def test_failed_write_is_made_up_for_by_the_next_batch(device: Device) -> None:
    rule = make_rule(delay_s=0.0, reset_delay_s=0.0)
    follow(device, 0)

    def lost(execute: Any, sql: str, *rest: Any) -> Any:
        if "alarms_alarm" in sql:
            raise OperationalError("the connection is lost")
        return execute(sql, *rest)

    with connection.execute_wrapper(lost), pytest.raises(OperationalError):
        follow(device, 10, IR=400.0)
    assert not Alarm.objects.exists()
    follow(device, 20)

    alarm = Alarm.objects.get(rule=rule)
    assert (alarm.raised_at, alarm.recovered_at) == (at(10), at(20))


def test_of_two_evaluators_each_sample_has_one(device: Device) -> None:
    """The shard went to another worker and came back: what it did meanwhile holds."""
    rule = make_rule(delay_s=0.0, reset_delay_s=0.0)
    follow(device, 0)
    mine = watching._watcher
    watching.forget()
    follow(device, 10, IR=400.0)
    follow(device, 20)
    alarm = Alarm.objects.get(rule=rule)
    assert alarm.condition == Condition.RECOVERED

    watching._watcher = mine
    late = sample([(device, 10, {"IR": 400.0})])
    watching.evaluate(batch=late, now=at(21))
    assert AlarmLog.objects.filter(alarm=alarm).count() == 2
    follow(device, 30, IR=400.0)

    alarm.refresh_from_db()
    assert (alarm.condition, alarm.recurrences) == (Condition.ACTIVE, 1)
    moves = list(alarm.log.values_list("move", flat=True))
    assert moves == [Move.RAISE, Move.RECOVER, Move.RECUR]


def test_mark_of_a_calm_device_moves_now_and_then_only(device: Device) -> None:
    make_rule()
    follow(device, 0)
    begun = Watched.objects.get(device=device).until_s

    follow(device, 10)
    assert Watched.objects.get(device=device).until_s == begun
    follow(device, 10 + watching.CHECKPOINT_S)

    moved = Watched.objects.get(device=device).until_s
    assert moved == at(10 + watching.CHECKPOINT_S).timestamp()


def test_ingest_hands_its_batches_over(device: Device) -> None:
    rule = make_rule(delay_s=0.0)

    ingest.ingest(sample([(device, 0, {"IR": 400.0})]), now=at(1))

    assert active(rule, device)


def test_samples_of_devices_that_do_not_exist_hurt_nobody(device: Device) -> None:
    rule = make_rule(delay_s=0.0)
    batch = sample([(device, 0, {"IR": 400.0}), (device, 0, {"IR": 400.0})])
    batch.groups[0].device_ids[0] = 2**40

    watching.evaluate(batch=batch, now=at(0))

    assert active(rule, device)

"""Samples over HTTP: each gets its verdict, what is good is stored, shown and judged once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from alarms.models import Alarm
from alarms.services import watching
from alarms.tests.factories import make_rule
from devices import live
from devices.ingest import ingest
from devices.models import DataSource, Device, PointOverride
from devices.services import compacting, feeding, links, tallies
from devices.services.quota import store_state
from devices.services.sources import renew_key, switch
from devices.tests.factories import (
    make_bus,
    make_device,
    make_fed_device,
    make_gateway,
    make_point,
    make_source,
)
from devices.tests.samples import make_batch
from sites.tests.clients import api_client
from sites.tests.factories import make_site, people
from tests.queries import check, queries_of

pytestmark = pytest.mark.django_db

URL = "/api/v1/ingest/"


def client_of(key: str, language: str = "en") -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}", HTTP_ACCEPT_LANGUAGE=language)
    return client


class Sender:
    """A platform with its key, and one device."""

    def __init__(self, **facts: Any) -> None:
        self.source, self.key = make_source(**facts)
        self.device = make_fed_device(source=self.source, code="T-01")
        self.client = client_of(self.key)

    def send(self, *samples: Any) -> Any:
        body = json.dumps({"samples": samples})
        answer = self.client.post(URL, body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def sample(self, at: datetime, device: Any = None, **values: Any) -> dict[str, Any]:
        return {
            "device": self.device.pk if device is None else device,
            "at": at.isoformat(),
            "values": values or {"Ua": 231.5},
        }


@pytest.fixture
def sender() -> Iterator[Sender]:
    cache.clear()
    watching.forget()
    made = Sender()
    yield made
    watching.forget()
    live.forget(site_id=made.source.site_id, device_ids=[made.device.pk])


def stored(device: Device) -> list[dict[str, float]]:
    """Rows in the order of time, by code."""
    layout = device.template_version.layout
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT values, counters FROM reading WHERE device_id = %s ORDER BY at", [device.pk]
        )
        return [
            {
                code: value
                for code, value in zip(
                    [*layout.value_codes, *layout.counter_codes], [*values, *counters], strict=True
                )
                if value == value  # noqa: PLR0124 - NaN
            }
            for values, counters in cursor.fetchall()
        ]


def latest(device: Device) -> dict[str, float]:
    points = live.latest_points(device_ids=[device.pk]).get(device.pk, [])
    return {point.code: point.value for point in points if point.value is not None}


def codes(answer: Any) -> list[str | None]:
    return [result["code"] or result["verdict"] for result in answer["results"]]


def test_what_is_sent_is_stored_shown_and_said(sender: Sender) -> None:
    now = timezone.now()

    answer = sender.send(
        sender.sample(now - timedelta(seconds=60), Ua=231.5, EPI=20417.25),
        sender.sample(now, "T-01", Ua=232.0),
    )

    assert (answer["stored"], answer["repeated"], answer["refused"]) == (2, 0, 0)
    assert stored(sender.device) == [{"Ua": 231.5, "EPI": 20417.25}, {"Ua": 232.0}]
    assert latest(sender.device)["Ua"] == 232.0
    sender.device.refresh_from_db()
    assert sender.device.is_online is True
    assert abs((sender.device.last_seen_at - now).total_seconds()) < 0.001
    sender.source.refresh_from_db()
    assert (sender.source.accepted, sender.source.refused) == (2, 0)
    assert sender.source.last_seen_at is not None


def test_values_are_at_the_primary_side_whatever_the_ratios(sender: Sender) -> None:
    sender.device.ratios.create(ct=20, valid_from=timezone.now() - timedelta(days=1))

    sender.send(sender.sample(timezone.now(), Ia=118.5))

    assert stored(sender.device) == [{"Ia": 118.5}]


def test_the_same_batch_again_changes_nothing(sender: Sender) -> None:
    now = timezone.now()
    batch = [sender.sample(now - timedelta(seconds=10 * n), Ua=230.0 + n) for n in range(5)]

    first = sender.send(*batch)
    again = sender.send(*batch)
    other = sender.send(sender.sample(now, Ua=999.0), sender.sample(now + timedelta(seconds=1)))

    assert codes(first) == ["stored"] * 5
    assert codes(again) == ["repeated"] * 5
    assert codes(other) == ["repeated", "stored"]
    assert [row["Ua"] for row in stored(sender.device)] == [234, 233, 232, 231, 230, 231.5]
    sender.source.refresh_from_db()
    assert (sender.source.accepted, sender.source.repeated) == (6, 6)


def test_what_is_in_blocks_by_now_is_a_repetition_too(sender: Sender) -> None:
    now = timezone.now()
    begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=20)
    batch = [sender.sample(begin + timedelta(minutes=7 * n, microseconds=n)) for n in range(20)]
    sender.send(*batch)
    compacting.compact(now=now)
    compacting.hand_over(now=now)
    assert compacting.hand_over(now=now + compacting.READER_PATIENCE) != []
    assert stored(sender.device) == []

    again = sender.send(*batch, sender.sample(begin + timedelta(seconds=1)))

    assert codes(again) == ["repeated"] * 20 + ["stored"]


def test_a_time_said_twice_in_one_batch_is_a_repetition(sender: Sender) -> None:
    now = timezone.now()

    answer = sender.send(sender.sample(now, Ua=230.0), sender.sample(now, "T-01", Ua=231.0))

    assert codes(answer) == ["stored", "repeated"]
    assert stored(sender.device) == [{"Ua": 230.0}]


def odd_samples(sender: Sender, now: datetime) -> dict[str, Any]:
    """A sample for every reason to refuse one."""
    polled = make_device(bus=make_bus(gateway=make_gateway(site=sender.source.site)))
    other, _key = make_source(site=sender.source.site)
    elsewhere = make_fed_device(source=other)
    disabled = make_fed_device(source=sender.source, is_enabled=False)
    make_fed_device(source=sender.source, code="twin")
    make_fed_device(source=sender.source, code="twin")
    good = sender.sample(now)
    without_values = {name: value for name, value in good.items() if name != "values"}
    return {
        "not_an_object": 7,
        "field_missing": without_values,
        "field_unknown": good | {"colour": "red"},
        "device_unreadable": good | {"device": 1.5},
        "device_unknown": good | {"device": 2**62},
        "device_ambiguous": good | {"device": "twin"},
        "device_disabled": good | {"device": disabled.pk},
        "device_polled": good | {"device": polled.pk},
        "device_elsewhere": good | {"device": elsewhere.pk},
        "time_unreadable": good | {"at": "yesterday"},
        "time_without_offset": good | {"at": "2026-11-26T08:00:00"},
        "time_out_of_range": good | {"at": "1901-11-26T08:00:00Z"},
        "time_ahead": good | {"at": (now + timedelta(minutes=11)).isoformat()},
        "time_past": good | {"at": (now - timedelta(days=91)).isoformat()},
        "quality_unknown": good | {"quality": "so-so"},
        "values_unreadable": good | {"values": [230.0]},
        "values_missing": good | {"values": {"Ua": None}},
        "point_unknown": good | {"values": {"Uq": 1.0}},
        "not_a_number": good | {"values": {"Ua": "231"}},
    }


def test_each_sample_is_refused_for_its_own_reason_and_the_others_are_stored(
    sender: Sender,
) -> None:
    now = timezone.now()
    odd = odd_samples(sender, now)

    answer = sender.send(sender.sample(now), *odd.values())

    assert codes(answer) == ["stored", *odd]
    assert set(odd) == {*map(str, feeding.RefusalCode.values)}
    assert answer["refused"] == len(odd)
    assert len(stored(sender.device)) == 1
    said = {result["code"]: result["message"] for result in answer["results"]}
    assert said["point_unknown"] == "The device’s template has no point “Uq”."
    assert said["time_past"] == "The time is older than samples are kept (90 days)."


def test_refusals_are_told_in_the_callers_language_and_kept_for_the_page(sender: Sender) -> None:
    sender.client = client_of(sender.key, "zh-hans")

    answer = sender.send(sender.sample(timezone.now(), "T-02"), {"device": "\x00\ud800", "at": 1})

    assert answer["results"][0]["message"] == "该数据源的站点没有此设备。"
    sender.source.refresh_from_db()
    assert [(row["code"], row["device"]) for row in sender.source.last_refusals] == [
        ("device_unknown", "T-02"),
        ("field_missing", ""),
    ]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1e39", "true", '"1"'])
def test_what_is_no_number_costs_its_own_sample_only(sender: Sender, value: str) -> None:
    at = timezone.now().isoformat()
    odd, good = (
        f'{{"device": "T-01", "at": "{at}", "values": {{"Ua": {each}}}}}' for each in (value, 231)
    )
    text = f'{{"samples": [{odd}, {good}]}}'

    answer = sender.client.post(URL, text, content_type="application/json")

    assert codes(answer.json()) == ["not_a_number", "stored"]


def test_bad_and_implausible_values_are_bad_and_points_off_are_left_out(sender: Sender) -> None:
    version = sender.device.template_version
    version.registers.filter(point__code="F").update(minimum=40, maximum=70)
    PointOverride.objects.create(device=sender.device, point=make_point("Uc"), is_enabled=False)
    now = timezone.now()

    sender.send(
        sender.sample(now - timedelta(seconds=2), Ua=231.0, F=500.0, Uc=1.0),
        sender.sample(now - timedelta(seconds=1), Ua=231.0) | {"quality": "bad"},
    )

    assert stored(sender.device) == [{"Ua": 231.0}, {}]
    with connection.cursor() as cursor:
        cursor.execute("SELECT quality, flags FROM reading ORDER BY at")
        (partial, flags), (bad, _flags) = cursor.fetchall()
    assert (partial, bad) == (1, 2)
    place = version.layout.value_codes.index("F")
    assert bytes(flags)[place // 8] == 1 << place % 8


def test_old_hours_fill_the_history_and_nothing_else(sender: Sender) -> None:
    make_rule("LATE", point_codes=["IR"], threshold=300.0, reset=240.0, delay_s=0)
    now = timezone.now()
    sender.send(sender.sample(now, IR=40.0))
    day_ago = now - timedelta(days=1)

    answer = sender.send(
        *[sender.sample(day_ago + timedelta(seconds=n), IR=500.0) for n in range(30)],
        *[sender.sample(now - timedelta(hours=3, seconds=n), IR=500.0) for n in range(30)],
    )

    assert answer["stored"] == 60
    assert latest(sender.device) == {"IR": 40.0}
    sender.device.refresh_from_db()
    assert abs((sender.device.last_seen_at - now).total_seconds()) < 0.001
    watching.catch_up(now=now)
    assert Alarm.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM devices_latehour")
        assert cursor.fetchone()[0] >= 2


def test_a_device_that_begins_with_its_past_is_not_alarmed_about(sender: Sender) -> None:
    make_rule("PAST", point_codes=["IR"], threshold=300.0, reset=240.0, delay_s=0)
    begin = timezone.now() - timedelta(days=3)

    sender.send(*[sender.sample(begin + timedelta(minutes=n), IR=500.0) for n in range(60)])

    assert len(stored(sender.device)) == 60
    assert Alarm.objects.count() == 0
    assert latest(sender.device) == {}
    sender.device.refresh_from_db()
    assert sender.device.is_online is None


def test_a_link_that_was_down_is_made_up_for_in_order(sender: Sender) -> None:
    make_rule("CUT", point_codes=["IR"], threshold=300.0, reset=240.0, delay_s=0, reset_delay_s=0)
    now = timezone.now()
    sender.send(sender.sample(now - timedelta(hours=2), IR=40.0))
    levels = [40.0, 500.0, 500.0, 40.0]

    sender.send(
        *[
            sender.sample(now - timedelta(minutes=60 - 10 * n), IR=level)
            for n, level in reversed(list(enumerate(levels)))
        ]
    )

    (alarm,) = Alarm.objects.all()
    assert alarm.condition == "recovered"
    assert abs((alarm.raised_at - (now - timedelta(minutes=50))).total_seconds()) < 0.001


def test_points_that_come_seldom_keep_their_last_value(sender: Sender) -> None:
    layout = sender.device.template_version.layout
    now = timezone.now()
    whole = dict.fromkeys([*layout.value_codes, *layout.counter_codes], 5.0)

    sender.send(sender.sample(now - timedelta(seconds=5), **whole))
    sender.send(sender.sample(now, Ua=231.0))

    assert latest(sender.device) == whole | {"Ua": 231.0}


def test_a_device_that_goes_to_a_source_and_back_keeps_id_and_history(sender: Sender) -> None:
    site = sender.source.site
    bus = make_bus(gateway=make_gateway(site=site))
    device = make_device(bus=bus, template_version=sender.device.template_version)
    now = timezone.now()
    layout = device.template_version.layout
    polled = make_batch(
        layout_id=layout.pk,
        device_ids=[device.pk],
        site_ids=[site.pk],
        at=[now.timestamp() - 60],
        values=[[230.0] * len(layout.value_codes)],
        counters=[[1.0] * len(layout.counter_codes)],
    )
    ingest(polled, now=now)
    refused = sender.send(sender.sample(now, device.pk))

    Device.objects.filter(pk=device.pk).update(bus=None, source=sender.source)
    taken = sender.send(sender.sample(now, device.pk, Ua=231.0))
    older = sender.send(sender.sample(now - timedelta(minutes=5), device.pk, Ua=1.0))

    assert codes(refused) == ["device_polled"]
    assert codes(taken) == codes(older) == ["stored"]
    assert [row["Ua"] for row in stored(device)] == [1.0, 230.0, 231.0]
    assert latest(device)["Ua"] == 231.0
    assert device in Device.objects.in_service()
    Device.objects.filter(pk=device.pk).update(bus=bus, source=None)
    assert codes(sender.send(sender.sample(now, device.pk))) == ["device_polled"]
    assert len(stored(device)) == 3
    live.forget(site_id=site.pk, device_ids=[device.pk])


def test_a_silent_device_goes_offline_once_and_comes_back(sender: Sender) -> None:
    DataSource.objects.update(period_s=60, offline_after_s=300)
    now = timezone.now()
    sender.send(sender.sample(now))

    assert links.sweep(now=now + timedelta(seconds=299)) == 0
    assert links.sweep(now=now + timedelta(seconds=301)) == 1
    assert links.sweep(now=now + timedelta(seconds=600)) == 0
    event = sender.device.link_events.latest("at")
    assert (event.is_online, event.reason) == (False, "silent")
    sender.send(sender.sample(now + timedelta(seconds=1)))
    sender.device.refresh_from_db()
    assert sender.device.is_online is True


def test_a_source_that_is_off_lets_nobody_in_and_its_devices_are_not_judged(
    sender: Sender,
) -> None:
    sender.send(sender.sample(timezone.now()))
    switch(source=sender.source, is_enabled=False)

    answer = sender.client.post(URL, {"samples": [sender.sample(timezone.now())]}, format="json")
    links.sweep(now=timezone.now())

    assert (answer.status_code, answer.json()["code"]) == (403, "source_disabled")
    sender.device.refresh_from_db()
    assert sender.device.is_online is None


def test_samples_count_for_the_completeness_of_the_device(sender: Sender) -> None:
    Device.objects.update(created_at=timezone.now() - timedelta(hours=3))
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)

    sender.send(*[sender.sample(hour + timedelta(minutes=n)) for n in range(60)])
    tallies.recount(start=hour, end=hour + timedelta(hours=1))

    (tally,) = sender.device.tallies.all()
    assert (tally.good_total, tally.expected_total) == (60, 60)


# --- Who gets in, and how much


def test_only_the_key_of_a_source_opens(sender: Sender) -> None:
    body = {"samples": [sender.sample(timezone.now())]}
    strangers = [
        APIClient(),
        client_of("dws_nobody's"),
        client_of("schlüssel"),
        api_client(people().adm),
    ]

    for client in strangers:
        answer = client.post(URL, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (401, "key_refused")
        assert answer["WWW-Authenticate"] == 'Bearer realm="ingest"'
    assert stored(sender.device) == []
    # And it opens nothing else.
    assert sender.client.get("/api/v1/devices/").status_code == 401


def test_another_key_ends_the_one_before(sender: Sender) -> None:
    key = renew_key(source=sender.source, now=timezone.now())
    body = {"samples": [sender.sample(timezone.now())]}

    assert sender.client.post(URL, body, format="json").status_code == 401
    assert client_of(key).post(URL, body, format="json").status_code == 200
    assert key not in str(DataSource.objects.values().get(pk=sender.source.pk))


def test_a_key_reaches_no_other_site(sender: Sender) -> None:
    other, _key = make_source(site=make_site())
    device = make_fed_device(source=other, code="far")
    now = timezone.now()

    answer = sender.send(sender.sample(now, device.pk), sender.sample(now, "far"))

    assert codes(answer) == ["device_unknown"] * 2
    assert stored(device) == []


def test_above_the_quota_nothing_is_stored_until_the_next_minute(sender: Sender) -> None:
    DataSource.objects.update(quota_per_minute=100)
    now = timezone.now()
    layout = sender.device.template_version.layout
    values = dict.fromkeys(layout.value_codes, 1.0)
    batch = [sender.sample(now - timedelta(seconds=n), **values) for n in range(8)]
    # The clock may turn to the next minute once on the way.
    for _try in range(2):
        answer = sender.client.post(URL, {"samples": batch}, format="json")
        over = sender.client.post(URL, {"samples": batch}, format="json")
        if over.status_code == 429:
            break

    assert answer.status_code == 200
    assert over.json()["code"] == "over_quota"
    assert 1 <= int(over["Retry-After"]) <= 60
    assert len(stored(sender.device)) == 8
    sender.send(sender.sample(now + timedelta(seconds=1), Ua=230.0))


def test_what_would_never_fit_is_too_large(sender: Sender) -> None:
    DataSource.objects.update(quota_per_minute=100)
    sample = sender.sample(timezone.now())
    flood = [sample] * (feeding.MOST_SAMPLES + 1)
    huge = " " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

    answers = [
        sender.client.post(URL, {"samples": [sample] * 101}, format="json"),
        sender.client.post(URL, {"samples": flood}, format="json"),
        sender.client.post(URL, huge, content_type="application/json"),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(413, "too_large")] * 3
    assert stored(sender.device) == []


def test_without_redis_samples_are_stored(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = redis.Redis(port=1, socket_connect_timeout=1)

    with monkeypatch.context() as patch:
        patch.setattr(store_state, "_client", nobody)
        answer = sender.send(sender.sample(timezone.now()))

    assert answer["stored"] == 1


def test_without_the_database_the_sender_is_told_when_to_come_back(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: Any, **_facts: Any) -> None:
        raise OperationalError("gone")

    body = {"samples": [sender.sample(timezone.now())]}
    for where in ("devices.history.append", "devices.models.DataSource.objects.select_related"):
        with monkeypatch.context() as patch:
            patch.setattr(where, away)
            answer = sender.client.post(URL, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_away")
        assert answer["Retry-After"] == "5"
        assert "gone" not in answer.content.decode()

    assert stored(sender.device) == []


@pytest.mark.parametrize(
    "body", ["", "7", "[]", "{}", '{"samples": []}', '{"samples": {}}', '{"samples": [1], "a": 1}']
)
def test_a_body_that_is_none_is_refused_whole(sender: Sender, body: str) -> None:
    answer = sender.client.post(URL, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


# --- What it costs


def test_the_number_of_queries_does_not_grow_with_the_samples(sender: Sender) -> None:
    now = timezone.now()
    more = [make_fed_device(source=sender.source).pk for _n in range(9)]
    one = [sender.sample(now - timedelta(seconds=30))]
    many = [
        sender.sample(now - timedelta(seconds=n), pk, Ua=230.0)
        for n in range(20)
        for pk in (sender.device.pk, *more)
    ]
    sender.send(
        *[sender.sample(now - timedelta(seconds=60), pk) for pk in (sender.device.pk, *more)]
    )

    of_one = queries_of(lambda: sender.send(*one))
    of_many = queries_of(lambda: sender.send(*many))

    assert of_many == of_one
    check("ingest", of_many)


# --- Nonsense

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
SAMPLES = JSON | st.fixed_dictionaries(
    {
        "device": st.just("T-01") | JSON,
        "at": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | JSON,
        "values": st.dictionaries(st.sampled_from(["Ua", "EPI", "x"]), st.floats()) | JSON,
    },
    optional={"quality": JSON, "more": JSON},
)


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(samples=st.lists(SAMPLES, min_size=1, max_size=4))
def test_nonsense_is_refused_sample_by_sample(sender: Sender, samples: list[Any]) -> None:
    answer = sender.client.post(
        URL, json.dumps({"samples": samples}), content_type="application/json"
    )

    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert len(results) == len(samples)
    assert all((row["verdict"] == "refused") == (row["code"] is not None) for row in results)
    assert all(row["message"] for row in results if row["code"])

"""Mappings as data: what people write, and what becomes of messages."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.drivers.mapping import MappingWrong, Texts, aliases_of, points_of, rule_of
from devices.drivers.messages import Outcome, Point, Received, read
from devices.drivers.paths import MISSING, Path
from devices.drivers.topics import Topic
from devices.models.mqtt_words import MappingError, MessageFault

AT = 1_795_680_000.0  # 2026-11-26T08:00:00Z
RECEIVED_AT = AT + 7.5


def outcome_of(
    payload: Any, *, sent_to: str = "plant/g1/meters/m7", is_retained: bool = False, **texts: str
) -> Outcome:
    facts = {
        "topic": "plant/{gateway}/meters/{device}",
        "form": "object",
        "device_key": "{device}",
        "time_path": "ts",
        "time_form": "ms",
        "points": "Ua",
    }
    rule = rule_of(Texts(**(facts | texts)), zone="Asia/Shanghai")
    sent = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return read([rule], Received(sent_to, sent, RECEIVED_AT, is_retained))


def readings_of(payload: Any, **facts: Any) -> list[tuple[str, float, dict[str, float | None]]]:
    outcome = outcome_of(payload, **facts)
    assert not outcome.faults
    return [(one.device, one.at, dict(one.values)) for one in outcome.readings]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "document"),
        ("$", "document"),
        ("a", 1),
        ("$.a", 1),
        ("b.c[1].d", 5),
        ("b.c[-1].d", 5),
        ('b["x.y"]', 6),
        ('["电压"]', 7),
        ("电压", 7),
        ("b.c[9].d", MISSING),
        ("a.b", MISSING),
        ("b.c.d", MISSING),
    ],
)
def test_a_path_leads_to_one_place_or_nowhere(text: str, found: Any) -> None:
    document = {"a": 1, "b": {"c": [{"d": 4}, {"d": 5}], "x.y": 6}, "电压": 7}

    assert Path(text).find(document) == (document if found == "document" else found)


@pytest.mark.parametrize("text", ["a..b", ".a", "$a", "a[x]", "a[", 'a["', "a]", "a" * 201, "a."])
def test_a_path_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is what was given
        Path(text)


@pytest.mark.parametrize(
    ("pattern", "topic", "found"),
    [
        ("plant/{gw}/m/{device}", "plant/g1/m/7", {"gw": "g1", "device": "7"}),
        ("plant/+/m/{device}", "plant/g1/m/7", {"device": "7"}),
        ("plant/{gw}/#", "plant/g1/m/7", {"gw": "g1"}),
        ("plant/{gw}/#", "plant/g1", {"gw": "g1"}),
        ("plant/{gw}", "plant/g1/m", None),
        ("plant/{gw}", "other/g1", None),
        ("plant//{gw}", "plant//g1", {"gw": "g1"}),
    ],
)
def test_places_of_a_topic_are_named(pattern: str, topic: str, found: Any) -> None:
    assert Topic(pattern).match(topic) == found


@pytest.mark.parametrize(
    "text", ["", "#/a", "a/b+", "a/{x}y", "a/{X}", "$share/g/a", "$SYS/#", "a/{x}/{x}", "a\0", "{"]
)
def test_a_topic_that_a_broker_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is what was given
        Topic(text)


def test_what_is_subscribed_to_has_no_names() -> None:
    assert Topic("plant/{gateway}/meters/{device}/#").filter == "plant/+/meters/+/#"


def test_points_are_lines_with_factor_and_offset() -> None:
    text = '# voltages\nUa\n\nd.p = P * 0.001\nt = T1 * 0.1 - 40\n["a=b"] = Ub + 1\nq=Q*-1'

    assert points_of(text) == {
        "Ua": Point("Ua"),
        "d.p": Point("P", 0.001),
        "t": Point("T1", 0.1, -40.0),
        '["a=b"]': Point("Ub", 1.0, 1.0),
        "q": Point("Q", -1.0),
    }
    assert aliases_of("0A:1B = T-01\n# x\nk=v = T-02") == {"0A:1B": "T-01", "k=v": "T-02"}


@pytest.mark.parametrize(
    ("texts", "field", "code"),
    [
        ({"topic": "a/#/b"}, "topic", "topic_unreadable"),
        ({"form": "topic"}, "topic", "place_missing"),
        ({"form": "list"}, "name_path", "path_missing"),
        ({"device_key": "device"}, "device_key", "key_unreadable"),
        ({"device_key": "{a..b}"}, "device_key", "path_unreadable"),
        ({"time_path": "a["}, "time_path", "path_unreadable"),
        ({"values_path": "*.a"}, "values_path", "path_unreadable"),
        ({"records_path": "a["}, "records_path", "path_unreadable"),
        ({"points": ""}, "points", "points_missing"),
        ({"points": "Ua\nua = "}, "points", "line_unreadable"),
        ({"points": "Ua\nx = Ua"}, "points", "said_twice"),
        ({"points": "\n".join(f"a{n} = B{n}" for n in range(501))}, "points", "lines_many"),
        ({"aliases": "a"}, "aliases", "line_unreadable"),
        ({"aliases": "a=b\na=c"}, "aliases", "said_twice"),
    ],
)
def test_the_first_wrong_field_of_a_mapping_is_named(
    texts: dict[str, str], field: str, code: str
) -> None:
    with pytest.raises(MappingWrong) as told:
        outcome_of({}, **texts)

    assert (told.value.field, told.value.code) == (field, code)
    assert str(MappingError(code).label) % told.value.facts


def test_an_object_with_a_member_per_point() -> None:
    message = {"ts": AT * 1000, "data": {"ua": 231.5, "p": "12500", "t": None, "di": True, "x": 1}}

    found = readings_of(
        message, values_path="data", points="ua = Ua\np = P * 0.001\nt = T1\ndi = DI1\nno = Ub"
    )

    assert found == [("m7", AT, {"Ua": 231.5, "P": 12.5, "T1": None, "DI1": 1.0})]


def test_a_list_of_names_with_values() -> None:
    message = {"time": "2026-11-26T16:00:00+08:00", "d": [{"n": "Ua", "v": 230}, {"n": "?"}]}

    found = readings_of(
        message,
        form="list",
        time_path="time",
        time_form="iso",
        values_path="d",
        name_path="n",
        value_path="v",
    )

    assert found == [("m7", AT, {"Ua": 230.0})]


def test_records_of_many_devices_below_one_time() -> None:
    message = {"gw": "A1", "ts": AT, "meters": [{"addr": 1, "Ua": 1}, {"addr": 2, "Ua": 2}]}

    found = readings_of(
        message,
        records_path="meters",
        device_key="{$.gw}-{addr}",
        time_path="$.ts",
        time_form="s",
        aliases="A1-2 = T-02",
    )

    assert found == [("A1-1", AT, {"Ua": 1.0}), ("T-02", AT, {"Ua": 2.0})]


def test_a_member_per_device_with_a_list_of_moments() -> None:
    """As gateways of ThingsBoard send."""
    message = {
        "Meter A": [
            {"ts": AT * 1000, "values": {"Ua": 1}},
            {"ts": AT * 1000 + 1, "values": {"Ua": 2}},
        ]
    }

    found = readings_of(
        message,
        sent_to="v1/gateway/telemetry",
        topic="v1/gateway/telemetry",
        records_path="*",
        device_key="{key}",
        values_path="values",
    )

    assert found == [("Meter A", AT, {"Ua": 1.0}), ("Meter A", AT + 0.001, {"Ua": 2.0})]


@pytest.mark.parametrize(("payload", "value_path"), [(b" 231.5 ", ""), (b'{"v": 231.5}', "v")])
def test_a_topic_per_point(payload: bytes, value_path: str) -> None:
    outcome = outcome_of(
        payload,
        sent_to="plant/m7/ua",
        topic="plant/{device}/{point}",
        form="topic",
        time_path="",
        value_path=value_path,
        points="ua = Ua",
    )

    (found,) = outcome.readings
    assert (found.device, found.at, found.values) == ("m7", RECEIVED_AT, {"Ua": 231.5})
    assert (found.is_piece, found.is_own_time) == (True, False)


@pytest.mark.parametrize(
    ("form", "given", "at"),
    [
        ("s", AT, AT),
        ("s", str(int(AT)), AT),
        ("ms", AT * 1000 + 250, AT + 0.25),
        ("iso", "2026-11-26T08:00:00Z", AT),
        ("iso", "2026-11-26 16:00:00", AT),
    ],
)
def test_times_as_gateways_write_them(form: str, given: Any, at: float) -> None:
    assert datetime.fromtimestamp(AT, UTC).isoformat() == "2026-11-26T08:00:00+00:00"
    assert readings_of({"ts": given, "Ua": 1}, time_form=form) == [("m7", at, {"Ua": 1.0})]


@pytest.mark.parametrize(
    ("payload", "texts", "code"),
    [
        (b"{", {}, "payload_unreadable"),
        (b"\xff\xfe", {}, "payload_unreadable"),
        (b"[" * 100_000, {}, "payload_unreadable"),
        (b" " * (1024 * 1024 + 1), {}, "payload_large"),
        ({"Ua": 1}, {}, "time_missing"),
        ({"ts": None, "Ua": 1}, {}, "time_missing"),
        ({"ts": "soon", "Ua": 1}, {}, "time_unreadable"),
        ({"ts": 1e30, "Ua": 1}, {}, "time_unreadable"),
        ({"ts": True, "Ua": 1}, {}, "time_unreadable"),
        ({"ts": {}, "Ua": 1}, {"time_form": "iso"}, "time_unreadable"),
        ({"ts": AT, "Ua": {}}, {"time_form": "s"}, "not_a_number"),
        ({"ts": AT, "Ua": "1,5"}, {"time_form": "s"}, "not_a_number"),
        (b'{"ts": 1795680000, "Ua": NaN}', {"time_form": "s"}, "not_a_number"),
        (b'{"ts": 1795680000, "Ua": 1e400}', {"time_form": "s"}, "not_a_number"),
        ({"ts": AT, "Ua": 10**400}, {"time_form": "s"}, "not_a_number"),
        ({"ts": AT}, {"time_form": "s"}, "values_missing"),
        ({"ts": AT, "Ua": 1}, {"device_key": "{id}"}, "device_missing"),
        ({"ts": AT, "id": "x" * 41, "Ua": 1}, {"device_key": "{id}"}, "device_unreadable"),
        ({"ts": AT}, {"records_path": "meters"}, "records_missing"),
        (17, {}, "time_missing"),
        ([17, None], {}, "time_missing"),
    ],
)
def test_a_message_that_is_wrong_costs_itself(
    payload: Any, texts: dict[str, str], code: str
) -> None:
    outcome = outcome_of(payload, **texts)

    assert outcome.readings == []
    assert code in [fault.code for fault in outcome.faults]
    assert {fault.code for fault in outcome.faults} <= set(MessageFault.values)


def test_a_value_that_is_wrong_costs_itself() -> None:
    outcome = outcome_of({"ts": AT, "Ua": 1, "Ub": "?"}, time_form="s", points="Ua\nUb")

    assert [one.values for one in outcome.readings] == [{"Ua": 1.0}]
    assert [(fault.code, fault.about) for fault in outcome.faults] == [("not_a_number", "Ub")]


def test_a_retained_message_without_a_time_is_of_no_time() -> None:
    told = outcome_of({"Ua": 1}, time_path="", is_retained=True)
    timed = outcome_of({"ts": AT, "Ua": 1}, time_form="s", is_retained=True)

    assert [fault.code for fault in told.faults] == ["retained_untimed"]
    assert [one.at for one in timed.readings] == [AT]


def test_a_topic_that_no_mapping_fits_is_told() -> None:
    assert [f.code for f in outcome_of({}, sent_to="other").faults] == ["topic_unmapped"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("tsUab"), below),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(_JSON, st.sampled_from(["s", "ms", "iso"]), st.sampled_from(["", "a", "*", "*.*"]))
def test_no_message_can_stop_the_reader(document: Any, form: str, records: str) -> None:
    outcome = outcome_of(
        document, time_path="t", time_form=form, records_path=records, points="U = Ua\na.b = Ub"
    )

    assert {fault.code for fault in outcome.faults} <= set(MessageFault.values)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.text(max_size=30))
def test_no_text_can_stop_the_one_who_reads_mappings(text: str) -> None:
    for field in ("topic", "device_key", "points", "aliases", "records_path", "time_path"):
        with suppress(MappingWrong):
            outcome_of({"ts": AT, "Ua": 1}, **{field: text})

"""The vectorised evaluator and the plain reference say the same about anything."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.rules.evaluator import Admission, Evaluator, Outcome
from alarms.rules.specs import Facts, Override, RuleSpec, overridden
from alarms.tests.reference import Reference, single

CODES = ("Ua", "Ub", "Uc", "X", "D")
LAYOUT = 7

# Few distinct values, many of them on the limits themselves.
numbers = st.sampled_from([0.0, 45.0, 46.1, 50.0, 65.0, 70.0, 80.0, 100.0, 100.1, 120.0, 246.1])
samples = st.one_of(numbers, st.just(math.nan), st.floats(-10, 300, width=32))
digits = st.sampled_from([0.0, 1.0, 1.0, math.nan])
delays = st.sampled_from([0.0, 1.0, 10.0, 25.0])
maybe = st.one_of(st.none(), st.sampled_from([0.0, 60.0, 100.0, 230.0]))


@st.composite
def limit_rules(draw: st.DrawFn, pk: int) -> RuleSpec:
    level = draw(st.sampled_from(["hh", "h", "l", "ll"]))
    threshold, reset = sorted(draw(st.tuples(numbers, numbers)), reverse=level in ("hh", "h"))
    measure = draw(st.sampled_from(["each", "largest", "smallest", "offset"]))
    return RuleSpec(
        id=pk,
        kind="limit",
        level=level,
        codes=tuple(draw(st.lists(st.sampled_from([*CODES[:4], "Z"]), min_size=1, unique=True))),
        measure=measure,
        basis=draw(st.sampled_from(["absolute", "nominal_voltage", "rated_current"])),
        severity="major",
        threshold=threshold,
        reset=reset,
        reference=50.0 if measure == "offset" else None,
        delay_s=draw(delays),
        reset_delay_s=draw(delays),
        circuit_kinds=draw(st.sampled_from([(), ("feeder",), ("incomer", "none")])),
    )


@st.composite
def digital_rules(draw: st.DrawFn, pk: int) -> RuleSpec:
    return RuleSpec(
        id=pk,
        kind="digital",
        codes=("D",),
        severity="minor",
        to_value=draw(st.sampled_from([0, 1])),
        delay_s=draw(delays),
        reset_delay_s=draw(delays),
    )


@st.composite
def phase_rules(draw: st.DrawFn, pk: int) -> RuleSpec:
    return RuleSpec(
        id=pk,
        kind="phase_loss",
        codes=("Ua", "Ub", "Uc"),
        severity="critical",
        basis=draw(st.sampled_from(["absolute", "nominal_voltage"])),
        threshold=50.0,
        guard=65.0,
        reset=70.0,
        delay_s=draw(delays),
        reset_delay_s=draw(delays),
    )


def rules(pk: int) -> st.SearchStrategy[RuleSpec]:
    return st.one_of(limit_rules(pk), digital_rules(pk), phase_rules(pk))


overrides = st.one_of(
    st.none(),
    st.builds(
        Override,
        threshold=st.one_of(st.none(), numbers),
        reset=st.one_of(st.none(), numbers),
        delay_s=st.one_of(st.none(), delays),
        reset_delay_s=st.one_of(st.none(), delays),
        is_enabled=st.sampled_from([None, None, True, False]),
    ),
)


@st.composite
def cases(draw: st.DrawFn):
    specs = [draw(rules(pk)) for pk in range(1, draw(st.integers(1, 4)) + 1)]
    facts = {
        pk: Facts(
            device_id=pk,
            step_s=10.0,
            nominal_v=draw(st.sampled_from([None, 100.0, 230.0])),
            rated_current_a=draw(st.sampled_from([None, 100.0])),
            circuit_kind=draw(st.sampled_from(["feeder", "incomer", "none"])),
            steps_s=draw(st.sampled_from([{}, {"X": 30.0}])),
            missing=frozenset(draw(st.sampled_from([(), ("Ub",), ("X", "D")]))),
        )
        for pk in range(1, draw(st.integers(1, 3)) + 1)
    }
    said = {
        (device, spec.id): (draw(overrides), draw(overrides)) for device in facts for spec in specs
    }
    rows = []
    clock = dict.fromkeys(facts, 1000.0)
    for _row in range(draw(st.integers(1, 30))):
        device = draw(st.sampled_from(sorted(facts)))
        clock[device] += draw(
            st.sampled_from([10.0, 10.0, 10.0, 5.0, 0.0, -10.0, 30.0, 31.0, 95.0])
        )
        values = [single(draw(samples)) for _code in CODES[:4]] + [draw(digits)]
        rows.append((device, clock[device], values, draw(st.sampled_from([True] * 5 + [False]))))
    batches = []
    while rows:
        size = draw(st.integers(1, 12))
        batches.append(rows[:size])
        rows = rows[size:]
    return specs, facts, said, batches


def evaluate(specs, facts, said, batches) -> tuple[list, Outcome, Evaluator]:
    evaluator = Evaluator(specs)
    evaluator.admit(
        LAYOUT,
        CODES,
        [
            Admission(
                facts=facts[pk],
                specs=tuple(overridden(spec, *said[pk, spec.id]) for spec in specs),
            )
            for pk in facts
        ],
    )
    total = Outcome()
    for batch in batches:
        outcome = Outcome()
        evaluator.evaluate(
            layout_id=LAYOUT,
            device_ids=np.array([row[0] for row in batch], np.int64),
            at=np.array([row[1] for row in batch], np.float64),
            values=np.array([row[2] for row in batch], np.float32),
            usable=np.array([row[3] for row in batch], np.bool_),
            outcome=outcome,
        )
        total.events += outcome.events
        total.pending |= outcome.pending
        for event in outcome.events:
            total.peaks.pop(event.spot, None)
        total.peaks |= outcome.peaks
    events = [
        (e.device_id, e.spec.id, e.point_code, e.is_raised, e.at, e.value) for e in total.events
    ]
    return events, total, evaluator


@settings(max_examples=120, deadline=None)
@given(cases())
def test_evaluator_agrees_with_reference(case) -> None:
    specs, facts, said, batches = case
    reference = Reference(specs, facts, said, CODES)
    for batch in batches:
        for device, at, values, usable in batch:
            reference.feed(device, at, values, usable=usable)

    events, outcome, _evaluator = evaluate(specs, facts, said, batches)

    def rounded(rows):
        return sorted((*row[:5], single(row[5])) for row in rows)

    assert rounded(events) == rounded(reference.events)
    running = {
        spot: (towards, since)
        for spot, found in outcome.pending.items()
        if found is not None
        for towards, since in [found]
    }
    assert running == {
        spot: (not memory.is_active, memory.since)
        for spot, memory in reference.memory.items()
        if memory.since is not None
    }
    for spot, (_at, value) in outcome.peaks.items():
        assert single(value) == single(reference.memory[spot].peak)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_splitting_a_batch_changes_nothing(case) -> None:
    specs, facts, said, batches = case
    rows = [row for batch in batches for row in batch]

    at_once, _outcome, _one = evaluate(specs, facts, said, [rows])
    one_by_one, _outcome, _other = evaluate(specs, facts, said, [[row] for row in rows])

    assert sorted(at_once) == sorted(one_by_one)

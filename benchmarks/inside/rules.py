"""The evaluator alone, on a district's samples minute by minute."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarms.rules.evaluator import Admission, Evaluator, Outcome
from alarms.rules.specs import Facts, RuleSpec
from alarms.services.admission import read_rulebook
from benchmarks.inside.district import VALUES
from benchmarks.inside.facts import arguments, make_tables, report

LAYOUT, PERIOD_S = 1, 60
SEED = 20_261_127
# One meter in so many loses a phase for so long, then another one.
EVENT_OF, EVENT_MINUTES = 450, 4
CODES = tuple(code for code, _middle, _half in VALUES)


def main() -> None:
    """Measure and report."""
    parser = arguments("The rules that ship, on samples.")
    parser.add_argument("--devices", type=int, default=50_000, help="meters of 36 values (50000)")
    parser.add_argument("--minutes", type=int, default=10, help="samples of each (10)")
    options = parser.parse_args()
    make_tables()
    specs = read_rulebook().specs
    evaluator = Evaluator(specs)
    evaluator.admit(LAYOUT, CODES, [_admission(pk, specs) for pk in range(options.devices)])
    checks = _applicable(evaluator)
    found = Outcome()
    dice = np.random.default_rng(SEED)
    # What is there once and for all is no cost of a sample.
    _minute(evaluator, options.devices, -1, dice, Outcome())
    seconds = [_minute(evaluator, options.devices, n, dice, found) for n in range(options.minutes)]
    evaluations = round(found.rows * checks)
    report(
        "rules",
        {
            "cpu_s_per_million": round(1e6 * sum(seconds) / evaluations, 4),
            "cpu_us_per_sample": round(1e6 * sum(seconds) / found.rows, 2),
            "cpu_counted": "this process, user and system; making the samples is left out",
            "rules": len(specs),
            "checks_per_sample": checks,
            "devices": options.devices,
            "samples": found.rows,
            "samples_per_batch": -(-options.devices // PERIOD_S),
            "evaluations": evaluations,
            "events": len(found.events),
        },
        options.json,
    )


def _admission(pk: int, specs: tuple[RuleSpec, ...]) -> Admission:
    facts = Facts(
        device_id=pk,
        step_s=PERIOD_S,
        nominal_v=231.0,
        rated_current_a=400.0,
        rated_kva=1000.0,
        circuit_kind="feeder" if pk % 3 else "incomer",
    )
    return Admission(facts=facts, specs=specs)


def _applicable(evaluator: Evaluator) -> float:
    """Checks that apply, of a device in the mean."""
    (track,) = evaluator._tracks.values()  # noqa: SLF001 - nobody else asks
    return round(float((~np.isnan(track.plan.limits[:, 0])).sum(axis=1).mean()), 2)


def _minute(
    evaluator: Evaluator, devices: int, minute: int, dice: np.random.Generator, found: Outcome
) -> float:
    """A sample of every device in sixty batches; CPU seconds of judging them."""
    spent = 0.0
    for second in range(PERIOD_S):
        ids = np.arange(second, devices, PERIOD_S)
        values = _samples(ids, minute, dice)
        at = np.full(len(ids), 1e9 + minute * PERIOD_S + second)
        usable = np.ones(len(ids), np.bool_)
        begun = time.process_time()
        evaluator.evaluate(
            layout_id=LAYOUT, device_ids=ids, at=at, values=values, usable=usable, outcome=found
        )
        spent += time.process_time() - begun
    return spent


def _samples(ids: NDArray[np.int64], minute: int, dice: np.random.Generator) -> NDArray[np.float32]:
    """float32[devices, values] in the normal range; of few a phase is lost."""
    middles: NDArray[Any] = np.array([middle for _code, middle, _half in VALUES])
    halves: NDArray[Any] = np.array([half for _code, _middle, half in VALUES])
    values = (middles + halves * dice.uniform(-1, 1, (len(ids), len(VALUES)))).astype(np.float32)
    values[(ids + minute // EVENT_MINUTES) % EVENT_OF == 0, CODES.index("Ua")] = 1.0
    return values

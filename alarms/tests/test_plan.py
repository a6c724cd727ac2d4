"""Limits are worked out once for devices that are alike, and for each that is not."""

from alarms.rules.plan import THRESHOLD, Plan
from alarms.rules.specs import Facts, RuleSpec

RULE = RuleSpec(
    id=1,
    kind="limit",
    codes=("Ua",),
    severity="major",
    level="h",
    basis="nominal_voltage",
    threshold=110.0,
    reset=108.0,
)
STRICTER = (RuleSpec(**{**{n: getattr(RULE, n) for n in RuleSpec.__slots__}, "threshold": 105.0}),)
SPECS = (RULE,)


def facts(device_id: int, nominal_v: float) -> Facts:
    return Facts(device_id=device_id, step_s=60.0, nominal_v=nominal_v)


def limits(plan: Plan, *device_ids: int) -> list[float | None]:
    return [plan.limit(plan.slots[pk], 0) for pk in device_ids]


def test_each_device_has_the_limits_of_its_kind() -> None:
    plan = Plan(("Ua",), SPECS)

    plan.add([(facts(1, 230), SPECS), (facts(2, 220), SPECS), (facts(3, 230), SPECS)])
    plan.add([(facts(4, 230), STRICTER), (facts(5, 220), SPECS)])

    assert limits(plan, 1, 2, 3, 4, 5) == [253.0, 242.0, 253.0, 241.5, 242.0]


def test_who_changes_its_kind_leaves_the_others_as_they_are() -> None:
    plan = Plan(("Ua",), SPECS)
    plan.add([(facts(1, 230), SPECS)])

    plan.add([(facts(1, 220), SPECS), (facts(2, 230), SPECS)])

    assert limits(plan, 1, 2) == [242.0, 253.0]
    assert len(plan.limits[:, THRESHOLD]) >= 2

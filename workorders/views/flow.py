"""The way of an order or a task as a row of steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import TextChoices


@dataclass(frozen=True, slots=True)
class Step:
    """One step: passed, present, or still to come."""

    label: str
    is_done: bool = False
    is_now: bool = False
    is_stopped: bool = False


def flow_of(
    state: str,
    way: Sequence[TextChoices],
    cancelled: TextChoices,
    beside: dict[TextChoices, TextChoices] | None = None,
) -> list[Step]:
    """The usual way with the present state marked; `beside` puts a state in another's place."""
    if state == cancelled:
        return [Step(str(way[0].label), is_done=True), Step(str(cancelled.label), is_stopped=True)]
    labels = {step: str(step.label) for step in way}
    present = state
    for aside, step in (beside or {}).items():
        if state == aside:
            present, labels[step] = step.value, str(aside.label)
    place = [step.value for step in way].index(present)
    is_over = place == len(way) - 1
    return [
        Step(labels[step], is_done=n < place or is_over, is_now=n == place and not is_over)
        for n, step in enumerate(way)
    ]

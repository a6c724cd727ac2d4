"""What can be said over the control socket."""

from collections.abc import Callable, Mapping
from typing import Any

from devices.drivers.simulator.faults import FAULTS, Fault
from devices.drivers.simulator.world import World

Facts = dict[str, Any]


class Console:
    """Commands on a world. Each takes the rest of the JSON object and returns an answer.

    list · status · values {target} · start {fault, target, duration_s?, ramp_s?, level?, phase?} ·
    stop {fault?, target?, number?} · replay {track?, row? | step? | time? | play_s?}
    """

    def __init__(self, world: World, requests: Callable[[], Mapping[str, int]]) -> None:
        self._world = world
        self._requests = requests
        self.play_s: float | None = None
        self._commands: dict[str, Callable[[Facts], Mapping[str, Any]]] = {
            "list": self._list,
            "status": self._status,
            "values": self._values,
            "start": self._start,
            "stop": self._stop,
            "replay": self._replay,
        }

    def handle(self, facts: Facts) -> Mapping[str, Any]:
        """Carry out one command. Raises ValueError with a text for the sender."""
        name = facts.pop("cmd", None)
        if name not in self._commands:
            raise ValueError(f"no command {name!r}; there are: {', '.join(self._commands)}")
        return self._commands[name](facts)

    def _list(self, facts: Facts) -> Mapping[str, Any]:
        return {
            "gateways": [
                {
                    "name": gateway.name,
                    "host": gateway.host,
                    "port": gateway.port,
                    "devices": self._world.names_at(gateway.name),
                }
                for gateway in self._world.gateways
            ],
            "faults": {kind: meaning for kind, (meaning, _) in FAULTS.items()},
        }

    def _status(self, facts: Facts) -> Mapping[str, Any]:
        return {
            "devices": len(self._world.devices),
            "faults": [_shown(fault) for fault in self._world.book.faults.values()],
            "requests": dict(self._requests()),
            "replay": self._positions(),
        }

    def _values(self, facts: Facts) -> Mapping[str, Any]:
        return {"values": self._world.values(str(facts["target"]))}

    def _start(self, facts: Facts) -> Mapping[str, Any]:
        kind, target = str(facts.pop("fault", "")), str(facts.pop("target", ""))
        return {"fault": _shown(self._world.start_fault(kind, target, facts))}

    def _stop(self, facts: Facts) -> Mapping[str, Any]:
        gone = self._world.book.stop(
            kind=facts.get("fault"), target=facts.get("target"), number=facts.get("number")
        )
        return {"stopped": [_shown(fault) for fault in gone]}

    def _replay(self, facts: Facts) -> Mapping[str, Any]:
        tracks = list(self._world.track(facts.get("track")))
        at_end = []
        for track in tracks:
            if "row" in facts:
                track.go_to(int(facts["row"]))
            elif "time" in facts:
                track.go_to_moment(float(facts["time"]))
            elif "step" in facts:
                steps = int(facts["step"])
                at_end += [track.name] * (not all(track.advance() for _ in range(steps)))
        if "play_s" in facts:
            seconds = facts["play_s"]
            self.play_s = None if not seconds else max(0.05, float(seconds))
        return {"replay": self._positions(), "at_end": at_end}

    def _positions(self) -> dict[str, Any]:
        return {name: track.position() for name, track in self._world.tracks.items()}


def _shown(fault: Fault) -> Facts:
    return {
        "number": fault.number,
        "fault": fault.kind,
        "target": fault.target,
        "begins_at": fault.begins_at,
        "ends_at": fault.ends_at,
        "level": fault.level,
        "phase": fault.phase,
    }

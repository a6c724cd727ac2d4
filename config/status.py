"""What runs: `python -m config.status`, called by script/status."""

import sys

from config import env
from config.children import birth_of
from config.supervisor import read_json

ALL_UP, SOME_DOWN, NOTHING_RUNS = 0, 1, 3
GOOD = ("up", "done")


def main() -> int:
    """Print a table; 0 when all is up, 1 when something is not, 3 when nothing runs."""
    state = read_json(env.HOME / "supervisor.json")
    pid = state.get("pid")
    if not isinstance(pid, int) or birth_of(pid) != state.get("birth"):
        sys.stdout.write(f"Nothing runs from {env.HOME}; script/server starts it.\n")
        return NOTHING_RUNS
    sys.stdout.write(f"{state['address']}  since {state['since']}  pid {pid}  {env.HOME}\n\n")
    row = "{:<12} {:>8}  {:<26} {:>8}  {}\n"
    sys.stdout.write(row.format("process", "pid", "since", "restarts", "state"))
    is_good = True
    for process in state["processes"]:
        condition = process["state"]
        child = process["pid"]
        if child is not None and birth_of(child) != process["birth"]:
            condition = "dead"
        is_good = is_good and condition in GOOD
        facts = (process["name"], child or "-", process["since"], process["restarts"], condition)
        sys.stdout.write(row.format(*facts))
    return ALL_UP if is_good else SOME_DOWN


if __name__ == "__main__":
    sys.exit(main())

"""The same meters, read by ThingsBoard's gateway and by us: device reads per CPU second, side by side.

.venv/bin/python benchmarks/peers.py [--meters N] [--rounds N] [--seconds N] [--json FILE]

Installs the gateway of ThingsBoard into an environment of its own in the temporary folder, for which
pip has to reach a package registry. Both read every meter once a second, in turns. Theirs decodes and
publishes over MQTT; ours stores, judges and shows as well, with the CPU of PostgreSQL and Redis
counted: `ratio_vs_thingsboard_gateway`. The poll worker alone stands beside it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("peers"))

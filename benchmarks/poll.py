"""The whole path, flat out: socket → decode → store → latest values → rules, by the real poller.

.venv/bin/python benchmarks/poll.py [--gateways N] [--devices N] [--cycles N] [--json FILE]

One worker polls benchmark meters (one block, 40 points) over connections that another process
serves; then the shipped templates, mixed. `points_per_s_per_core` counts the CPU seconds of the poll
worker; those of PostgreSQL, Redis and the meters stand beside it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("poll"))

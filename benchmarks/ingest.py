"""Decode → store → latest values → rules, without sockets: what is left when meters cost nothing.

.venv/bin/python benchmarks/ingest.py [--devices N] [--cycles N] [--json FILE]

`points_per_s_per_core` counts the CPU seconds of this process; those of PostgreSQL and Redis stand
beside it. `stages` says what a cycle spends where.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("ingest"))

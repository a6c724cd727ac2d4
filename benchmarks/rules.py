"""What it costs to judge samples by the rules that ship, without database or sockets.

.venv/bin/python benchmarks/rules.py [--devices N] [--minutes N] [--json FILE]

`cpu_s_per_million` is CPU seconds of this process per million evaluations: one check of one sample
of one device, hysteresis and delay included. Batches are those of a poll worker's second.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("rules"))

"""A district at work for a quarter of an hour: 17,761 gateways, 53,283 meters of 40 points a minute.

.venv/bin/python benchmarks/district.py [--minutes N] [--shards N] [--json FILE]

One gateway in ten does not answer, one in ten takes 0.3 s. Fifty windows are open and a page is
asked for every second. Every answer of a meter is looked for in the table afterwards.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("collecting"))

"""Ten districts at work: 177,610 gateways, 532,830 meters of 40 points a minute.

.venv/bin/python benchmarks/ten_districts.py [--minutes N] [--shards N] [--json FILE]

`sustained_points_per_s` is the rate without a late cycle for ten minutes. When a cycle was late, a
tenth of the gateways is switched off and the measurement begun anew.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

DEFAULTS = ("--districts", "10", "--minutes", "10", "--shards", "10", "--bare")

if __name__ == "__main__":
    sys.argv[1:1] = DEFAULTS
    sys.exit(launch("collecting"))

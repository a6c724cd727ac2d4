"""How long the pages take on the server in a district of 17,761 enterprises.

.venv/bin/python benchmarks/pages.py [--demo-size] [--rounds N] [--only WORD] [--json FILE]

Builds the 17,761 sites and 53,283 devices of district.py as they are while they are collected, with
newest values, loads, silent gateways, 100,000 alarms and their records, then
asks for each page as a dispatcher of a large company, as a viewer of the whole district, and as an
enterprise. `pages` has the median, the 95th percentile, the queries and the size of each;
`slowest_page_ms` is the largest median.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("pages"))

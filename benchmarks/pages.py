"""How long the pages take on the server in a district of 18,000 enterprises.

.venv/bin/python benchmarks/pages.py [--demo-size] [--rounds N] [--only WORD] [--json FILE]

Builds 18,000 sites, 50,000 devices with their latest values, 100,000 alarms and their records, then
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

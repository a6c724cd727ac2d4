"""What open pages cost: sockets on a real server while batches arrive.

.venv/bin/python benchmarks/sockets.py [--sockets N] [--seconds N] [--hour-in N] [--json FILE]

One uvicorn process holds the sockets of many browsers; each watches a site. First a cycle a second,
as the poll workers publish it: CPU of the server per socket and second, and the delay from
publishing to the browser, which holds the second for which a socket gathers. Then an hour's worth of
cycles in little more than a minute: the memory of the server before and after it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("sockets"))

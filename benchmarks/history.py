"""Storing, compressing and reading history: bytes per point, CPU per million points, curves cold and warm.

.venv/bin/python benchmarks/history.py [--devices N] [--days N] [--json FILE]

`compact_bytes_per_point` is what the table of blocks takes with its indexes, for meters that show
decimals; floats with every bit alive and white noise stand beside it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("history"))

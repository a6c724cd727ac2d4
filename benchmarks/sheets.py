"""A spreadsheet of many devices: export, dry run, import, and what the history of changes costs.

.venv/bin/python benchmarks/sheets.py [--devices N] [--json FILE]

Every device gets a new name: the import writes each row. `seconds_import` is the figure to
compare; the seconds of CPU and the highest memory stand beside it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.launch import launch  # noqa: E402 - the checkout is no package

if __name__ == "__main__":
    sys.exit(launch("sheets"))

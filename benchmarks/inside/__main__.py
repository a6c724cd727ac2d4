"""`python -m benchmarks.inside NAME …`: started by the benchmark's own file, not by hand."""

import sys
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup()
    import_module(f"benchmarks.inside.{sys.argv.pop(1)}").main()

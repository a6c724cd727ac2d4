"""Reads that look down on every app."""

from reports.selectors.frame import Counts, counts, shell

__all__ = ["Counts", "counts", "shell"]

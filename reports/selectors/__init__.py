"""Reads that look down on every app."""

from reports.selectors.figures import Hall, hall
from reports.selectors.frame import Counts, counts, shell

__all__ = ["Counts", "Hall", "counts", "hall", "shell"]

"""Live data: the tree of devices, the live table of one, curves of its points."""

from devices.views.curves import curve, series
from devices.views.pages import live, tree

__all__ = ["curve", "live", "series", "tree"]

"""Series of points for charts of other pages, many meters in one form; live and curves are in reports."""

from devices.views.meters import meters_add
from devices.views.series import live, series

__all__ = ["live", "meters_add", "series"]

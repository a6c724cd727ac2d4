"""Series of points for charts of other pages; the live page and the curves are in reports."""

from devices.views.series import live, series

__all__ = ["live", "series"]

"""Series of points for charts of other pages; the live page and the curves are in reports."""

from devices.views.series import series

__all__ = ["series"]

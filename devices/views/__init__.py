"""Series of points for charts of other pages, many meters in one form; live and curves are in reports."""

from devices.views.commissioning import (
    commission,
    commission_accept,
    commission_accept_all,
    commission_gateway,
    commission_ratio,
    commission_read_all,
    commission_withdraw,
)
from devices.views.meters import meters_add
from devices.views.series import live, series
from devices.views.sources import (
    source_add,
    source_detail,
    source_edit,
    source_list,
    source_renew,
    source_switch,
)

__all__ = [
    "commission",
    "commission_accept",
    "commission_accept_all",
    "commission_gateway",
    "commission_ratio",
    "commission_read_all",
    "commission_withdraw",
    "live",
    "meters_add",
    "series",
    "source_add",
    "source_detail",
    "source_edit",
    "source_list",
    "source_renew",
    "source_switch",
]

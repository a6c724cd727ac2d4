"""What is done to equipment: many meters in one form, data sources, templates; and series for charts.

Live data, curves and the pages that only show equipment are in reports.
"""

from devices.views.clocks import clock_list, clock_switch
from devices.views.commissioning import (
    commission,
    commission_accept,
    commission_accept_all,
    commission_gateway,
    commission_ratio,
    commission_read_all,
    commission_withdraw,
)
from devices.views.control import control_detail, control_list, control_move, control_select
from devices.views.derived import derived_add, derived_edit, derived_inputs, derived_list
from devices.views.exchanges import (
    exchange,
    exchange_photo,
    exchange_photo_add,
    exchange_photo_small,
    exchange_undo,
)
from devices.views.lockouts import (
    control_site,
    control_switch,
    lockout_add,
    lockout_end,
    lockout_list,
)
from devices.views.meters import meters_add
from devices.views.mqtt import (
    source_mapping,
    source_mapping_add,
    source_mapping_remove,
    source_mqtt,
    source_mqtt_edit,
)
from devices.views.repairs import repair, repair_sheet, repair_undo
from devices.views.series import live, series
from devices.views.sources import (
    source_add,
    source_detail,
    source_edit,
    source_list,
    source_renew,
    source_switch,
)
from devices.views.templates import (
    template_clone,
    template_compare,
    template_export,
    template_import,
    template_move,
    template_retire,
    template_unmove,
)

__all__ = [
    "repair",
    "repair_sheet",
    "repair_undo",
    "clock_list",
    "clock_switch",
    "commission",
    "commission_accept",
    "commission_accept_all",
    "commission_gateway",
    "commission_ratio",
    "commission_read_all",
    "commission_withdraw",
    "control_detail",
    "control_list",
    "control_move",
    "control_select",
    "control_site",
    "control_switch",
    "derived_add",
    "derived_edit",
    "derived_inputs",
    "derived_list",
    "exchange",
    "exchange_photo",
    "exchange_photo_add",
    "exchange_photo_small",
    "exchange_undo",
    "live",
    "lockout_add",
    "lockout_end",
    "lockout_list",
    "meters_add",
    "series",
    "source_add",
    "source_detail",
    "source_edit",
    "source_list",
    "source_mapping",
    "source_mapping_add",
    "source_mapping_remove",
    "source_mqtt",
    "source_mqtt_edit",
    "source_renew",
    "source_switch",
    "template_clone",
    "template_compare",
    "template_export",
    "template_import",
    "template_move",
    "template_retire",
    "template_unmove",
]

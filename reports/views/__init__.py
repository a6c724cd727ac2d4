"""Pages that look down on every app: the hall, sites, help, health."""

from reports.views.balance import balance_sheet
from reports.views.changes import change_list, change_object
from reports.views.collection import collection
from reports.views.curve_table import curves_sheet, curves_table
from reports.views.curves import (
    curves,
    curves_branch,
    curves_csv,
    curves_drawer,
    curves_find,
    curves_points,
)
from reports.views.frame import notices, notices_seen, search
from reports.views.gaps import device_collection, site_gaps
from reports.views.gateways import gateway_detail, gateway_list
from reports.views.halls import hall
from reports.views.health import health, health_live, health_ready
from reports.views.help import about, completeness, state_diagrams
from reports.views.live import live, live_branch, live_more, live_read_now
from reports.views.maps import map_popup, map_sites
from reports.views.metrics import metrics
from reports.views.places import site_list
from reports.views.quality import site_quality
from reports.views.sheets import town_sheet
from reports.views.site_pages import site_detail, site_load
from reports.views.templates import template_detail, template_list

__all__ = [
    "about",
    "balance_sheet",
    "change_list",
    "change_object",
    "collection",
    "completeness",
    "curves",
    "curves_branch",
    "curves_csv",
    "curves_drawer",
    "curves_find",
    "curves_points",
    "curves_sheet",
    "curves_table",
    "device_collection",
    "gateway_detail",
    "gateway_list",
    "hall",
    "health",
    "health_live",
    "health_ready",
    "live",
    "live_branch",
    "live_more",
    "live_read_now",
    "map_popup",
    "map_sites",
    "metrics",
    "notices",
    "notices_seen",
    "search",
    "site_detail",
    "site_gaps",
    "site_quality",
    "site_list",
    "site_load",
    "state_diagrams",
    "template_detail",
    "template_list",
    "town_sheet",
]

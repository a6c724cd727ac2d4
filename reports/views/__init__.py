"""Pages that look down on every app: the hall, sites, help, health."""

from reports.views.frame import notices, notices_seen, search
from reports.views.halls import hall
from reports.views.health import health
from reports.views.help import about, completeness, state_diagrams
from reports.views.maps import map_popup, map_sites
from reports.views.places import site_list
from reports.views.sheets import town_sheet
from reports.views.site_pages import site_detail, site_load

__all__ = [
    "about",
    "completeness",
    "hall",
    "health",
    "map_popup",
    "map_sites",
    "notices",
    "notices_seen",
    "search",
    "site_detail",
    "site_list",
    "site_load",
    "state_diagrams",
    "town_sheet",
]

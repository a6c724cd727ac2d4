"""The table of the matrix: routes and admin models with what each person is answered, by app."""

from tests.permission_routes import alarms, devices, project, reports, sites, workorders
from tests.permission_routes.admin import ADMIN, STAFF
from tests.permission_routes.project import ACCOUNTS
from tests.permission_table import Case

__all__ = ["ADMIN", "ANY_METHOD", "ROUTES", "STAFF", "UNTRIED"]

ROUTES: dict[str, list[Case]] = {
    **sites.PAGES,
    **sites.API,
    **devices.PAGES,
    **devices.API,
    **alarms.PAGES,
    **alarms.API,
    **workorders.PAGES,
    **workorders.API,
    **reports.PAGES,
    **reports.API,
    **project.ACCOUNTS,
    **project.PROJECT,
    **project.REST_OF_DJANGO,
}

# Routes that no case tries, each with the reason.
UNTRIED: dict[str, str] = {}

# Routes that answer methods beyond their cases, each with the reason why nothing is open by it.
ANY_METHOD: dict[str, str] = {
    "api-unknown": "Addresses that are none answer 404 to every method, also to nobody.",
    "set_language": "Django's view goes back without a change when it is not asked by POST.",
}
_FORM = "allauth's forms take PUT as they take POST: about oneself, with the same checks."
_PROOF = "allauth asks for a fresh proof of oneself before it looks at the method; tried by GET."
ANY_METHOD |= dict.fromkeys(
    ("account_login", "account_reauthenticate", "account_change_password", "account_set_password"),
    _FORM,
)
ANY_METHOD |= dict.fromkeys((name for name in ACCOUNTS if name.startswith("mfa_")), _PROOF)

"""Places, people, permission."""

from sites.models.access import (
    Access,
    Grant,
    SiteScopedQuerySet,
    access_for,
    forget_access,
)
from sites.models.circuits import Circuit, Transformer
from sites.models.dictionaries import Category, Department, NumberSeries, Town
from sites.models.documents import SiteDocument
from sites.models.jobs import Job
from sites.models.lists import ListChoice, SavedView
from sites.models.people import Organisation, Team, User
from sites.models.places import (
    Enterprise,
    Room,
    Site,
    phase_nominal_v,
)
from sites.models.tokens import ApiToken, SignInRefusal

__all__ = [
    "Access",
    "ApiToken",
    "Category",
    "Circuit",
    "Department",
    "Enterprise",
    "Grant",
    "Job",
    "ListChoice",
    "NumberSeries",
    "Organisation",
    "Room",
    "SavedView",
    "SignInRefusal",
    "Site",
    "SiteDocument",
    "SiteScopedQuerySet",
    "Team",
    "Town",
    "Transformer",
    "User",
    "access_for",
    "forget_access",
    "phase_nominal_v",
]

"""REST: signing in, oneself, background jobs, sites and their files."""

from django.urls import path

from sites.api import documents
from sites.api.jobs import JobCancelEndpoint, JobEndpoint, JobFileEndpoint, JobsEndpoint
from sites.api.me import MeEndpoint
from sites.api.places import SiteEndpoint, SitesEndpoint
from sites.api.sheets import (
    SheetChecksEndpoint,
    SheetConfirmEndpoint,
    SheetExportsEndpoint,
    SheetsEndpoint,
    SheetTemplateEndpoint,
)
from sites.api.tokens import CurrentTokenEndpoint, TokenEndpoint, TokensEndpoint
from sites.api.views import SavedViewEndpoint, SavedViewsEndpoint

urlpatterns = [
    *documents.urlpatterns,
    path("tokens/", TokensEndpoint.as_view(), name="api-tokens"),
    path("tokens/current/", CurrentTokenEndpoint.as_view(), name="api-token-current"),
    path("tokens/<int:pk>/", TokenEndpoint.as_view(), name="api-token"),
    path("me/", MeEndpoint.as_view(), name="api-me"),
    path("jobs/", JobsEndpoint.as_view(), name="api-jobs"),
    path("jobs/<int:pk>/", JobEndpoint.as_view(), name="api-job"),
    path("jobs/<int:pk>/cancel/", JobCancelEndpoint.as_view(), name="api-job-cancel"),
    path("jobs/<int:pk>/file/", JobFileEndpoint.as_view(), name="api-job-file"),
    path("sheets/", SheetsEndpoint.as_view(), name="api-sheets"),
    path("sheets/template/", SheetTemplateEndpoint.as_view(), name="api-sheet-template"),
    path("sheets/exports/", SheetExportsEndpoint.as_view(), name="api-sheet-exports"),
    path("sheets/checks/", SheetChecksEndpoint.as_view(), name="api-sheet-checks"),
    path(
        "sheets/checks/<int:pk>/confirm/", SheetConfirmEndpoint.as_view(), name="api-sheet-confirm"
    ),
    path("sites/", SitesEndpoint.as_view(), name="api-sites"),
    path("sites/<int:pk>/", SiteEndpoint.as_view(), name="api-site"),
    path("views/", SavedViewsEndpoint.as_view(), name="api-views"),
    path("views/<int:pk>/", SavedViewEndpoint.as_view(), name="api-view"),
]

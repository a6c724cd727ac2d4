"""REST of what looks down on every app: the hall's figures, what a site is like, changes."""

from django.urls import path

from reports.api import collection, completeness, curve_tables, curves, gaps, hall, places, quality
from reports.api.changes import ChangesEndpoint

urlpatterns = [
    *hall.urlpatterns,
    *completeness.urlpatterns,
    *collection.urlpatterns,
    *gaps.urlpatterns,
    *quality.urlpatterns,
    *places.urlpatterns,
    path("changes/", ChangesEndpoint.as_view(), name="api-changes"),
    *curves.urlpatterns,
    *curve_tables.urlpatterns,
]

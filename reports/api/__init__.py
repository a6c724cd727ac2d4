"""REST of what looks down on every app: the hall's figures, and what a site is like."""

from reports.api import completeness, hall, places

urlpatterns = [*hall.urlpatterns, *completeness.urlpatterns, *places.urlpatterns]

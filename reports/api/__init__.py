"""REST of what looks down on every app: the hall's figures, data completeness of sites."""

from reports.api import completeness, hall

urlpatterns = [*hall.urlpatterns, *completeness.urlpatterns]

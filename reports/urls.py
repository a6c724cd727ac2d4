"""Addresses of the app's pages."""

from django.urls import path

from reports import views

app_name = "reports"
urlpatterns = [
    path("", views.hall, name="hall"),
    path("towns.csv", views.town_sheet, name="town-sheet"),
    path("map/sites/", views.map_sites, name="map-sites"),
    path("map/sites/<int:pk>/", views.map_popup, name="map-popup"),
    path("sites/", views.site_list, name="site-list"),
    path("sites/<int:pk>/", views.site_detail, name="site-detail"),
    path("search/", views.search, name="search"),
    path("notices/", views.notices, name="notices"),
    path("notices/seen/", views.notices_seen, name="notices-seen"),
    path("sites/<int:pk>/load/", views.site_load, name="site-load"),
    path("help/states/", views.state_diagrams, name="state-diagrams"),
    path("help/completeness/", views.completeness, name="completeness-help"),
    path("about/", views.about, name="about"),
    path("health/", views.health, name="health"),
]

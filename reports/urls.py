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
    path("gateways/", views.gateway_list, name="gateway-list"),
    path("gateways/<int:pk>/", views.gateway_detail, name="gateway-detail"),
    path("templates/", views.template_list, name="template-list"),
    path("templates/<slug:key>/", views.template_detail, name="template-detail"),
    path("search/", views.search, name="search"),
    path("notices/", views.notices, name="notices"),
    path("notices/seen/", views.notices_seen, name="notices-seen"),
    path("sites/<int:pk>/load/", views.site_load, name="site-load"),
    path("sites/<int:pk>/balance/", views.balance_sheet, name="balance-sheet"),
    path("sites/<int:pk>/gaps/", views.site_gaps, name="site-gaps"),
    path("sites/<int:pk>/quality/", views.site_quality, name="site-quality"),
    path("devices/<int:pk>/collection/", views.device_collection, name="device-collection"),
    path("live/", views.live, name="live"),
    path("live/tree/<int:pk>/", views.live_branch, name="live-branch"),
    path("live/more/", views.live_more, name="live-more"),
    path("live/read-now/<int:pk>/", views.live_read_now, name="live-read-now"),
    path("curves/", views.curves, name="curves"),
    path("curves/drawer/", views.curves_drawer, name="curves-drawer"),
    path("curves/find/", views.curves_find, name="curves-find"),
    path("curves/site/<int:pk>/", views.curves_branch, name="curves-branch"),
    path("curves/device/<int:pk>/", views.curves_points, name="curves-points"),
    path("curves/table/", views.curves_table, name="curves-table"),
    path("curves/sheet/", views.curves_sheet, name="curves-sheet"),
    path("curves/csv/", views.curves_csv, name="curves-csv"),
    path("help/states/", views.state_diagrams, name="state-diagrams"),
    path("help/completeness/", views.completeness, name="completeness-help"),
    path("changes/", views.change_list, name="change-list"),
    path("changes/<slug:kind>/<int:pk>/", views.change_object, name="change-object"),
    path("about/", views.about, name="about"),
    path("collection/", views.collection, name="collection"),
    path("health/", views.health, name="health"),
    path("health/live/", views.health_live, name="health-live"),
    path("health/ready/", views.health_ready, name="health-ready"),
    path("metrics", views.metrics, name="metrics"),
]

"""Addresses of the app's pages."""

from django.urls import path

from devices import views

app_name = "devices"
urlpatterns = [
    path("meters/add/", views.meters_add, name="meters-add"),
    path("sources/", views.source_list, name="source-list"),
    path("sources/add/", views.source_add, name="source-add"),
    path("sources/<int:pk>/", views.source_detail, name="source-detail"),
    path("sources/<int:pk>/edit/", views.source_edit, name="source-edit"),
    path("sources/<int:pk>/renew/", views.source_renew, name="source-renew"),
    path("sources/<int:pk>/switch/", views.source_switch, name="source-switch"),
    path("live/series/", views.series, name="series"),
    path("live/open/", views.live, name="live"),
]

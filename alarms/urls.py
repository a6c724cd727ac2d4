"""Addresses of the app's pages."""

from django.urls import path

from alarms import views

app_name = "alarms"
urlpatterns = [
    path("alarms/", views.alarm_list, name="alarm-list"),
    path("alarms/sheet/", views.alarm_sheet, name="alarm-sheet"),
    path("alarms/bulk/<slug:move>/", views.alarm_bulk, name="alarm-bulk"),
    path("alarms/undo/", views.alarm_undo, name="alarm-undo"),
    path("alarms/photos/<int:pk>/", views.photo_image, name="photo-image"),
    path("alarms/photos/<int:pk>/small/", views.photo_thumbnail, name="photo-thumbnail"),
    path("alarms/<int:pk>/curve/", views.alarm_curve, name="alarm-curve"),
    path("alarms/<int:pk>/preview/", views.alarm_preview, name="alarm-preview"),
    path("alarms/<int:pk>/", views.alarm_detail, name="alarm-detail"),
    path("alarms/<int:pk>/verify/", views.alarm_verify, name="alarm-verify"),
    path("alarms/<int:pk>/ignore/", views.alarm_ignore, name="alarm-ignore"),
    path("alarms/<int:pk>/archive/", views.alarm_archive, name="alarm-archive"),
    path("alarms/<int:pk>/comment/", views.alarm_comment, name="alarm-comment"),
]

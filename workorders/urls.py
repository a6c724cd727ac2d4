"""Addresses of the app's pages."""

from django.urls import path

from workorders import views

app_name = "workorders"
urlpatterns = [
    path("orders/", views.order_list, name="order-list"),
    path("orders/new/", views.order_create, name="order-create"),
    path("orders/<int:pk>/", views.order_detail, name="order-detail"),
    path("orders/<int:pk>/move/<slug:move>/", views.order_move, name="order-move"),
    path("orders/<int:pk>/note/", views.order_note, name="order-note"),
    path("orders/<int:pk>/photos/", views.photo_add, name="photo-add"),
    path("orders/photos/<int:pk>/", views.photo_image, name="photo-image"),
    path("orders/photos/<int:pk>/small/", views.photo_thumbnail, name="photo-thumbnail"),
]

"""Addresses of the app's pages."""

from django.urls import path

from workorders import views

app_name = "workorders"
urlpatterns = [
    path("orders/", views.order_list, name="order-list"),
]

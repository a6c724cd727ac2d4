"""Addresses of the app's pages."""

from django.urls import path

from workorders import views

app_name = "workorders"
urlpatterns = [
    path("orders/", views.order_list, name="order-list"),
    path("orders/board/", views.order_board, name="order-board"),
    path("orders/from-alarms/", views.orders_from_alarms, name="orders-from-alarms"),
    path("orders/new/", views.order_create, name="order-create"),
    path("orders/<int:pk>/", views.order_detail, name="order-detail"),
    path("orders/<int:pk>/print/", views.order_print, name="order-print"),
    path("orders/<int:pk>/ask/<slug:move>/", views.order_ask, name="order-ask"),
    path("orders/<int:pk>/drop/<slug:state>/", views.order_drop, name="order-drop"),
    path("orders/<int:pk>/move/<slug:move>/", views.order_move, name="order-move"),
    path("orders/<int:pk>/note/", views.order_note, name="order-note"),
    path("orders/<int:pk>/photos/", views.photo_add, name="photo-add"),
    path("orders/photos/<int:pk>/", views.photo_image, name="photo-image"),
    path("orders/photos/<int:pk>/small/", views.photo_thumbnail, name="photo-thumbnail"),
    path("tasks/", views.task_list, name="task-list"),
    path("tasks/new/", views.task_create, name="task-create"),
    path("tasks/<int:pk>/", views.task_detail, name="task-detail"),
    path("tasks/<int:pk>/print/", views.task_print, name="task-print"),
    path("tasks/<int:pk>/move/<slug:move>/", views.task_move, name="task-move"),
    path("tasks/<int:pk>/edit/", views.task_edit, name="task-edit"),
    path("tasks/<int:pk>/note/", views.task_note, name="task-note"),
    path("tasks/<int:pk>/photos/", views.task_photo_add, name="task-photo-add"),
    path("tasks/photos/<int:pk>/", views.task_photo_image, name="task-photo-image"),
    path("tasks/photos/<int:pk>/small/", views.task_photo_thumbnail, name="task-photo-thumbnail"),
    path("plans/", views.plan_list, name="plan-list"),
    path("plans/new/", views.plan_create, name="plan-create"),
    path("plans/preview/", views.plan_preview, name="plan-preview"),
    path("plans/<int:pk>/", views.plan_detail, name="plan-detail"),
    path("plans/<int:pk>/edit/", views.plan_edit, name="plan-edit"),
    path("plans/<int:pk>/enable/", views.plan_enable, name="plan-enable"),
    path("calendar/", views.calendar, name="calendar"),
    path("work/", views.my_work, name="my-work"),
]

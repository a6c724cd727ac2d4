"""Addresses of the app's pages."""

from django.urls import path

from devices import views

app_name = "devices"
urlpatterns = [
    path("meters/add/", views.meters_add, name="meters-add"),
    path("commissioning/devices/<int:pk>/", views.commission, name="commission"),
    path("commissioning/devices/<int:pk>/ratio/", views.commission_ratio, name="commission-ratio"),
    path(
        "commissioning/devices/<int:pk>/accept/", views.commission_accept, name="commission-accept"
    ),
    path(
        "commissioning/acceptances/<int:pk>/withdraw/",
        views.commission_withdraw,
        name="commission-withdraw",
    ),
    path("commissioning/gateways/<int:pk>/", views.commission_gateway, name="commission-gateway"),
    path(
        "commissioning/gateways/<int:pk>/read/",
        views.commission_read_all,
        name="commission-read-all",
    ),
    path(
        "commissioning/gateways/<int:pk>/accept/",
        views.commission_accept_all,
        name="commission-accept-all",
    ),
    path("control/", views.control_list, name="control-list"),
    path("control/select/", views.control_select, name="control-select"),
    path("control/<int:pk>/", views.control_detail, name="control-detail"),
    path("control/<int:pk>/<slug:move>/", views.control_move, name="control-move"),
    path("sites/<int:pk>/control/", views.control_site, name="control-site"),
    path("sites/<int:pk>/control/switch/", views.control_switch, name="control-switch"),
    path("sites/<int:pk>/control/clocks/", views.clock_switch, name="clock-switch"),
    path("sites/<int:pk>/derived/", views.derived_list, name="derived-list"),
    path("sites/<int:pk>/derived/add/", views.derived_add, name="derived-add"),
    path("derived/<int:pk>/", views.derived_edit, name="derived-edit"),
    path("derived/devices/<int:pk>/", views.derived_inputs, name="derived-inputs"),
    path("clocks/", views.clock_list, name="clock-list"),
    path("lockouts/", views.lockout_list, name="lockout-list"),
    path("lockouts/add/", views.lockout_add, name="lockout-add"),
    path("lockouts/<int:pk>/end/", views.lockout_end, name="lockout-end"),
    path("exchanges/devices/<int:pk>/", views.exchange, name="exchange"),
    path("repairs/devices/<int:pk>/", views.repair, name="repair"),
    path("repairs/devices/<int:pk>/sheet/", views.repair_sheet, name="repair-sheet"),
    path("repairs/<int:pk>/undo/", views.repair_undo, name="repair-undo"),
    path("exchanges/<int:pk>/undo/", views.exchange_undo, name="exchange-undo"),
    path("exchanges/<int:pk>/photos/", views.exchange_photo_add, name="exchange-photo-add"),
    path("exchanges/photos/<int:pk>/", views.exchange_photo, name="exchange-photo"),
    path(
        "exchanges/photos/<int:pk>/small/", views.exchange_photo_small, name="exchange-photo-small"
    ),
    path("sources/", views.source_list, name="source-list"),
    path("sources/add/", views.source_add, name="source-add"),
    path("sources/<int:pk>/", views.source_detail, name="source-detail"),
    path("sources/<int:pk>/edit/", views.source_edit, name="source-edit"),
    path("sources/<int:pk>/renew/", views.source_renew, name="source-renew"),
    path("sources/<int:pk>/switch/", views.source_switch, name="source-switch"),
    path("sources/<int:pk>/mqtt/", views.source_mqtt, name="source-mqtt"),
    path("sources/<int:pk>/mqtt/edit/", views.source_mqtt_edit, name="source-mqtt-edit"),
    path("sources/<int:pk>/mqtt/add/", views.source_mapping_add, name="source-mapping-add"),
    path("sources/mappings/<int:pk>/", views.source_mapping, name="source-mapping"),
    path(
        "sources/mappings/<int:pk>/remove/",
        views.source_mapping_remove,
        name="source-mapping-remove",
    ),
    # Not below /templates/: every word there is a template's key.
    path("template-import/", views.template_import, name="template-import"),
    path("template-unmove/", views.template_unmove, name="template-unmove"),
    path("templates/<slug:key>/compare/", views.template_compare, name="template-compare"),
    path("templates/<slug:key>/move/", views.template_move, name="template-move"),
    path("templates/<slug:key>/retire/", views.template_retire, name="template-retire"),
    path("templates/<slug:key>/<int:number>/clone/", views.template_clone, name="template-clone"),
    path(
        "templates/<slug:key>/<int:number>/export.<slug:kind>",
        views.template_export,
        name="template-export",
    ),
    path("live/series/", views.series, name="series"),
    path("live/open/", views.live, name="live"),
]

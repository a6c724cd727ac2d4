"""REST: gateways, devices, points, their values now and over time."""

from django.urls import path

from devices.api.commissioning import AcceptancesEndpoint, TrialEndpoint, WithdrawEndpoint
from devices.api.control import (
    ControlEndpoint,
    ControlLogEndpoint,
    ControlMovesEndpoint,
    ControlsEndpoint,
    LockoutEndEndpoint,
    LockoutsEndpoint,
)
from devices.api.derived import DerivedEndpoint, DerivedSeriesEndpoint, SiteDerivedEndpoint
from devices.api.equipment import (
    DeviceEndpoint,
    DevicesEndpoint,
    GatewayEndpoint,
    GatewaysEndpoint,
    PointsEndpoint,
)
from devices.api.exchange_photos import ExchangePhotosEndpoint, ExchangePictureEndpoint
from devices.api.exchanges import ExchangesEndpoint, UndoEndpoint
from devices.api.ingest import IngestEndpoint
from devices.api.meters import MetersEndpoint
from devices.api.mqtt import BrokerEndpoint, BrokersEndpoint
from devices.api.repairs import RepairsEndpoint, RepairUndoEndpoint
from devices.api.search import SearchEndpoint
from devices.api.templates import (
    TemplateBookEndpoint,
    TemplateCloneEndpoint,
    TemplateDifferenceEndpoint,
    TemplateEndpoint,
    TemplateImportsEndpoint,
    TemplateMoveEndpoint,
    TemplateRetireEndpoint,
    TemplatesEndpoint,
    TemplateVersionEndpoint,
    TemplateYamlEndpoint,
)
from devices.api.values import (
    DeviceLatestEndpoint,
    ReadNowEndpoint,
    SeriesEndpoint,
    SiteLatestEndpoint,
)

urlpatterns = [
    path("control-operations/", ControlsEndpoint.as_view(), name="api-controls"),
    path("control-operations/<int:pk>/", ControlEndpoint.as_view(), name="api-control"),
    path("control-operations/<int:pk>/log/", ControlLogEndpoint.as_view(), name="api-control-log"),
    path(
        "control-operations/<int:pk>/moves/",
        ControlMovesEndpoint.as_view(),
        name="api-control-moves",
    ),
    path("lockouts/", LockoutsEndpoint.as_view(), name="api-lockouts"),
    path("lockouts/<int:pk>/end/", LockoutEndEndpoint.as_view(), name="api-lockout-end"),
    path("ingest/", IngestEndpoint.as_view(), name="api-ingest"),
    path("mqtt-brokers/", BrokersEndpoint.as_view(), name="api-brokers"),
    path("mqtt-brokers/<int:pk>/", BrokerEndpoint.as_view(), name="api-broker"),
    path("search/", SearchEndpoint.as_view(), name="api-search"),
    path("points/", PointsEndpoint.as_view(), name="api-points"),
    path("gateways/", GatewaysEndpoint.as_view(), name="api-gateways"),
    path("gateways/<int:pk>/", GatewayEndpoint.as_view(), name="api-gateway"),
    path("gateways/<int:pk>/meters/", MetersEndpoint.as_view(), name="api-gateway-meters"),
    path("devices/", DevicesEndpoint.as_view(), name="api-devices"),
    path("devices/<int:pk>/", DeviceEndpoint.as_view(), name="api-device"),
    path("devices/<int:pk>/latest/", DeviceLatestEndpoint.as_view(), name="api-device-latest"),
    path("devices/<int:pk>/series/", SeriesEndpoint.as_view(), name="api-device-series"),
    path("devices/<int:pk>/read-now/", ReadNowEndpoint.as_view(), name="api-device-read-now"),
    path("devices/<int:pk>/exchanges/", ExchangesEndpoint.as_view(), name="api-device-exchanges"),
    path("devices/<int:pk>/repairs/", RepairsEndpoint.as_view(), name="api-device-repairs"),
    path("repairs/<int:pk>/undo/", RepairUndoEndpoint.as_view(), name="api-repair-undo"),
    path("exchanges/<int:pk>/undo/", UndoEndpoint.as_view(), name="api-exchange-undo"),
    path(
        "exchanges/<int:pk>/photos/", ExchangePhotosEndpoint.as_view(), name="api-exchange-photos"
    ),
    path(
        "exchanges/photos/<int:pk>/image/",
        ExchangePictureEndpoint.as_view(field="image"),
        name="api-exchange-photo-image",
    ),
    path(
        "exchanges/photos/<int:pk>/thumbnail/",
        ExchangePictureEndpoint.as_view(field="thumbnail"),
        name="api-exchange-photo-thumbnail",
    ),
    path("devices/<int:pk>/trial/", TrialEndpoint.as_view(), name="api-device-trial"),
    path(
        "devices/<int:pk>/acceptances/",
        AcceptancesEndpoint.as_view(),
        name="api-device-acceptances",
    ),
    path(
        "acceptances/<int:pk>/withdraw/",
        WithdrawEndpoint.as_view(),
        name="api-acceptance-withdraw",
    ),
    path("templates/", TemplatesEndpoint.as_view(), name="api-templates"),
    # No template is called "imports" here: the address stands before those of the keys.
    path("templates/imports/", TemplateImportsEndpoint.as_view(), name="api-template-imports"),
    path("templates/<slug:key>/", TemplateEndpoint.as_view(), name="api-template"),
    path(
        "templates/<slug:key>/difference/",
        TemplateDifferenceEndpoint.as_view(),
        name="api-template-difference",
    ),
    path("templates/<slug:key>/move/", TemplateMoveEndpoint.as_view(), name="api-template-move"),
    path(
        "templates/<slug:key>/retire/",
        TemplateRetireEndpoint.as_view(),
        name="api-template-retire",
    ),
    path(
        "templates/<slug:key>/versions/<int:number>/",
        TemplateVersionEndpoint.as_view(),
        name="api-template-version",
    ),
    path(
        "templates/<slug:key>/versions/<int:number>/clone/",
        TemplateCloneEndpoint.as_view(),
        name="api-template-clone",
    ),
    path(
        "templates/<slug:key>/versions/<int:number>/yaml/",
        TemplateYamlEndpoint.as_view(),
        name="api-template-yaml",
    ),
    path(
        "templates/<slug:key>/versions/<int:number>/xlsx/",
        TemplateBookEndpoint.as_view(),
        name="api-template-xlsx",
    ),
    path(
        "sites/<int:pk>/derived-points/",
        SiteDerivedEndpoint.as_view(),
        name="api-site-derived-points",
    ),
    path("derived-points/<int:pk>/", DerivedEndpoint.as_view(), name="api-derived-point"),
    path(
        "derived-points/<int:pk>/series/",
        DerivedSeriesEndpoint.as_view(),
        name="api-derived-point-series",
    ),
    path("sites/<int:pk>/latest/", SiteLatestEndpoint.as_view(), name="api-site-latest"),
]

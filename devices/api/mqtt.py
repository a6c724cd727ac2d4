"""REST: the brokers of data sources, how the bridge to them does, and what their messages mean."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, ListEndpoint, MomentField, Row
from core.errors import Forbidden
from devices import selectors
from devices.api.references import SourceReference
from devices.models import MqttBroker, MqttMapping
from devices.models.mqtt_words import MessageFault
from devices.states import RefusalCode
from sites.api.references import SiteReference
from sites.models import access_for
from sites.rules import Ability


class MappingRow(Row):
    """How messages of a kind of topic become samples; a message is read by the first that fits."""

    class Meta:
        model = MqttMapping
        fields = [
            "id",
            "topic",
            "form",
            "records_path",
            "device_key",
            "time_path",
            "time_form",
            "values_path",
            "name_path",
            "value_path",
            "points",
            "aliases",
            "updated_at",
        ]


class BrokerCounts(serializers.Serializer[Any]):
    """Since the bridge began: messages, and samples by their verdict; given up: at QoS 0."""

    messages = serializers.IntegerField()
    stored = serializers.IntegerField()
    repeated = serializers.IntegerField()
    refused = serializers.IntegerField()
    given_up = serializers.IntegerField()


class MessageFaultRow(serializers.Serializer[Any]):
    """What was wrong with messages, how often, with the last example."""

    code = serializers.ChoiceField(choices=MessageFault.choices)
    about = serializers.CharField()
    count = serializers.IntegerField()
    topic = serializers.CharField()
    example = serializers.CharField()
    at = MomentField()


class StrangerRow(serializers.Serializer[Any]):
    """A device that messages name and that is none of the source's."""

    key = serializers.CharField()
    code = serializers.ChoiceField(choices=RefusalCode.choices)
    count = serializers.IntegerField()
    topic = serializers.CharField()
    at = MomentField()


class BrokerRow(Row):
    """A broker. Its password is never told."""

    source: Any = SourceReference()
    site = SiteReference(source="source.site")

    class Meta:
        model = MqttBroker
        fields = [
            "id",
            "source",
            "site",
            "host",
            "port",
            "uses_tls",
            "username",
            "client_id",
            "is_enabled",
            "is_online",
            "link_changed_at",
            "last_seen_at",
            "link_error",
            "updated_at",
        ]


class BrokerDetail(BrokerRow):
    """A broker with its mappings and what the bridge saw."""

    counts = serializers.SerializerMethodField()
    mappings = MappingRow(many=True)
    faults = serializers.SerializerMethodField()
    strangers = serializers.SerializerMethodField()

    class Meta(BrokerRow.Meta):
        fields = [*BrokerRow.Meta.fields, "counts", "mappings", "faults", "strangers"]

    @extend_schema_field(BrokerCounts)
    def get_counts(self, _broker: MqttBroker) -> Any:
        return BrokerCounts(self.context["page"].counts).data

    @extend_schema_field(MessageFaultRow(many=True))
    def get_faults(self, _broker: MqttBroker) -> Any:
        return MessageFaultRow(self.context["page"].faults, many=True).data

    @extend_schema_field(StrangerRow(many=True))
    def get_strangers(self, _broker: MqttBroker) -> Any:
        return StrangerRow(self.context["page"].strangers, many=True).data


class BrokersEndpoint(ListEndpoint):
    """The brokers that the person maintains."""

    serializer_class = BrokerRow
    queryset = MqttBroker.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.brokers_of(user=self.person)

    @extend_schema(operation_id="mqtt_brokers_list")
    def get(self, request: Request) -> Response:
        """List the MQTT brokers of data sources that the caller maintains, by id."""
        if not access_for(self.person).has_anywhere(Ability.MANAGE_SITE):
            raise Forbidden
        return super().get(request)


class BrokerEndpoint(Endpoint):
    """One broker."""

    @extend_schema(operation_id="mqtt_brokers_retrieve", responses=BrokerDetail)
    def get(self, request: Request, pk: int) -> Response:
        """One broker with its mappings, what could not be read, and devices that nobody attached."""
        broker = selectors.broker_for(user=self.person, pk=pk)
        page = selectors.broker_page(source=broker.source)
        context = {"request": request, "page": page}
        return Response(BrokerDetail(broker, context=context).data)

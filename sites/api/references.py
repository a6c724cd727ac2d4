"""How other rows name a site, a place in it, or a person."""

from rest_framework import serializers

from core.endpoints import Row
from sites.models import Circuit, Enterprise, Organisation, Room, Site, Team, Transformer, User


class EnterpriseReference(Row):
    """An enterprise by number and name."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Enterprise
        fields = ["id", "number", "name"]


class SiteReference(Row):
    """A site by number and name, in the caller's language."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Site
        fields = ["id", "number", "name"]


class RoomReference(Row):
    """A distribution room by name."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Room
        fields = ["id", "name"]


class TransformerReference(Row):
    """A transformer by name."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Transformer
        fields = ["id", "name"]


class CircuitReference(Row):
    """A circuit by code and name."""

    name = serializers.CharField(source="label")

    class Meta:
        model = Circuit
        fields = ["id", "code", "name"]


class OrganisationReference(Row):
    """A party by name."""

    class Meta:
        model = Organisation
        fields = ["id", "name"]


class TeamReference(Row):
    """A crew by name."""

    class Meta:
        model = Team
        fields = ["id", "name"]


class PersonReference(Row):
    """A person by the name that others read."""

    name = serializers.CharField(source="__str__")

    class Meta:
        model = User
        fields = ["id", "name"]

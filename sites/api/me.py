"""REST: oneself."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Body, Endpoint, FlagField, MomentField, Row, TextField
from sites import services
from sites.api.references import OrganisationReference, TeamReference
from sites.models import Grant, User, access_for
from sites.rules import Ability, DataClass, Role, ScopeKind


class GrantRow(serializers.Serializer[Any]):
    """A right of the caller that is in force."""

    role = serializers.ChoiceField(choices=Role.choices)
    scope_kind = serializers.ChoiceField(choices=ScopeKind.choices)
    scope_id = serializers.IntegerField(allow_null=True)
    scope_name = serializers.SerializerMethodField()
    data_classes = serializers.ListField(child=serializers.ChoiceField(choices=DataClass.choices))
    starts_at = MomentField()
    ends_at = MomentField(allow_null=True)

    def get_scope_name(self, grant: Grant) -> str | None:
        scope = grant.scope
        return None if scope is None else str(scope)


class Me(Row):
    """The caller: who he is, how he likes to read, what he holds anywhere."""

    organisation = OrganisationReference(allow_null=True)
    teams = TeamReference(many=True)
    roles = serializers.SerializerMethodField()
    abilities = serializers.SerializerMethodField(
        help_text="Held on at least one site; a site's own list is in its detail."
    )
    data_classes = serializers.SerializerMethodField()
    grants = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "name",
            "phone",
            "language",
            "theme",
            "timezone",
            "density",
            "has_shortcuts",
            "has_alarm_sound",
            "has_alarm_notice",
            "organisation",
            "teams",
            "roles",
            "abilities",
            "data_classes",
            "grants",
        ]

    def get_roles(self, user: User) -> list[str]:
        return [role.value for role in access_for(user).roles()]

    def get_abilities(self, user: User) -> list[str]:
        access = access_for(user)
        return [ability.value for ability in Ability if access.has_anywhere(ability)]

    def get_data_classes(self, user: User) -> list[str]:
        holdings = access_for(user).holdings
        return sorted(frozenset[str]().union(*(h.data_classes for h in holdings)))

    @extend_schema(responses=GrantRow(many=True))
    def get_grants(self, user: User) -> Any:
        rows = user.grants.in_force(timezone.now()).select_related(
            "organisation", "team", "enterprise", "site", "town", "department"
        )
        return GrantRow(rows, many=True).data


class ProfileBody(Body):
    """What people say about themselves."""

    name = TextField(max_length=60, required=False)
    language = serializers.ChoiceField(choices=User.Language.choices, required=False)
    theme = serializers.ChoiceField(choices=User.Theme.choices, required=False)
    density = serializers.ChoiceField(choices=User.Density.choices, required=False)
    has_shortcuts = FlagField(required=False)
    has_alarm_sound = FlagField(required=False)
    has_alarm_notice = FlagField(required=False)


class MeEndpoint(Endpoint):
    """Oneself."""

    @extend_schema(operation_id="me_retrieve", responses=Me)
    def get(self, request: Request) -> Response:
        """Show the caller with roles, abilities and classes of data."""
        return self.shown(request.user, Me)

    @extend_schema(
        operation_id="me_partial_update",
        request=ProfileBody,
        responses=Me,
        examples=[OpenApiExample("Read in English", request_only=True, value={"language": "en"})],
    )
    def patch(self, request: Request) -> Response:
        """Change one's name, language, theme and other wishes."""
        facts = self.given(request, ProfileBody)
        user = services.edit_profile(user=self.person, **facts)
        return self.shown(user, Me)

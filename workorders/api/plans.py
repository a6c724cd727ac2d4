"""REST: plans of recurring work."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alarms.rules.texts import NOTE_LENGTH
from core.endpoints import Body, Endpoint, FlagField, IdField, ListEndpoint, TextField
from core.errors import Invalid
from sites.models import Site, Team
from sites.rules import Ability
from workorders import selectors, services
from workorders.api.orders import part_of
from workorders.api.task_rows import PlanDetail, PlanRow
from workorders.api.tasks import DayField
from workorders.models import TaskPlan
from workorders.states import Recurrence


class PlanBody(Body):
    """A plan; `sites` is left out for all sites of the team."""

    name = TextField(max_length=120)
    name_en = TextField(max_length=160, required=False, default="", allow_blank=True)
    team = IdField()
    is_whole_team = FlagField(required=False, default=False)
    sites = serializers.ListField(child=IdField(), required=False, default=list, max_length=5000)
    instructions = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)
    recurrence = serializers.ChoiceField(choices=Recurrence.choices)
    every = serializers.IntegerField(min_value=1, max_value=60, required=False, default=1)
    first_due_on = DayField()
    ends_on = DayField(required=False, allow_null=True, default=None)
    days_to_do = serializers.IntegerField(min_value=1, max_value=90, required=False, default=1)
    lead_days = serializers.IntegerField(min_value=0, max_value=180, required=False, default=7)


class EnableBody(Body):
    """Whether the plan makes tasks."""

    is_enabled = FlagField()


_EXAMPLE = OpenApiExample(
    "Every month",
    request_only=True,
    value={
        "name": "Monthly inspection",
        "team": 1,
        "is_whole_team": True,
        "recurrence": "monthly",
        "first_due_on": "2026-12-31",
        "days_to_do": 5,
    },
)


class PlansEndpoint(ListEndpoint):
    """Plans of the teams that the caller sees."""

    serializer_class = PlanRow
    queryset = TaskPlan.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        plans = TaskPlan.objects.visible_to(self.person).select_related("team__organisation")
        return plans.order_by("name", "pk")

    @extend_schema(operation_id="plans_list")
    def get(self, request: Request) -> Response:
        """List plans by name."""
        return super().get(request)

    @extend_schema(
        operation_id="plans_create",
        request=PlanBody,
        responses={201: PlanDetail},
        examples=[_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Make a plan, and the tasks that it asks for already."""
        facts = facts_of(self, request)
        plan = services.create_plan(facts=facts, by=self.person, now=timezone.now())
        return self.shown(selectors.plan_for(user=self.person, pk=plan.pk), PlanDetail, status=201)


class PlanEndpoint(Endpoint):
    """One plan."""

    @extend_schema(operation_id="plans_retrieve", responses=PlanDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show a plan with its sites and next due days."""
        return self.shown(selectors.plan_for(user=self.person, pk=pk), PlanDetail)

    @extend_schema(
        operation_id="plans_update",
        request=PlanBody,
        responses=PlanDetail,
        examples=[_EXAMPLE],
    )
    def put(self, request: Request, pk: int) -> Response:
        """Change a plan; tasks that nobody has been given yet follow it."""
        selectors.plan_for(user=self.person, pk=pk, ability=Ability.PLAN_TASK)
        facts = facts_of(self, request)
        services.edit_plan(plan_id=pk, facts=facts, by=self.person, now=timezone.now())
        return self.shown(selectors.plan_for(user=self.person, pk=pk), PlanDetail)

    @extend_schema(operation_id="plans_partial_update", request=EnableBody, responses=PlanDetail)
    def patch(self, request: Request, pk: int) -> Response:
        """Pause a plan, or let it go on."""
        selectors.plan_for(user=self.person, pk=pk, ability=Ability.PLAN_TASK)
        facts = self.given(request, EnableBody)
        services.enable_plan(plan_id=pk, by=self.person, now=timezone.now(), **facts)
        return self.shown(selectors.plan_for(user=self.person, pk=pk), PlanDetail)


def facts_of(endpoint: Endpoint, request: Request) -> services.PlanFacts:
    """What the body says, with rows for ids. Raises Invalid for what the caller does not see."""
    given = endpoint.given(request, PlanBody)
    person = endpoint.person
    given["team"] = part_of(Team.objects.visible_to(person), given, "team")
    wanted = set(given["sites"])
    sites = list(Site.objects.visible_to(person, ability=Ability.PLAN_TASK).filter(pk__in=wanted))
    if len(sites) != len(wanted):
        raise Invalid(fields={"sites": [_("请选择有效的选项。")]})
    given["sites"] = sites
    return services.PlanFacts(**given)

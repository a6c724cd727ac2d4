"""REST: tasks: read, made, changed, moved, remarked on; the month and the calendar."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alarms.rules.texts import NOTE_LENGTH
from core.endpoints import Body, Endpoint, IdField, ListEndpoint, TextField
from core.time import local_day
from sites import selectors as site_selectors
from sites.api.references import PersonReference
from sites.models import User
from sites.rules import Ability
from workorders import rules, selectors, services
from workorders.api.moves import NoteBody
from workorders.api.orders import DOOR, part_of
from workorders.api.task_rows import (
    CalendarRow,
    TaskDetail,
    TaskLogRow,
    TaskMonthRow,
    TaskRow,
)
from workorders.filters import TaskFilter
from workorders.models import Task, TaskLog
from workorders.states import TaskMove


class DayField(serializers.DateField):
    """A calendar day in years that can be reckoned with."""

    default_error_messages = {"range": "1971-01-01 … 2198-12-31"}

    def to_internal_value(self, value: Any) -> Any:
        day = super().to_internal_value(value)
        if not 1971 <= day.year <= 2198:
            self.fail("range")
        return day


class TaskBody(Body):
    """A task by hand; work may begin today unless `starts_on` says otherwise."""

    site = IdField()
    title = TextField(max_length=rules.TITLE_LENGTH)
    title_en = TextField(
        max_length=rules.TITLE_LENGTH, required=False, default="", allow_blank=True
    )
    instructions = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)
    starts_on = DayField(required=False, allow_null=True, default=None)
    due_on = DayField()


class TaskEditBody(Body):
    """What of an open task may be said differently."""

    title = TextField(max_length=rules.TITLE_LENGTH, required=False)
    title_en = TextField(max_length=rules.TITLE_LENGTH, required=False, allow_blank=True)
    instructions = TextField(max_length=NOTE_LENGTH, required=False, allow_blank=True)
    due_on = DayField(required=False)
    seen = TextField(max_length=40, required=False, default="", allow_blank=True)


class TaskMoveBody(Body):
    """A move with what it needs; the task's detail says which moves need what."""

    move = serializers.ChoiceField(choices=TaskMove.choices)
    seen = TextField(max_length=40, required=False, default="", allow_blank=True)
    note = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)
    assignee = IdField(required=False, allow_null=True, default=None)
    result = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)


class MonthQuery(serializers.Serializer[Any]):
    """Any day of the month; today's without."""

    day = DayField(required=False)


class CalendarQuery(MonthQuery):
    """A month or a week of orders, tasks or both."""

    view = serializers.ChoiceField(choices=["month", "week"], default="month")
    kind = serializers.ChoiceField(choices=["all", "order", "task"], default="all")
    mine = serializers.BooleanField(default=False)


class TasksEndpoint(ListEndpoint):
    """Tasks of the sites that the caller sees."""

    serializer_class = TaskRow
    filterset_class = TaskFilter
    queryset = Task.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return Task.objects.visible_to(self.person).with_place()

    @extend_schema(operation_id="tasks_list")
    def get(self, request: Request) -> Response:
        """List tasks, the earliest due first unless ordered otherwise."""
        return super().get(request)

    @extend_schema(
        operation_id="tasks_create",
        request=TaskBody,
        responses={201: TaskDetail},
        examples=[
            OpenApiExample(
                "By hand",
                request_only=True,
                value={"site": 1, "title": "Infrared check of busbars", "due_on": "2026-12-01"},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Make a task by hand."""
        facts = self.given(request, TaskBody)
        site = site_selectors.site_for(
            user=self.person, pk=facts.pop("site"), ability=Ability.ASSIGN_TASK
        )
        task = services.create_task(
            site=site, by=self.person, door=DOOR, now=timezone.now(), **facts
        )
        return self.shown(selectors.task_for(user=self.person, pk=task.pk), TaskDetail, status=201)


class TaskEndpoint(Endpoint):
    """One task."""

    @extend_schema(operation_id="tasks_retrieve", responses=TaskDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show a task with its photos and the moves that the caller may make."""
        return self.shown(selectors.task_for(user=self.person, pk=pk), TaskDetail)

    @extend_schema(operation_id="tasks_partial_update", request=TaskEditBody, responses=TaskDetail)
    def patch(self, request: Request, pk: int) -> Response:
        """Change title, instructions or due day of an open task."""
        selectors.task_for(user=self.person, pk=pk, ability=Ability.ASSIGN_TASK)
        facts = self.given(request, TaskEditBody)
        task = services.edit_task(
            task_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts
        )
        return self.shown(task, TaskDetail)


class TaskLogEndpoint(ListEndpoint):
    """What happened to one task."""

    serializer_class = TaskLogRow
    queryset = TaskLog.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return selectors.task_log_of(selectors.task_for(user=self.person, pk=self.kwargs["pk"]))

    @extend_schema(operation_id="tasks_log_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the steps, oldest first."""
        return super().get(request)


class TaskMovesEndpoint(Endpoint):
    """Moves of one task."""

    @extend_schema(
        operation_id="tasks_move",
        request=TaskMoveBody,
        responses=TaskDetail,
        examples=[
            OpenApiExample(
                "Hand in the result",
                request_only=True,
                value={"move": "finish", "result": "All joints below 45 °C"},
            )
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Move the task: assign, start, finish, accept, send back, cancel."""
        task = selectors.task_for(user=self.person, pk=pk)
        facts = self.given(request, TaskMoveBody)
        people = selectors.task_assignees_for(site=task.site)
        facts["assignee"] = part_of(people, facts, "assignee")
        task = services.move_task(
            task_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts
        )
        return self.shown(task, TaskDetail)


class TaskNotesEndpoint(Endpoint):
    """Remarks on one task."""

    @extend_schema(operation_id="tasks_note", request=NoteBody, responses={201: TaskDetail})
    def post(self, request: Request, pk: int) -> Response:
        """Add a remark to the task's log."""
        selectors.task_for(user=self.person, pk=pk)
        facts = self.given(request, NoteBody)
        services.add_task_note(task_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts)
        return self.shown(selectors.task_for(user=self.person, pk=pk), TaskDetail, status=201)


class TaskAssigneesEndpoint(ListEndpoint):
    """People who could be given one task."""

    serializer_class = PersonReference
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        task = selectors.task_for(
            user=self.person, pk=self.kwargs["pk"], ability=Ability.ASSIGN_TASK
        )
        return selectors.task_assignees_for(site=task.site)

    @extend_schema(operation_id="tasks_assignees_list")
    def get(self, request: Request, pk: int) -> Response:
        """List the people who may work on the task's site, for whoever assigns tasks."""
        return super().get(request)


class TaskMonthEndpoint(Endpoint):
    """Tasks of a month by stage."""

    parameters = frozenset({"day"})

    @extend_schema(operation_id="tasks_month", parameters=[MonthQuery], responses=TaskMonthRow)
    def get(self, request: Request) -> Response:
        """Count the tasks due in the month of a day, by stage."""
        now = timezone.now()
        day = self.asked(request, MonthQuery).get("day") or local_day(now, self.person.timezone)
        found = selectors.task_month(user=self.person, day=day, now=now)
        return self.shown(found, TaskMonthRow)


class CalendarEndpoint(Endpoint):
    """Orders and tasks by due day."""

    parameters = frozenset({"day", "view", "kind", "mine"})

    @extend_schema(operation_id="calendar", parameters=[CalendarQuery], responses=CalendarRow)
    def get(self, request: Request) -> Response:
        """Show the month or week of a day; cancelled rows are left out."""
        now = timezone.now()
        asked = self.asked(request, CalendarQuery)
        kind = asked["kind"]
        found = selectors.calendar(
            user=self.person,
            day=asked.get("day") or local_day(now, self.person.timezone),
            view=asked["view"],
            kinds={"order", "task"} if kind == "all" else {kind},
            mine=asked["mine"],
            now=now,
        )
        return self.shown(found, CalendarRow)

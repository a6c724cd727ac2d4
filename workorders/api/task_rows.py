"""REST: what tasks, plans, the calendar and the month look like."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.endpoints import MomentField, NumberField, Row
from sites.api.references import PersonReference, SiteReference, TeamReference
from sites.models import Site
from workorders import selectors
from workorders.api.rows import OrderLogRow, PhotoRow
from workorders.models import Task, TaskLog, TaskPhoto, TaskPlan
from workorders.states import TASK_NEEDS, TaskMove, TaskState


class PlanReference(Row):
    """The plan of a task."""

    class Meta:
        model = TaskPlan
        fields = ["id", "name", "name_en"]


class TaskRow(Row):
    """A task in a list. Days are the site's; `due_at` is the last second of the due day there."""

    site = SiteReference()
    team = TeamReference(allow_null=True)
    assignee = PersonReference(allow_null=True)
    plan = PlanReference(allow_null=True)
    is_overdue = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = [
            "id",
            "number",
            "title",
            "title_en",
            "state",
            "site",
            "team",
            "assignee",
            "plan",
            "starts_on",
            "due_on",
            "due_at",
            "is_overdue",
            "created_at",
            "moved_at",
            "started_at",
            "finished_at",
            "closed_at",
            "updated_at",
        ]

    def get_is_overdue(self, task: Task) -> bool:
        return task.is_open and task.due_at < timezone.now()


class TaskMoveRow(serializers.Serializer[Any]):
    """A move that the caller may make now."""

    move = serializers.ChoiceField(choices=TaskMove.choices)
    name = serializers.CharField(source="move.label")
    target = serializers.ChoiceField(choices=TaskState.choices)
    needs = serializers.SerializerMethodField(
        help_text="Fields that the body of the move must carry."
    )

    def get_needs(self, edge: Any) -> list[str]:
        return list(TASK_NEEDS.get(TaskMove(edge.move), ()))


class TaskPhotoRow(PhotoRow):
    """A photo; the files are fetched with the caller's token."""

    routes = "api-task-photo"

    class Meta(PhotoRow.Meta):
        model = TaskPhoto


class TaskDetail(TaskRow):
    """A task with its texts, its photos and the moves that the caller may make.

    `seen` goes back with a move: the second of two people who act at once is told.
    """

    created_by = PersonReference(allow_null=True)
    seen = serializers.CharField()
    moves = serializers.SerializerMethodField()
    photos = serializers.SerializerMethodField()

    class Meta(TaskRow.Meta):
        fields = [
            *TaskRow.Meta.fields,
            "instructions",
            "result",
            "created_by",
            "seen",
            "moves",
            "photos",
        ]

    @extend_schema_field(TaskMoveRow(many=True))
    def get_moves(self, task: Task) -> Any:
        edges = selectors.task_moves_for(user=self.context["request"].user, task=task)
        return TaskMoveRow(edges, many=True).data

    @extend_schema_field(TaskPhotoRow(many=True))
    def get_photos(self, task: Task) -> Any:
        return TaskPhotoRow(task.photos.select_related("by"), many=True).data


class TaskLogRow(OrderLogRow):
    """One step of a task's life."""

    class Meta(OrderLogRow.Meta):
        model = TaskLog


class PlanRow(Row):
    """A plan in a list."""

    team = TeamReference()

    class Meta:
        model = TaskPlan
        fields = [
            "id",
            "name",
            "name_en",
            "team",
            "is_whole_team",
            "instructions",
            "recurrence",
            "every",
            "first_due_on",
            "ends_on",
            "days_to_do",
            "lead_days",
            "is_enabled",
            "created_at",
            "updated_at",
        ]


class PlanDetail(PlanRow):
    """A plan with the sites where it asks for work now, and its next due days."""

    sites = serializers.SerializerMethodField()
    next_due_on = serializers.SerializerMethodField()

    class Meta(PlanRow.Meta):
        fields = [*PlanRow.Meta.fields, "sites", "next_due_on"]

    @extend_schema_field(SiteReference(many=True))
    def get_sites(self, plan: TaskPlan) -> Any:
        asked_at = selectors.plan_sites(plan).values("pk")
        sites = Site.objects.visible_to(self.context["request"].user).filter(pk__in=asked_at)
        return SiteReference(sites, many=True).data

    @extend_schema_field(serializers.ListField(child=serializers.DateField()))
    def get_next_due_on(self, plan: TaskPlan) -> list[str]:
        if not plan.is_enabled:
            return []
        today = timezone.localdate()
        return [day.isoformat() for day in plan.schedule.next_days(first=today, limit=6)]


class TaskStageRow(serializers.Serializer[Any]):
    """One stage of a month."""

    state = serializers.ChoiceField(choices=TaskState.choices)
    name = serializers.CharField(source="state.label")
    count = serializers.IntegerField()
    overdue = serializers.IntegerField()
    oldest_at = MomentField(allow_null=True)


class TaskMonthRow(serializers.Serializer[Any]):
    """Tasks due in a month. Cancelled ones are a stage, and in no sum."""

    stages = TaskStageRow(many=True)
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    done_in_time = serializers.IntegerField()
    done_percent = NumberField(allow_null=True)
    in_time_percent = NumberField(allow_null=True)


class CalendarItemRow(serializers.Serializer[Any]):
    """An order or a task on its due day."""

    kind = serializers.ChoiceField(choices=[("order", "order"), ("task", "task")])
    id = serializers.IntegerField(source="row.pk")
    number = serializers.CharField(source="row.number")
    title = serializers.CharField(source="row.label")
    state = serializers.CharField(source="row.state")
    due_at = MomentField(source="row.due_at")
    site = SiteReference(source="row.site")
    assignee = PersonReference(source="row.assignee", allow_null=True)
    is_overdue = serializers.BooleanField(source="is_late")


class CalendarDayRow(serializers.Serializer[Any]):
    """A day with what is due on it."""

    day = serializers.DateField()
    items = CalendarItemRow(many=True)


class CalendarRow(serializers.Serializer[Any]):
    """Whole weeks from Monday on; `is_cut` when there is more than is shown."""

    first = serializers.DateField()
    last = serializers.DateField()
    is_cut = serializers.BooleanField()
    days = serializers.SerializerMethodField()

    @extend_schema_field(CalendarDayRow(many=True))
    def get_days(self, found: selectors.Calendar) -> Any:
        days = [day for week in found.weeks for day in week]
        return CalendarDayRow(days, many=True).data

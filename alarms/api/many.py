"""REST: many alarms at once, undo, what belongs to an alarm, pictures, the list as a sheet."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from alarms import selectors, services
from alarms.api.moves import DOOR
from alarms.api.rows import AlarmDetail, AlarmRow
from alarms.filters import AlarmFilter
from alarms.models import Alarm, AlarmQuerySet
from alarms.resources import ALARMS, SHEET_KIND
from alarms.rules.texts import CAUSE_LENGTH, NOTE_LENGTH
from alarms.services.bulk import MOVES
from alarms.states import Move, Verdict
from core import sheets
from core.endpoints import (
    Body,
    Endpoint,
    IdField,
    MomentField,
    NumberField,
    TextField,
    asked_as,
)
from core.errors import Invalid
from core.http import picture
from core.lists import QUERY_LENGTH, lines_in_chunks
from core.parsers import UploadParser
from sites.api.jobs import JobDetail
from sites.services import submit_job

_NEEDS = {
    Move.VERIFY.value: ("verdict", "cause", "note"),
    Move.IGNORE.value: ("until", "note"),
    Move.ARCHIVE.value: ("note",),
}


class BulkBody(Body):
    """One move of many alarms; the other fields are the move's own, as of one alarm."""

    move = serializers.ChoiceField(choices=sorted(MOVES))
    ids = serializers.ListField(
        child=IdField(), allow_empty=False, max_length=services.ALARMS_AT_ONCE
    )
    verdict = serializers.ChoiceField(choices=Verdict.choices, required=False, default="")
    cause = TextField(max_length=CAUSE_LENGTH, required=False, default="", allow_blank=True)
    note = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)
    until = MomentField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["move"] == Move.IGNORE and "until" not in attrs:
            raise Invalid(fields={"until": [str(self.fields["until"].error_messages["required"])]})
        return attrs


class SkippedRow(serializers.Serializer[Any]):
    """An alarm that was left as it is; its number is empty when it is not visible."""

    alarm_id = serializers.IntegerField()
    number = serializers.CharField()
    reason = serializers.CharField()


class OutcomeRow(serializers.Serializer[Any]):
    """What became of each alarm."""

    done = serializers.ListField(child=serializers.IntegerField())
    skipped = SkippedRow(many=True)
    summary = serializers.CharField()


class BulkEndpoint(Endpoint):
    """Many alarms."""

    @extend_schema(
        operation_id="alarms_bulk",
        request=BulkBody,
        responses=OutcomeRow,
        examples=[
            OpenApiExample(
                "Archive three",
                request_only=True,
                value={"move": "archive", "ids": [101, 102, 103], "note": "repaired"},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Verify, ignore or archive alarms, each for itself: the answer has a verdict for each."""
        facts = self.given(request, BulkBody)
        outcome = services.move_many(
            move=facts["move"],
            alarm_ids=facts["ids"],
            by=self.person,
            door=DOOR,
            now=timezone.now(),
            **{name: facts[name] for name in _NEEDS[facts["move"]]},
        )
        return self.shown(outcome, OutcomeRow)


class UndoEndpoint(Endpoint):
    """撤销."""

    @extend_schema(operation_id="alarms_undo", request=None, responses=AlarmDetail)
    def post(self, request: Request, pk: int) -> Response:
        """Take one's own last verifying, ignoring or archiving back, within two minutes."""
        alarm = services.undo(alarm_id=pk, by=self.person, door=DOOR, now=timezone.now())
        return self.shown(alarm, AlarmDetail)


class NearbyEndpoint(Endpoint):
    """Neighbours."""

    @extend_schema(operation_id="alarms_nearby", responses=AlarmRow(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """List alarms of the site raised within 30 minutes of this one, the nearest first."""
        alarm = selectors.alarm_for(user=self.person, pk=pk)
        rows = selectors.around(alarm=alarm, within=timedelta(minutes=30))
        return Response(AlarmRow(rows, many=True, context=self.get_serializer_context()).data)


class RaisedOnDay(serializers.Serializer[Any]):
    """A day of the site, and how often the alarm was raised on it."""

    day = serializers.DateField()
    count = serializers.IntegerField()


class PastRow(serializers.Serializer[Any]):
    """The same rule at the same spot over 30 days."""

    days = RaisedOnDay(many=True)
    total = serializers.IntegerField()
    mean_s = NumberField(allow_null=True, help_text="Mean duration of those that recovered.")
    alarms = AlarmRow(many=True)


class PastEndpoint(Endpoint):
    """The same alarm before."""

    @extend_schema(operation_id="alarms_past", responses=PastRow)
    def get(self, request: Request, pk: int) -> Response:
        """Count the same alarm per day over the last 30 days, with its mean duration."""
        alarm = selectors.alarm_for(user=self.person, pk=pk)
        past = selectors.past_of(alarm=alarm, now=timezone.now())
        keys = [row.pk for row in past.alarms]
        context = self.get_serializer_context()
        return Response(
            {
                "days": [{"day": day, "count": count} for day, count in past.days],
                "total": past.total,
                "mean_s": past.mean_s,
                "alarms": AlarmRow(
                    Alarm.objects.filter(pk__in=keys).with_place().order_by("-last_raised_at"),
                    many=True,
                    context=context,
                ).data,
            }
        )


class AlarmPhotoBody(Body):
    """A picture, JPEG, PNG or WebP, with or without words."""

    file = serializers.FileField()
    note = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)


class AlarmPhotosEndpoint(Endpoint):
    """Remarks with a picture."""

    parser_classes = [UploadParser]

    @extend_schema(
        operation_id="alarms_photos_create", request=AlarmPhotoBody, responses={201: AlarmDetail}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Add a remark with a picture: it is encoded anew, upright, without metadata."""
        selectors.alarm_for(user=self.person, pk=pk)
        facts = self.given(request, AlarmPhotoBody)
        alarm = services.comment(
            alarm_id=pk,
            note=facts["note"],
            photos=[facts["file"]],
            by=self.person,
            door=DOOR,
            now=timezone.now(),
        )
        return self.shown(alarm, AlarmDetail, status=201)


class AlarmPictureEndpoint(Endpoint):
    """The file of one picture."""

    renderer_classes = [asked_as("image/jpeg", "jpg"), JSONRenderer]

    @extend_schema(
        operation_id="alarms_photos_retrieve",
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Fetch a picture of an alarm as JPEG; log rows name them in `facts.photos`."""
        return picture(selectors.photo_for(user=self.person, pk=pk).image)


_SHEET_PARAMETERS = [
    OpenApiParameter("kind", str, enum=list(sheets.FORMATS), description="csv unless told"),
    OpenApiParameter("columns", str, description="Keys of columns, separated by commas."),
]


class AlarmSheetEndpoint(Endpoint):
    """The list as a sheet."""

    parameters = frozenset(AlarmFilter.base_filters) | {"kind", "columns"}
    renderer_classes = [
        asked_as("text/csv", "csv"),
        asked_as(sheets.XLSX_TYPE, "xlsx"),
        JSONRenderer,
    ]

    def get_renderers(self) -> list[Any]:
        # What is started is told as JSON; a schema is drawn without a request.
        is_start = self.request is not None and self.request.method == "POST"
        return [JSONRenderer()] if is_start else super().get_renderers()

    @extend_schema(
        operation_id="alarms_sheet",
        parameters=_SHEET_PARAMETERS,
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            (200, sheets.XLSX_TYPE): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request) -> Any:
        """Fetch alarms as CSV or XLSX, with the filters and the ordering of the list."""
        kind, found = self._asked(request)
        rows = found.with_place().select_related("verified_by")
        rows = rows.prefetch_related("orders__assignee")
        sheets.check_size(rows.count())
        now = timezone.now()
        columns = ALARMS.chosen(request.query_params.get("columns", "").split(","))
        return sheets.answer(
            request._request,  # noqa: SLF001
            kind=kind,
            name="alarms",
            fields=[field for column in columns for field in column.fields],
            lines=lines_in_chunks(rows, partial(selectors.lines_of, user=self.person, now=now)),
            zone=self.person.timezone,
        )

    @extend_schema(
        operation_id="alarms_sheet_create",
        parameters=_SHEET_PARAMETERS,
        request=None,
        responses={202: JobDetail},
    )
    def post(self, request: Request) -> Response:
        """Have the same sheet made in the background, of more rows than one answer can hold."""
        kind, _found = self._asked(request)
        query = request.query_params.copy()
        query.pop("kind", None)
        query["view"], query["export"] = "all", kind
        text = query.urlencode()
        if len(text) > QUERY_LENGTH:
            raise Invalid(_("筛选条件太长。"))
        job = submit_job(
            kind=SHEET_KIND, owner=self.person, now=timezone.now(), facts={"query": text}
        )
        return self.shown(job, JobDetail, status=202)

    def _asked(self, request: Request) -> tuple[str, AlarmQuerySet]:
        """The kind of sheet and the alarms of the address. Raises Invalid."""
        kind = request.query_params.get("kind", "csv")
        if kind not in sheets.FORMATS:
            raise Invalid(fields={"kind": [", ".join(sheets.FORMATS)]})
        filters = AlarmFilter(
            request.query_params,
            queryset=Alarm.objects.visible_to(self.person),
            request=request._request,  # noqa: SLF001 - Django's own request
        )
        if not filters.is_valid():
            told = {name: [str(one) for one in words] for name, words in filters.errors.items()}
            raise Invalid(fields=told)
        return kind, filters.qs

"""REST: what people do about an alarm."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alarms import selectors, services
from alarms.api.rows import AlarmDetail
from alarms.rules.texts import CAUSE_LENGTH, NOTE_LENGTH
from alarms.states import Handling, Verdict
from core.endpoints import Body, Endpoint, MomentField, TextField

DOOR = "api"


class SeenBody(Body):
    """The handling that the person saw: with it, the second of two people is told."""

    seen = serializers.ChoiceField(
        choices=Handling.choices,
        required=False,
        default="",
        allow_blank=True,
        help_text="Answered with 409 `changed` and the fresh handling when it is another by now.",
    )


class VerifyBody(SeenBody):
    """A verdict."""

    verdict = serializers.ChoiceField(choices=Verdict.choices)
    cause = TextField(max_length=CAUSE_LENGTH, required=False, default="", allow_blank=True)
    note = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)


class IgnoreBody(SeenBody):
    """Until when, and why."""

    until = MomentField()
    note = TextField(max_length=NOTE_LENGTH)


class ArchiveBody(SeenBody):
    """A last word."""

    note = TextField(max_length=NOTE_LENGTH, required=False, default="", allow_blank=True)


class CommentBody(Body):
    """A remark."""

    note = TextField(max_length=NOTE_LENGTH)


class VerifyEndpoint(Endpoint):
    """查核."""

    @extend_schema(
        operation_id="alarms_verify",
        request=VerifyBody,
        responses=AlarmDetail,
        examples=[
            OpenApiExample(
                "A real fault",
                request_only=True,
                value={"verdict": "real", "cause": "cable head damp", "seen": "unverified"},
            )
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Say whether the alarm is real (查核)."""
        selectors.alarm_for(user=self.person, pk=pk)
        facts = self.given(request, VerifyBody)
        alarm = services.verify(alarm_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts)
        return self.shown(alarm, AlarmDetail)


class IgnoreEndpoint(Endpoint):
    """忽略."""

    @extend_schema(operation_id="alarms_ignore", request=IgnoreBody, responses=AlarmDetail)
    def post(self, request: Request, pk: int) -> Response:
        """Put the alarm aside until a moment, for a reason (忽略)."""
        selectors.alarm_for(user=self.person, pk=pk)
        facts = self.given(request, IgnoreBody)
        alarm = services.ignore(alarm_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts)
        return self.shown(alarm, AlarmDetail)


class ArchiveEndpoint(Endpoint):
    """归档."""

    @extend_schema(operation_id="alarms_archive", request=ArchiveBody, responses=AlarmDetail)
    def post(self, request: Request, pk: int) -> Response:
        """Close the alarm for good (归档); refused while it is active."""
        selectors.alarm_for(user=self.person, pk=pk)
        facts = self.given(request, ArchiveBody)
        alarm = services.archive(
            alarm_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts
        )
        return self.shown(alarm, AlarmDetail)


class CommentsEndpoint(Endpoint):
    """备注."""

    @extend_schema(operation_id="alarms_comment", request=CommentBody, responses={201: AlarmDetail})
    def post(self, request: Request, pk: int) -> Response:
        """Add a remark to the alarm's log (备注)."""
        selectors.alarm_for(user=self.person, pk=pk)
        facts = self.given(request, CommentBody)
        alarm = services.comment(
            alarm_id=pk, by=self.person, door=DOOR, now=timezone.now(), **facts
        )
        return self.shown(alarm, AlarmDetail, status=201)

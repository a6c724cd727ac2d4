"""REST: one's background jobs and their results."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, ListEndpoint, Row, asked_as
from core.http import download
from sites import selectors, services
from sites.filters import JobFilter
from sites.models import Job

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class JobRow(Row):
    """A background job; `done` of `total` while it runs, `message` when it has ended."""

    has_file = serializers.SerializerMethodField(help_text="Whether a result can be fetched.")

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "state",
            "created_at",
            "started_at",
            "finished_at",
            "done",
            "total",
            "phase",
            "message",
            "source_name",
            "result_name",
            "has_file",
            "expires_at",
        ]

    def get_has_file(self, job: Job) -> bool:
        return bool(job.result)


class JobDetail(JobRow):
    """A job with what its kind found out."""

    class Meta(JobRow.Meta):
        fields = [*JobRow.Meta.fields, "outcome"]


class JobsEndpoint(ListEndpoint):
    """Jobs of the caller."""

    serializer_class = JobRow
    filterset_class = JobFilter
    queryset = Job.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return Job.objects.visible_to(self.person)

    @extend_schema(operation_id="jobs_list")
    def get(self, request: Request) -> Response:
        """List the caller's background jobs, newest first."""
        return super().get(request)


class JobEndpoint(Endpoint):
    """One job."""

    @extend_schema(operation_id="jobs_retrieve", responses=JobDetail)
    def get(self, request: Request, pk: int) -> Response:
        """Show how far a job is, and what came of it."""
        return self.shown(selectors.job_for(user=self.person, pk=pk), JobDetail)


class JobCancelEndpoint(Endpoint):
    """Stopping a job."""

    @extend_schema(operation_id="jobs_cancel", request=None, responses=JobDetail)
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a job: a running one stops at its next step and keeps nothing."""
        job = services.cancel_job(job_id=pk, by=self.person, now=timezone.now())
        return self.shown(job, JobDetail)


class JobFileEndpoint(Endpoint):
    """The result of a job."""

    renderer_classes = [asked_as(XLSX, "xlsx"), asked_as("text/csv", "csv"), JSONRenderer]

    @extend_schema(
        operation_id="jobs_file",
        responses={(200, kind): OpenApiTypes.BINARY for kind in (XLSX, "text/csv")},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """Fetch the result file of a job while it is kept."""
        job = selectors.job_for(user=self.person, pk=pk)
        return download(job.result, job.result_name)

"""REST: samples from platforms and edge gateways of others."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.endpoints import Endpoint, MomentField
from core.errors import DomainError, Invalid
from core.parsers import JsonParser
from devices import selectors
from devices.services import feeding
from devices.states import RefusalCode, SampleVerdict
from devices.tokens import IsSource, SourceAuthentication
from sites.accounts import address_of


class TooManySamples(DomainError):
    """More samples than one request may hold."""

    code = "too_large"
    status = 413
    message = gettext_lazy("提交的样本过多，请分批提交。")


class SamplesParser(JsonParser):
    """NaN and Infinity are read, so that they cost their own sample and not the whole batch."""

    @staticmethod
    def constant(name: str) -> float:
        return float(name)


class SampleBody(serializers.Serializer[Any]):
    """One device at one moment: all its points of that moment in one sample."""

    device = serializers.JSONField(
        help_text="Id (a number) or code (text) of a device of the source's site."
    )
    at = serializers.DateTimeField(
        help_text="ISO 8601 with offset, at most 10 minutes ahead, as old as samples are kept."
    )
    values = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        help_text="By point code of the device's template version, in the dictionary's units, at"
        " the primary side: no ratio is applied. null: not sampled.",
    )
    quality = serializers.ChoiceField(
        choices=["good", "bad"],
        required=False,
        help_text="bad: the device answered, its values are not to be believed.",
    )


class SamplesBody(serializers.Serializer[Any]):
    """At most 2000 samples and 2 MiB."""

    samples = SampleBody(many=True)


class SampleOutcome(serializers.Serializer[Any]):
    """What became of one sample. `code` and `message` are null unless it was refused."""

    verdict = serializers.ChoiceField(choices=SampleVerdict.choices)
    code = serializers.ChoiceField(choices=RefusalCode.choices, allow_null=True)
    message = serializers.CharField(allow_null=True)


class IngestOutcome(serializers.Serializer[Any]):
    """The sums, and the verdicts in the order of the samples."""

    received_at = MomentField()
    stored = serializers.IntegerField()
    repeated = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = SampleOutcome(many=True)


class IngestEndpoint(Endpoint):
    """The door of data sources."""

    authentication_classes = (SourceAuthentication,)
    permission_classes = (IsSource,)
    parser_classes = (SamplesParser,)

    @extend_schema(
        operation_id="ingest_create",
        request=SamplesBody,
        responses={200: IngestOutcome},
        examples=[
            OpenApiExample(
                "A meter by id, a thermometer by code",
                request_only=True,
                value={
                    "samples": [
                        {
                            "device": 12,
                            "at": "2026-11-26T08:00:00+08:00",
                            "values": {"Ua": 231.2, "Ia": 118.4, "EPI": 20417.25},
                        },
                        {"device": "T-01", "at": "2026-11-26T00:00:05Z", "values": {"T1": 41.5}},
                    ]
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Store samples with their own times, each with a verdict of its own. The key is that of a
        data source, not of a person. Whoever is not sure sends the batch again: a sample whose
        device and time are there is `repeated` and left alone. Old samples fill gaps; they change
        neither latest values nor alarms. 429 and 503 say with `Retry-After` when to try again;
        nothing of such a request was stored.
        """
        now = timezone.now()
        samples = _samples_of(request.data)
        fed = feeding.feed(
            source=request.auth,  # type: ignore[arg-type]
            given=samples,
            address=address_of(request),
            now=now,
        )
        return Response(
            {
                "received_at": MomentField().to_representation(now),
                "stored": fed.count(SampleVerdict.STORED),
                "repeated": fed.count(SampleVerdict.REPEATED),
                "refused": fed.count(SampleVerdict.REFUSED),
                "results": [
                    {
                        "verdict": verdict.value,
                        "code": refusal and refusal.code.value,
                        "message": refusal and selectors.refusal_words(refusal.code, refusal.facts),
                    }
                    for verdict, refusal in fed.verdicts
                ],
            }
        )


def _samples_of(body: Any) -> list[Any]:
    """The samples of a body, however odd each may be. Raises Invalid, TooManySamples."""
    if not isinstance(body, dict):
        raise Invalid(fields={"non_field_errors": [_("请求体须为 JSON 对象。")]})
    unknown = sorted(str(name)[:80] for name in body if name != "samples")
    if unknown:
        raise Invalid(fields={name: [_("未知的字段。")] for name in unknown})
    samples = body.get("samples")
    if not isinstance(samples, list) or not samples:
        raise Invalid(fields={"samples": [_("须为至少含一个样本的列表。")]})
    if len(samples) > feeding.MOST_SAMPLES:
        raise TooManySamples(limit=feeding.MOST_SAMPLES)
    return samples

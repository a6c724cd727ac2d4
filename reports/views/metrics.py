"""Metrics for Prometheus."""

from ipaddress import ip_address
from secrets import compare_digest

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from core.errors import NotFound
from reports.selectors.collection.metrics import rendered

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who knows the token; without one, for this machine, and not through a proxy on it."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode()
        if not compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
            answer = HttpResponse("a token is needed\n", content_type="text/plain", status=401)
            answer["WWW-Authenticate"] = "Bearer"
            return answer
    elif not _is_near(request):
        raise NotFound
    return HttpResponse(rendered(now=timezone.now()), content_type=CONTENT_TYPE_LATEST)


def _is_near(request: HttpRequest) -> bool:
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_loopback and not any(name in request.META for name in _FORWARDED)

"""How collecting does, for the operator of the platform."""

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.http import render_part
from devices.selectors.storage import storage
from reports.selectors import collection as facts
from reports.templatetags.ui import elided
from reports.views.gateways import reason_words
from sites.models import User

ROWS = 25
KINDS = ("gateway", "device")


@login_required
@require_safe
def collection(request: HttpRequest) -> HttpResponse:
    """Shards, doors, bridges, slow and silent lines, queues, the parts below, what the history takes."""
    user, now = cast(User, request.user), timezone.now()
    facts.require_operator(user)
    shards, parts, disk = facts.shard_lines(now=now), facts.parts(now=now), storage(now=now)
    bridges = facts.bridge_lines(now=now)
    context: dict[str, Any] = {
        "now": now,
        "troubles": facts.troubles_of(shards, bridges, parts, disk, now=now),
        "shards": [(line, line.spool_age_s(now)) for line in shards],
        "doors": [line for line in shards if line.door],
        "bridges": bridges,
        "reasons": reason_words(),
        "parts": parts,
        "disk": disk,
        "days": facts.days(now=now),
        "slow": facts.slow_buses(shards),
        "totals": _totals(shards),
        "pulse": facts.last_pulse(),
        "has_heartbeat": bool(settings.HEARTBEAT_URL),
        "late_after_s": settings.COLLECTION_LATE_S,
        **_away(request, shards, now),
    }
    return render_part(request, "reports/collection.html", context, part="facts")


def _away(request: HttpRequest, shards: list[facts.ShardLine], now: Any) -> dict[str, Any]:
    """Who does not answer, filtered, and one page of it."""
    kind, shard = request.GET.get("kind", ""), request.GET.get("shard", "")
    text = request.GET.get("q", "").strip()[:100]
    rows = facts.away_lines(
        shards, now=now, kind=kind if kind in KINDS else "", shard=shard, text=text
    )
    page = Paginator(cast(Any, rows), ROWS).get_page(request.GET.get("page"))
    told = [line.told.lines for line in shards if line.told]
    return {
        "page": page,
        "pages": elided(page),
        "away": page.object_list,
        "kind": kind,
        "shard": shard,
        "text": text,
        "is_filtered": bool(kind or shard or text),
        "away_count": sum(lines.away_count for lines in told),
        "silent_count": sum(lines.silent_count for lines in told),
        "unnamed": sum(
            lines.away_count + lines.silent_count - len(lines.away) - len(lines.silent)
            for lines in told
        ),
    }


def _totals(shards: list[facts.ShardLine]) -> dict[str, float]:
    told = [line.told for line in shards if line.told]
    return {
        "reads_per_s": sum(each.reads_per_s for each in told),
        "stored_per_s": sum(each.stored_per_s for each in told),
        "failed": sum(each.failed for each in told),
        "reads": sum(each.reads for each in told),
        "lines": sum(each.lines.buses for each in told),
        "connected": sum(each.lines.connected for each in told),
        "late_hour": sum(line.late_hour for line in shards),
        "late_day": sum(line.late_day for line in shards),
        "spool_rows": sum(line.spool.rows for line in shards if line.spool),
    }

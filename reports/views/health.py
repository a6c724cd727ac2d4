"""Whether the services behind the pages answer."""

import logging
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg_pool import PoolClosed, PoolTimeout

from reports.selectors.collection import last_report

logger = logging.getLogger(__name__)

PATIENCE_S = 2.0
# Not empty once the tables were seen to be those of this version.
_migrated: list[bool] = []


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer, 503 otherwise; no sign-in, no secrets."""
    found = {"database": _database(), "redis": _redis()}
    is_well = all(found.values())
    words = {name: "up" if is_up else "down" for name, is_up in found.items()}
    return JsonResponse(
        {"status": "ok" if is_well else "unwell", **words}, status=200 if is_well else 503
    )


@never_cache
@require_safe
def health_live(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all; restart it when it does not."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def health_ready(request: HttpRequest) -> JsonResponse:
    """200 when pages can be served, else 503; `reasons` says why in words that stay.

    `collection` tells of collecting, which is no reason to send readers elsewhere: codes alone, as of
    the latest look.
    """
    found = {"database_down": _database(), "redis_down": _redis()}
    reasons = [code for code, is_up in found.items() if not is_up]
    if found["database_down"] and not _is_migrated():
        reasons.append("migrations_due")
    facts: dict[str, Any] = {"status": "unwell" if reasons else "ok", "reasons": reasons}
    if found["redis_down"]:
        report = last_report(now=timezone.now())
        facts["collection"] = sorted({trouble.code for trouble in report.troubles})
    return JsonResponse(facts, status=503 if reasons else 200)


def _is_migrated() -> bool:
    """Whether the tables are those of this version; asked until they are."""
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.append(True)
    return True


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout, PoolClosed) as reason:
        logger.warning("health.database_down error=%s", reason)
        return False
    return True


def _redis() -> bool:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S
    )
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError) as reason:
        logger.warning("health.redis_down error=%s", reason)
        return False
    finally:
        client.close()

"""Whether the services behind the pages answer."""

import logging

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg_pool import PoolClosed, PoolTimeout

logger = logging.getLogger(__name__)

PATIENCE_S = 2.0


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

"""How much a source may send: points per minute, counted in Redis."""

import logging
from datetime import datetime

import redis
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from devices.live import store_state
from devices.models import DataSource

logger = logging.getLogger(__name__)

_WINDOW_S = 60


class OverQuota(DomainError):
    """The source's points of this minute are used up; the facts say when the next one begins."""

    code = "over_quota"
    status = 429
    message = _("本分钟的测点值已达上限，请稍后重发。")


class TooManyPoints(DomainError):
    """More points in one request than the source may send in a minute: waiting would not help."""

    code = "too_large"
    status = 413
    message = _("一次提交的测点值超过该数据源每分钟的上限，请分批提交。")


def take(*, source: DataSource, points: int, now: datetime) -> None:
    """Count points of a request against the minute. Raises OverQuota, TooManyPoints.

    What is refused is not counted. While Redis is away nothing is: samples are worth more.
    """
    limit = source.quota_per_minute
    if points > limit:
        raise TooManyPoints(limit=limit)
    minute, passed_s = divmod(int(now.timestamp()), _WINDOW_S)
    key = f"ingest:quota:{source.pk}:{minute}"
    try:
        pipeline = store_state.client.pipeline(transaction=False)
        pipeline.incrby(key, points)
        pipeline.expire(key, 2 * _WINDOW_S)
        used = int(pipeline.execute()[0])
        if used > limit:
            store_state.client.decrby(key, points)
    except redis.RedisError as reason:
        store_state.is_down(reason)
        return
    store_state.is_up()
    if used > limit:
        raise OverQuota(limit=limit, retry_after_s=_WINDOW_S - passed_s)

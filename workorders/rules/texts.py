"""What may be written into an order. Pure."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from core.errors import Invalid

TITLE_LENGTH = 160
CAPTION_LENGTH = 160
LATEST_DUE = timedelta(days=5 * 366)


def due(value: datetime, *, now: datetime) -> datetime:
    """The due time. Raises Invalid when it is not ahead, or further than five years."""
    if value <= now:
        raise Invalid(fields={"due_at": [_("要求完成时间必须晚于现在。")]})
    if value > now + LATEST_DUE:
        raise Invalid(fields={"due_at": [_("要求完成时间不能晚于五年之后。")]})
    return value


def choice(value: str, *, field: str, among: list[str]) -> str:
    """One of a closed set. Raises Invalid when it is none of it."""
    if value not in among:
        raise Invalid(fields={field: [_("请选择有效的选项。")]})
    return value

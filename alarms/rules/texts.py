"""What people may write into an alarm. Pure."""

from django.utils.translation import gettext as _

from core.errors import Invalid

CAUSE_LENGTH = 200
NOTE_LENGTH = 4000


def text(value: str, *, field: str, limit: int = NOTE_LENGTH, is_required: bool = False) -> str:
    """The text without space around it. Raises Invalid when empty, too long or not storable."""
    value = value.strip()
    if is_required and not value:
        raise Invalid(fields={field: [_("请填写此项。")]})
    if len(value) > limit:
        message = _("最多 %(limit)d 个字符，现有 %(length)d 个。")
        raise Invalid(fields={field: [message % {"limit": limit, "length": len(value)}]})
    if any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise Invalid(fields={field: [_("含有不能保存的字符。")]})
    return value

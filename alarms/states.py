"""The life of an alarm: two facts, one table each. Everything about moves is derived from here."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.transitions import Edge, Life
from sites.rules import Ability


class Severity(TextChoices):
    CRITICAL = "critical", _("紧急")
    MAJOR = "major", _("重要")
    MINOR = "minor", _("一般")
    INFO = "info", _("提示")


# For ordering and for "the worst of": smaller is worse.
SEVERITY_RANK: dict[str, int] = {severity.value: rank for rank, severity in enumerate(Severity)}


class Condition(TextChoices):
    """What the plant says."""

    ACTIVE = "active", pgettext_lazy("alarm condition", "活动")
    RECOVERED = "recovered", pgettext_lazy("alarm condition", "已恢复")


class Handling(TextChoices):
    """What people did about it."""

    UNVERIFIED = "unverified", _("待查核")
    VERIFIED = "verified", _("已查核")
    IN_ORDER = "in_order", _("已转工单")
    IGNORED = "ignored", _("已忽略")
    ARCHIVED = "archived", _("已归档")


class Move(TextChoices):
    RAISE = "raise", pgettext_lazy("alarm move", "触发")
    RECOVER = "recover", pgettext_lazy("alarm move", "恢复")
    RECUR = "recur", pgettext_lazy("alarm move", "再次触发")
    VERIFY = "verify", pgettext_lazy("alarm move", "查核")
    IGNORE = "ignore", pgettext_lazy("alarm move", "忽略")
    UNIGNORE = "unignore", pgettext_lazy("alarm move", "忽略到期")
    CREATE_ORDER = "create_order", pgettext_lazy("alarm move", "创建工单")
    ORDER_CANCELLED = "order_cancelled", pgettext_lazy("alarm move", "工单取消")
    ORDER_CLOSED = "order_closed", pgettext_lazy("alarm move", "工单关闭，告警未恢复")
    ARCHIVE = "archive", pgettext_lazy("alarm move", "归档")
    UNDO_TO_UNVERIFIED = "undo_unverified", pgettext_lazy("alarm move", "撤销，回到待查核")
    UNDO_TO_VERIFIED = "undo_verified", pgettext_lazy("alarm move", "撤销，回到已查核")
    UNDO_TO_IN_ORDER = "undo_in_order", pgettext_lazy("alarm move", "撤销，回到已转工单")
    UNDO_TO_IGNORED = "undo_ignored", pgettext_lazy("alarm move", "撤销，回到已忽略")


class Verdict(TextChoices):
    REAL = "real", _("属实")
    FALSE = "false", _("误报")
    TEST = "test", _("试验")
    MAINTENANCE = "maintenance", _("检修")


class Entry(TextChoices):
    """Kinds of log rows."""

    HANDLING = "handling", _("处理")
    CONDITION = "condition", _("工况")
    COMMENT = "comment", _("备注")
    NOTICE = "notice", _("记录")


OPEN = tuple(state.value for state in Handling if state != Handling.ARCHIVED)

# The way back to where a move came from: taken by whoever made the move, for a short time.
UNDO: dict[str, Move] = {
    Handling.UNVERIFIED.value: Move.UNDO_TO_UNVERIFIED,
    Handling.VERIFIED.value: Move.UNDO_TO_VERIFIED,
    Handling.IN_ORDER.value: Move.UNDO_TO_IN_ORDER,
    Handling.IGNORED.value: Move.UNDO_TO_IGNORED,
}
# Moves of people that can be taken back; an order is cancelled instead.
UNDOABLE = frozenset({Move.VERIFY.value, Move.IGNORE.value, Move.ARCHIVE.value})

_HANDLE = Ability.HANDLE_ALARM

HANDLING = Life(
    initial=Handling.UNVERIFIED,
    edges=[
        Edge(Handling.UNVERIFIED, Move.VERIFY, Handling.VERIFIED, _HANDLE),
        Edge(Handling.UNVERIFIED, Move.IGNORE, Handling.IGNORED, _HANDLE),
        Edge(Handling.VERIFIED, Move.IGNORE, Handling.IGNORED, _HANDLE),
        Edge(Handling.VERIFIED, Move.CREATE_ORDER, Handling.IN_ORDER, Ability.CREATE_ORDER),
        Edge(Handling.VERIFIED, Move.ARCHIVE, Handling.ARCHIVED, _HANDLE),
        Edge(Handling.IN_ORDER, Move.ORDER_CANCELLED, Handling.VERIFIED),
        Edge(Handling.IN_ORDER, Move.ORDER_CLOSED, Handling.VERIFIED),
        Edge(Handling.IN_ORDER, Move.ARCHIVE, Handling.ARCHIVED, _HANDLE),
        Edge(Handling.IGNORED, Move.UNIGNORE, Handling.UNVERIFIED),
        Edge(Handling.IGNORED, Move.VERIFY, Handling.VERIFIED, _HANDLE),
        Edge(Handling.IGNORED, Move.ARCHIVE, Handling.ARCHIVED, _HANDLE),
        Edge(
            Handling.VERIFIED, Move.UNDO_TO_UNVERIFIED, Handling.UNVERIFIED, _HANDLE, is_undo=True
        ),
        Edge(Handling.IGNORED, Move.UNDO_TO_UNVERIFIED, Handling.UNVERIFIED, _HANDLE, is_undo=True),
        Edge(Handling.IGNORED, Move.UNDO_TO_VERIFIED, Handling.VERIFIED, _HANDLE, is_undo=True),
        Edge(Handling.VERIFIED, Move.UNDO_TO_IGNORED, Handling.IGNORED, _HANDLE, is_undo=True),
        Edge(Handling.ARCHIVED, Move.UNDO_TO_VERIFIED, Handling.VERIFIED, _HANDLE, is_undo=True),
        Edge(Handling.ARCHIVED, Move.UNDO_TO_IN_ORDER, Handling.IN_ORDER, _HANDLE, is_undo=True),
        Edge(Handling.ARCHIVED, Move.UNDO_TO_IGNORED, Handling.IGNORED, _HANDLE, is_undo=True),
    ],
)

CONDITION = Life(
    initial=Condition.ACTIVE,
    edges=[
        Edge(Condition.ACTIVE, Move.RECOVER, Condition.RECOVERED),
        Edge(Condition.RECOVERED, Move.RECUR, Condition.ACTIVE),
    ],
)

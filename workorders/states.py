"""The life of a work order. Everything about moves is derived from this table."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.transitions import Edge, Life
from sites.rules import Ability


class State(TextChoices):
    NEW = "new", _("待受理")
    ASSIGNED = "assigned", _("已派单")
    IN_PROGRESS = "in_progress", _("处理中")
    ON_HOLD = "on_hold", _("挂起")
    TO_ACCEPT = "to_accept", _("待验收")
    CLOSED = "closed", _("已关闭")
    CANCELLED = "cancelled", _("已取消")


class Move(TextChoices):
    ASSIGN = "assign", pgettext_lazy("order move", "派单")
    START = "start", pgettext_lazy("order move", "开始处理")
    HOLD = "hold", pgettext_lazy("order move", "挂起")
    RESUME = "resume", pgettext_lazy("order move", "恢复处理")
    FINISH = "finish", pgettext_lazy("order move", "提交验收")
    ACCEPT = "accept", pgettext_lazy("order move", "验收通过")
    SEND_BACK = "send_back", pgettext_lazy("order move", "退回")
    CANCEL = "cancel", pgettext_lazy("order move", "取消")


class Kind(TextChoices):
    REPAIR = "repair", _("抢修")
    DEFECT = "defect", _("消缺")
    INSPECTION = "inspection", _("巡检")
    TEST = "test", _("试验")
    OTHER = "other", _("其他")


class Priority(TextChoices):
    URGENT = "urgent", _("特急")
    HIGH = "high", pgettext_lazy("order priority", "高")
    NORMAL = "normal", pgettext_lazy("order priority", "中")
    LOW = "low", pgettext_lazy("order priority", "低")


OPEN = tuple(s.value for s in State if s not in {State.CLOSED, State.CANCELLED})

_ASSIGN, _WORK, _ACCEPT = Ability.ASSIGN_ORDER, Ability.WORK_ORDER, Ability.ACCEPT_ORDER

LIFE = Life(
    initial=State.NEW,
    edges=[
        Edge(State.NEW, Move.ASSIGN, State.ASSIGNED, _ASSIGN),
        Edge(State.NEW, Move.CANCEL, State.CANCELLED, _ASSIGN),
        Edge(State.ASSIGNED, Move.ASSIGN, State.ASSIGNED, _ASSIGN),
        Edge(State.ASSIGNED, Move.START, State.IN_PROGRESS, _WORK),
        Edge(State.ASSIGNED, Move.SEND_BACK, State.NEW, _WORK),
        Edge(State.ASSIGNED, Move.CANCEL, State.CANCELLED, _ASSIGN),
        Edge(State.IN_PROGRESS, Move.HOLD, State.ON_HOLD, _WORK),
        Edge(State.IN_PROGRESS, Move.FINISH, State.TO_ACCEPT, _WORK),
        Edge(State.IN_PROGRESS, Move.CANCEL, State.CANCELLED, _ASSIGN),
        Edge(State.ON_HOLD, Move.RESUME, State.IN_PROGRESS, _WORK),
        Edge(State.ON_HOLD, Move.CANCEL, State.CANCELLED, _ASSIGN),
        Edge(State.TO_ACCEPT, Move.ACCEPT, State.CLOSED, _ACCEPT),
        Edge(State.TO_ACCEPT, Move.SEND_BACK, State.IN_PROGRESS, _ACCEPT),
    ],
)

# What a move must be given, besides the order: for the service, the forms and the API alike.
NEEDS: dict[Move, tuple[str, ...]] = {
    Move.ASSIGN: ("assignee",),
    Move.HOLD: ("note",),
    Move.FINISH: ("finding", "measures"),
    Move.SEND_BACK: ("note",),
    Move.CANCEL: ("note",),
}

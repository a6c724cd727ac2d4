"""The lives of work orders and of tasks. Everything about moves is derived from these tables."""

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


class Entry(TextChoices):
    """What a row of a record, of an order's or a task's, is about."""

    CREATED = "created", _("创建")
    MOVE = "move", _("流转")
    NOTE = "note", _("备注")
    PHOTO = "photo", _("照片")
    EDIT = "edit", _("修改")


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


# --- Tasks: planned work


class TaskState(TextChoices):
    NEW = "new", _("待派发")
    ASSIGNED = "assigned", _("待执行")
    IN_PROGRESS = "in_progress", _("执行中")
    TO_ACCEPT = "to_accept", _("待验收")
    DONE = "done", _("已完成")
    CANCELLED = "cancelled", _("已取消")


class TaskMove(TextChoices):
    ASSIGN = "assign", pgettext_lazy("task move", "派发")
    START = "start", pgettext_lazy("task move", "开始执行")
    FINISH = "finish", pgettext_lazy("task move", "提交结果")
    ACCEPT = "accept", pgettext_lazy("task move", "验收通过")
    SEND_BACK = "send_back", pgettext_lazy("task move", "退回")
    CANCEL = "cancel", pgettext_lazy("task move", "取消")
    WITHDRAW = "withdraw", pgettext_lazy("task move", "随计划撤回")


class Recurrence(TextChoices):
    WEEKLY = "weekly", _("按周")
    MONTHLY = "monthly", _("按月")
    ONCE = "once", _("一次")


TASK_OPEN = tuple(s.value for s in TaskState if s not in {TaskState.DONE, TaskState.CANCELLED})

_GIVE, _DO, _TAKE = Ability.ASSIGN_TASK, Ability.WORK_TASK, Ability.ACCEPT_TASK

TASK_LIFE = Life(
    initial=TaskState.NEW,
    edges=[
        Edge(TaskState.NEW, TaskMove.ASSIGN, TaskState.ASSIGNED, _GIVE),
        Edge(TaskState.NEW, TaskMove.CANCEL, TaskState.CANCELLED, _GIVE),
        # Made by no person: the plan that made the task was changed and no longer asks for it.
        Edge(TaskState.NEW, TaskMove.WITHDRAW, TaskState.CANCELLED),
        Edge(TaskState.ASSIGNED, TaskMove.ASSIGN, TaskState.ASSIGNED, _GIVE),
        Edge(TaskState.ASSIGNED, TaskMove.START, TaskState.IN_PROGRESS, _DO),
        Edge(TaskState.ASSIGNED, TaskMove.SEND_BACK, TaskState.NEW, _DO),
        Edge(TaskState.ASSIGNED, TaskMove.CANCEL, TaskState.CANCELLED, _GIVE),
        Edge(TaskState.IN_PROGRESS, TaskMove.FINISH, TaskState.TO_ACCEPT, _DO),
        Edge(TaskState.IN_PROGRESS, TaskMove.CANCEL, TaskState.CANCELLED, _GIVE),
        Edge(TaskState.TO_ACCEPT, TaskMove.ACCEPT, TaskState.DONE, _TAKE),
        Edge(TaskState.TO_ACCEPT, TaskMove.SEND_BACK, TaskState.IN_PROGRESS, _TAKE),
    ],
)

TASK_NEEDS: dict[TaskMove, tuple[str, ...]] = {
    TaskMove.ASSIGN: ("assignee",),
    TaskMove.FINISH: ("result",),
    TaskMove.SEND_BACK: ("note",),
    TaskMove.CANCEL: ("note",),
}

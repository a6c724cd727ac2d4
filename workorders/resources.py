"""The lists of orders and tasks as data: their columns on pages and in sheets."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.lists import Column, ListSpec, register
from core.sheets import Field

CELLS = "workorders/cells"


def _of(name: str) -> Any:
    return lambda line: getattr(line.row, name)


def _shown(name: str) -> Any:
    return lambda line: getattr(line.row, f"get_{name}_display")()


def _label(name: str) -> Any:
    return lambda line: getattr(getattr(line.row, name), "label", None)


def _text(name: str) -> Any:
    return lambda line: str(value) if (value := getattr(line.row, name)) else None


_SITE = Column(
    "site",
    _("站点"),
    f"{CELLS}/site.html",
    fields=(
        Field(_("站点编号"), lambda line: line.row.site.number),
        Field(_("站点"), _label("site")),
        Field(_("企业"), lambda line: line.row.site.enterprise.label),
    ),
)
_TEAM = Column(
    "team",
    _("班组"),
    f"{CELLS}/team.html",
    fields=(Field(_("班组"), _text("team")),),
    is_extra=True,
)
_CREATED = Column(
    "created",
    _("创建时间"),
    f"{CELLS}/created.html",
    order="-created_at",
    css="nowrap",
    fields=(Field(_("创建时间"), _of("created_at")), Field(_("创建人"), _text("created_by"))),
)
_LATE = Field(_("超期"), lambda line: line.is_late)

ORDERS = register(
    ListSpec(
        key="orders",
        title=pgettext_lazy("plural", "工单"),
        url_name="workorders:order-list",
        order="-created_at",
        columns=(
            Column(
                "order",
                pgettext_lazy("column", "工单"),
                f"{CELLS}/order.html",
                fields=(
                    Field(_("编号"), _of("number")),
                    Field(_("标题"), _of("label")),
                    Field(_("类型"), _shown("kind")),
                    Field(_("告警编号"), lambda line: line.row.alarm and line.row.alarm.number),
                ),
                is_fixed=True,
            ),
            _SITE,
            Column(
                "priority",
                _("优先级"),
                f"{CELLS}/priority.html",
                fields=(Field(_("优先级"), _shown("priority")),),
            ),
            Column(
                "state",
                _("状态"),
                f"{CELLS}/order_state.html",
                fields=(Field(_("状态"), _shown("state")),),
            ),
            Column(
                "assignee",
                _("处理人"),
                f"{CELLS}/assignee.html",
                css="nowrap",
                fields=(Field(_("处理人"), _text("assignee")),),
            ),
            Column(
                "due",
                _("要求完成"),
                f"{CELLS}/due.html",
                order="due_at",
                css="nowrap",
                fields=(Field(_("要求完成时间"), _of("due_at")), _LATE),
            ),
            _CREATED,
            _TEAM,
            Column(
                "device",
                _("设备"),
                f"{CELLS}/device.html",
                fields=(
                    Field(_("配电室"), _label("room")),
                    Field(_("回路"), _label("circuit")),
                    Field(_("设备"), _label("device")),
                ),
                is_extra=True,
            ),
            Column(
                "finished",
                _("处理结果"),
                f"{CELLS}/finding.html",
                fields=(
                    Field(_("现场情况"), _of("finding")),
                    Field(_("处理措施"), _of("measures")),
                    Field(_("开始处理时间"), _of("started_at")),
                    Field(_("提交验收时间"), _of("finished_at")),
                    Field(_("关闭时间"), _of("closed_at")),
                ),
                is_extra=True,
            ),
            Column(
                "updated",
                _("更新时间"),
                f"{CELLS}/updated.html",
                order="-updated_at",
                css="nowrap",
                fields=(Field(_("更新时间"), _of("updated_at")),),
                is_extra=True,
            ),
        ),
    )
)

TASKS = register(
    ListSpec(
        key="tasks",
        title=pgettext_lazy("plural", "任务"),
        url_name="workorders:task-list",
        order="due_at",
        columns=(
            Column(
                "task",
                pgettext_lazy("column", "任务"),
                f"{CELLS}/task.html",
                fields=(
                    Field(_("编号"), _of("number")),
                    Field(_("标题"), _of("label")),
                    Field(_("任务计划"), _text("plan")),
                ),
                is_fixed=True,
            ),
            _SITE,
            Column(
                "state",
                _("状态"),
                f"{CELLS}/task_state.html",
                fields=(Field(_("状态"), _shown("state")),),
            ),
            Column(
                "assignee",
                _("执行人"),
                f"{CELLS}/assignee.html",
                css="nowrap",
                fields=(Field(_("执行人"), _text("assignee")),),
            ),
            Column(
                "days",
                _("执行日期"),
                f"{CELLS}/days.html",
                css="nowrap",
                fields=(
                    Field(_("可开始日期"), _of("starts_on")),
                    Field(_("到期日"), _of("due_on")),
                ),
            ),
            Column(
                "due",
                _("到期"),
                f"{CELLS}/due.html",
                order="due_at",
                css="nowrap",
                fields=(Field(_("到期时间"), _of("due_at")), _LATE),
            ),
            _TEAM,
            Column(
                "result",
                _("完成情况"),
                f"{CELLS}/result.html",
                fields=(
                    Field(_("完成情况"), _of("result")),
                    Field(_("提交结果时间"), _of("finished_at")),
                    Field(_("验收时间"), _of("closed_at")),
                ),
                is_extra=True,
            ),
            Column(
                "created",
                _("创建时间"),
                f"{CELLS}/created.html",
                order="-created_at",
                css="nowrap",
                fields=_CREATED.fields,
                is_extra=True,
            ),
        ),
    )
)

"""The list of alarms as data: its columns on pages and in sheets."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from alarms.selectors import AlarmLine
from core.lists import Column, ListSpec, register
from core.sheets import Field

# The background job that makes the list's sheet when one answer cannot hold it.
SHEET_KIND = "alarms-sheet"


def _of_alarm(name: str) -> Any:
    return lambda line: getattr(line.alarm, name)


def _label(name: str) -> Any:
    return lambda line: getattr(getattr(line.alarm, name), "label", None)


def _where(line: AlarmLine) -> str | None:
    found = line.alarm.device or line.alarm.gateway
    return found.label if found else None


def _point(line: AlarmLine) -> str | None:
    return line.point.label if line.point else None


_UNIT = Field(_("单位"), _of_alarm("unit"))

ALARMS = register(
    ListSpec(
        key="alarms",
        title=_("告警管理"),
        url_name="alarms:alarm-list",
        order="severity",
        actions="alarms/cells/actions.html",
        is_selectable=True,
        columns=(
            Column(
                "severity",
                _("级别"),
                "alarms/cells/severity.html",
                order="severity",
                fields=(Field(_("级别"), lambda line: line.alarm.get_severity_display()),),
            ),
            Column(
                "alarm",
                pgettext_lazy("column", "告警"),
                "alarms/cells/alarm.html",
                fields=(
                    Field(_("编号"), _of_alarm("number")),
                    Field(pgettext_lazy("column", "告警"), lambda line: line.alarm.rule.label),
                    Field(_("再次触发次数"), _of_alarm("recurrences")),
                    Field(_("站点"), _label("site")),
                    Field(_("设备"), _where),
                    Field(_("测点"), _point),
                ),
                is_fixed=True,
            ),
            Column(
                "value",
                _("当前值 / 限值"),
                "alarms/cells/value.html",
                css="r nowrap",
                fields=(
                    Field(_("触发值"), lambda line: line.value),
                    Field(_("限值"), lambda line: line.limit),
                    Field(_("极值"), lambda line: line.peak),
                    _UNIT,
                ),
            ),
            Column("trend", _("近 1 小时"), "alarms/cells/trend.html"),
            Column(
                "raised",
                _("触发时间"),
                "alarms/cells/raised.html",
                order="-last_raised_at",
                css="nowrap",
                fields=(
                    Field(_("首次触发"), _of_alarm("raised_at")),
                    Field(_("最近触发"), _of_alarm("last_raised_at")),
                    Field(_("恢复时间"), lambda line: line.ended_at),
                ),
            ),
            Column(
                "lasting",
                _("持续"),
                "alarms/cells/lasting.html",
                css="nowrap",
                fields=(
                    Field(_("工况"), lambda line: line.alarm.get_condition_display()),
                    Field(_("持续"), lambda line: round(line.lasted_s), unit="s"),
                ),
            ),
            Column(
                "condition",
                _("工况"),
                "alarms/cells/condition.html",
                is_extra=True,
            ),
            Column(
                "handling",
                _("状态 / 处理人"),
                "alarms/cells/handling.html",
                css="nowrap",
                fields=(
                    Field(_("处理状态"), lambda line: line.alarm.get_handling_display()),
                    Field(_("处理人"), lambda line: line.handler),
                    Field(_("工单"), lambda line: line.order and line.order.number),
                ),
            ),
            Column(
                "raised_value",
                _("触发值 / 极值"),
                "alarms/cells/raised_value.html",
                css="r nowrap",
                is_extra=True,
            ),
            Column(
                "number",
                _("编号"),
                "alarms/cells/number.html",
                order="number",
                css="nowrap",
                is_extra=True,
            ),
            Column(
                "enterprise",
                _("企业"),
                "alarms/cells/enterprise.html",
                fields=(Field(_("企业"), lambda line: line.alarm.site.enterprise.label),),
                is_extra=True,
            ),
            Column(
                "verdict",
                _("查核结论"),
                "alarms/cells/verdict.html",
                fields=(
                    Field(_("查核结论"), lambda line: line.alarm.get_verdict_display()),
                    Field(_("查核原因"), _of_alarm("cause")),
                    Field(_("查核时间"), _of_alarm("verified_at")),
                    Field(_("查核人"), _of_alarm("verified_by")),
                ),
                is_extra=True,
            ),
            Column(
                "updated",
                _("更新时间"),
                "alarms/cells/updated.html",
                order="-updated_at",
                css="nowrap",
                fields=(Field(_("更新时间"), _of_alarm("updated_at")),),
                is_extra=True,
            ),
        ),
    )
)

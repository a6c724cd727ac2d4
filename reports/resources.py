"""The list of sites as data: its columns on pages and in sheets."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.lists import Column, ListSpec, register
from core.sheets import Field


def _site(name: str) -> Any:
    return lambda line: getattr(line.site, name)


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)


def _town(line: Any) -> str | None:
    town = line.site.enterprise.town
    return str(town) if town else None


SITES = register(
    ListSpec(
        key="sites",
        title=pgettext_lazy("plural", "站点"),
        url_name="reports:site-list",
        order="number",
        columns=(
            Column(
                "site",
                pgettext_lazy("column", "站点"),
                "reports/cells/site.html",
                order="number",
                fields=(
                    Field(_("站点编号"), _site("number")),
                    Field(pgettext_lazy("column", "站点"), lambda line: line.label),
                ),
                is_fixed=True,
            ),
            Column(
                "enterprise",
                _("企业"),
                "reports/cells/enterprise.html",
                fields=(Field(_("企业"), lambda line: line.site.enterprise.label),),
                is_extra=True,
            ),
            Column("town", _("镇街"), "reports/cells/town.html", fields=(Field(_("镇街"), _town),)),
            Column(
                "voltage",
                _("电压 / 容量"),
                "reports/cells/voltage.html",
                fields=(
                    Field(_("电压等级"), lambda line: line.voltage),
                    Field(_("变压器容量"), lambda line: line.capacity_kva, "kVA"),
                ),
            ),
            Column(
                "state",
                _("状态"),
                "reports/cells/state.html",
                order="state",
                fields=(Field(_("状态"), lambda line: line.site.get_state_display()),),
            ),
            Column(
                "power",
                _("有功功率"),
                "reports/cells/power.html",
                css="r",
                fields=(Field(_("有功功率"), lambda line: _rounded(line.power_kw, 2), "kW"),),
            ),
            Column(
                "loading",
                _("负载率"),
                "reports/cells/loading.html",
                css="r",
                fields=(Field(_("负载率"), lambda line: _rounded(line.loading_percent, 1), "%"),),
            ),
            Column(
                "completeness",
                _("今日完整率"),
                "reports/cells/completeness.html",
                order="completeness",
                fields=(Field(_("今日完整率"), lambda line: _rounded(line.share.percent, 2), "%"),),
            ),
            Column(
                "alarms",
                _("未处理告警"),
                "reports/cells/alarms.html",
                css="r",
                fields=(Field(_("未处理告警"), _site("open_alarms")),),
            ),
            Column(
                "orders",
                _("未结束工单"),
                "reports/cells/orders.html",
                css="r",
                fields=(Field(_("未结束工单"), _site("open_orders")),),
                is_extra=True,
            ),
            Column(
                "devices",
                _("设备在线"),
                "reports/cells/devices.html",
                css="r",
                fields=(
                    Field(_("在线设备"), _site("devices_online")),
                    Field(_("应在线设备"), _site("device_count")),
                ),
                is_extra=True,
            ),
            Column(
                "last",
                _("最后数据"),
                "reports/cells/last.html",
                fields=(Field(_("最后数据"), lambda line: line.last_at),),
            ),
            Column(
                "team",
                _("运维班组"),
                "reports/cells/team.html",
                fields=(Field(_("运维班组"), lambda line: line.site.team and str(line.site.team)),),
            ),
            Column(
                "contact",
                _("现场联系"),
                "reports/cells/contact.html",
                fields=(
                    Field(_("联系人"), _site("contact_name")),
                    Field(_("联系电话"), _site("contact_phone")),
                ),
                is_extra=True,
            ),
        ),
    )
)

"""The lists of sites, gateways and templates as data: their columns on pages and in sheets."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.lists import Column, ListSpec, register
from core.sheets import Field
from devices.states import link_words


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


def _gateway(name: str) -> Any:
    return lambda line: getattr(line.gateway, name)


def _session(name: str) -> Any:
    return lambda line: getattr(line.session, name, None)


GATEWAYS = register(
    ListSpec(
        key="gateways",
        title=pgettext_lazy("plural", "网关"),
        url_name="reports:gateway-list",
        order="name",
        columns=(
            Column(
                "gateway",
                pgettext_lazy("column", "网关"),
                "reports/cells/gateway.html",
                order="name",
                fields=(
                    Field(pgettext_lazy("column", "网关"), lambda line: line.label),
                    Field(_("序列号"), _gateway("serial")),
                ),
                is_fixed=True,
            ),
            Column(
                "site",
                pgettext_lazy("column", "站点"),
                "reports/cells/gateway_site.html",
                fields=(
                    Field(_("站点编号"), lambda line: line.gateway.site.number),
                    Field(pgettext_lazy("column", "站点"), lambda line: line.gateway.site.label),
                ),
            ),
            Column(
                "kind",
                _("类型"),
                "reports/cells/gateway_kind.html",
                fields=(
                    Field(_("类型"), lambda line: line.gateway.get_kind_display()),
                    Field(_("地址"), lambda line: line.place),
                ),
            ),
            Column(
                "link",
                _("通信"),
                "reports/cells/gateway_link.html",
                order="link_changed_at",
                fields=(
                    Field(_("在线"), _gateway("is_online")),
                    Field(_("通信状态变化时间"), _gateway("link_changed_at")),
                    Field(_("通信错误"), lambda line: link_words(line.gateway.link_error)),
                ),
            ),
            Column(
                "seen",
                _("最后通信"),
                "reports/cells/gateway_seen.html",
                order="last_seen_at",
                fields=(Field(_("最后通信"), _gateway("last_seen_at")),),
            ),
            Column(
                "devices",
                _("设备在线"),
                "reports/cells/gateway_devices.html",
                css="r",
                fields=(
                    Field(_("在线设备"), _gateway("devices_online")),
                    Field(_("应在线设备"), _gateway("device_count")),
                ),
            ),
            Column(
                "traffic",
                _("本月流量"),
                "reports/cells/gateway_traffic.html",
                css="r",
                fields=(
                    Field(_("本月流量"), lambda line: _rounded(line.month_mb, 2), "MB"),
                    Field(_("SIM 卡月流量"), _gateway("sim_plan_mb"), "MB"),
                ),
            ),
            Column(
                "sim",
                _("SIM 卡到期日"),
                "reports/cells/gateway_sim.html",
                fields=(
                    Field(_("SIM 卡到期日"), _gateway("sim_expires_on")),
                    Field("ICCID", lambda line: line.iccid),
                ),
                is_extra=True,
            ),
            Column(
                "errors",
                _("CRC 错误"),
                "reports/cells/gateway_errors.html",
                css="r",
                fields=(
                    Field(_("CRC 错误"), _session("crc_errors")),
                    Field(_("重复接入"), _session("takeovers")),
                ),
                is_extra=True,
            ),
            Column(
                "period",
                _("采集周期"),
                "reports/cells/gateway_period.html",
                css="r",
                fields=(Field(_("采集周期"), _gateway("period_s"), "s"),),
                is_extra=True,
            ),
        ),
    )
)


def _template(name: str) -> Any:
    return lambda line: getattr(line.template, name)


TEMPLATES = register(
    ListSpec(
        key="templates",
        title=pgettext_lazy("plural", "设备模板"),
        url_name="reports:template-list",
        order="vendor",
        columns=(
            Column(
                "template",
                pgettext_lazy("column", "设备模板"),
                "reports/cells/template.html",
                order="vendor",
                fields=(
                    Field(_("标识"), _template("key")),
                    Field(_("厂家"), lambda line: line.vendor),
                    Field(_("型号"), _template("model")),
                ),
                is_fixed=True,
            ),
            Column(
                "kind",
                _("设备类型"),
                "reports/cells/template_kind.html",
                fields=(Field(_("设备类型"), lambda line: line.kind),),
            ),
            Column(
                "points",
                _("测点数"),
                "reports/cells/template_points.html",
                order="-point_count",
                css="r",
                fields=(Field(_("测点数"), _template("point_count")),),
            ),
            Column(
                "confidence",
                _("可信度"),
                "reports/cells/template_confidence.html",
                order="-rank",
                fields=(Field(_("可信度"), lambda line: line.confidence),),
            ),
            Column(
                "versions",
                pgettext_lazy("column", "版本"),
                "reports/cells/template_versions.html",
                fields=(
                    Field(_("最新版本"), _template("newest_number")),
                    Field(_("各版本的设备"), lambda line: line.in_use),
                ),
            ),
            Column(
                "devices",
                pgettext_lazy("column", "设备"),
                "reports/cells/template_devices.html",
                order="-device_count",
                css="r",
                fields=(Field(_("设备数"), _template("device_count")),),
            ),
            Column(
                "lacks",
                _("缺少"),
                "reports/cells/template_lacks.html",
                fields=(Field(_("缺少"), lambda line: line.lacking),),
            ),
            Column(
                "source",
                _("资料来源"),
                "reports/cells/template_source.html",
                fields=(Field(_("资料来源"), _template("source")),),
                is_extra=True,
            ),
        ),
    )
)

"""The sheets of equipment, how equipment is named in cells, and the list of remote operations."""

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from core.lists import Column, ListSpec
from core.lists import register as register_list
from core.sheets import Field
from devices.models import Bus, DataSource, Device, DtuProfile, Gateway, TemplateVersion
from devices.services import equipment
from devices.states import VersionState, state_label
from sites.resources.directory import names_by
from sites.resources.sheets import Sheet, register
from sites.rules import Ability

MANAGE = Ability.MANAGE_SITE


def _gateway(row: Gateway) -> list[str]:
    return [f"{row.site.number} / {row.name}", f"{row.site.name} / {row.name}", row.name]


def _source(row: DataSource) -> list[str]:
    return [f"{row.site.number} / {row.name}", f"{row.site.name} / {row.name}", row.name]


def _bus(row: Bus) -> list[str]:
    gateway = row.gateway
    path = f"{gateway.site.number} / {gateway.name}"
    return [f"{path} / {row.number}", f"{gateway.name} / {row.number}"]


def _version(row: TemplateVersion) -> list[str]:
    template = row.template
    # A sheet of a reader of the other language names the same map.
    named = (f"{name} {template.model}" for name in (template.vendor, template.vendor_en) if name)
    names = dict.fromkeys((str(template), *named, template.key))
    return [f"{name} v{row.number}" for name in names]


def name_equipment() -> None:
    """Make the namings known."""
    names_by(
        DtuProfile,
        rows=lambda _u: DtuProfile.objects.all(),
        names=lambda row: [row.code, row.name, row.name_en],
    )
    names_by(
        Gateway,
        rows=lambda u: Gateway.objects.visible_to(u, ability=MANAGE).select_related("site"),
        names=_gateway,
    )
    names_by(
        Bus,
        rows=lambda u: Bus.objects.visible_to(u, ability=MANAGE).select_related("gateway__site"),
        names=_bus,
    )
    names_by(
        DataSource,
        rows=lambda u: DataSource.objects.visible_to(u, ability=MANAGE).select_related("site"),
        names=_source,
    )
    names_by(
        TemplateVersion,
        # Those that left the choice stay known to the devices on them; see `_retired`.
        rows=lambda _u: TemplateVersion.objects.filter(
            Q(state=VersionState.PUBLISHED)
            | Exists(Device.objects.filter(template_version=OuterRef("pk")))
        ).select_related("template"),
        names=_version,
    )


def _shared_line(bus: Bus) -> dict[str, Any]:
    """Each line has one owner, as on the page of a gateway."""
    other = equipment.shared_line(host=bus.gateway.host, port=bus.port, gateway_id=bus.gateway.pk)
    return {} if other is None else {"port": _("该地址和端口已被另一条总线使用。")}


def _retired(device: Device) -> dict[str, Any]:
    """A version that left the choice is kept by the devices on it, and taken by no other."""
    version = device.template_version
    if version.state == VersionState.PUBLISHED:
        return {}
    if Device.objects.filter(pk=device.pk, template_version=version).exists():
        return {}
    return {"template_version": _("该版本已停用，不能再选用。")}


def _moved(rows: list[tuple[Any, Any, frozenset[str]]]) -> None:
    """A device that moves leaves its latest values behind."""
    moved = [(new, old.site_id) for old, new, names in rows if "site" in names]

    def forget() -> None:
        for device, site_id in moved:
            equipment.forget_place(device=device, site_id=site_id)

    transaction.on_commit(forget)


def register_equipment() -> None:
    """Make the sheets known."""
    register(
        Sheet(
            key="gateways",
            model=Gateway,
            position=60,
            fixed_fields=("site",),
            names=(
                "site",
                "name",
                "name_en",
                "serial",
                "kind",
                "host",
                "dtu_id",
                "dtu_profile",
                "imei",
                "iccid",
                "firmware",
                "sim_expires_on",
                "sim_plan_mb",
                "shard",
                "period_s",
                "offline_after_s",
                "is_enabled",
                "is_simulated",
            ),
        )
    )
    register(
        Sheet(
            key="buses",
            model=Bus,
            position=70,
            fixed_fields=("gateway",),
            names=("gateway", "number", "port", "timeout_ms", "gap_ms"),
            check=_shared_line,
        )
    )
    register(
        Sheet(
            key="devices",
            model=Device,
            position=80,
            names=(
                "site",
                "room",
                "circuit",
                "code",
                "name",
                "name_en",
                "bus",
                "unit_id",
                "template_version",
                "is_enabled",
                "is_simulated",
                "source",
            ),
            check=_retired,
            after=_moved,
        )
    )


CELLS = "devices/cells"


def _is_on(name: str) -> Any:
    return lambda line: state_label(is_on=getattr(line.row, name))


CONTROLS = register_list(
    ListSpec(
        key="controls",
        title=pgettext_lazy("plural", "遥控操作"),
        url_name="devices:control-list",
        order="-selected_at",
        columns=(
            Column(
                "operation",
                pgettext_lazy("column", "操作"),
                f"{CELLS}/control.html",
                fields=(
                    Field(gettext_lazy("编号"), lambda line: line.row.number),
                    Field(gettext_lazy("设备"), lambda line: line.row.device.label),
                    Field(gettext_lazy("输出"), lambda line: line.row.output.label),
                    Field(gettext_lazy("操作票号"), lambda line: line.row.permit_number),
                    Field(gettext_lazy("操作原因"), lambda line: line.row.reason),
                ),
                is_fixed=True,
            ),
            Column(
                "site",
                gettext_lazy("站点"),
                f"{CELLS}/control_site.html",
                fields=(
                    Field(gettext_lazy("站点编号"), lambda line: line.row.site.number),
                    Field(gettext_lazy("站点"), lambda line: line.row.site.label),
                ),
            ),
            Column(
                "change",
                pgettext_lazy("column", "动作"),
                f"{CELLS}/control_change.html",
                css="nowrap",
                fields=(
                    Field(gettext_lazy("选择时的状态"), _is_on("present")),
                    Field(gettext_lazy("目标状态"), _is_on("wanted")),
                    Field(gettext_lazy("执行后的状态"), _is_on("after")),
                ),
            ),
            Column(
                "state",
                gettext_lazy("状态"),
                f"{CELLS}/control_state.html",
                fields=(
                    Field(gettext_lazy("状态"), lambda line: line.row.get_state_display()),
                    Field(gettext_lazy("结果"), lambda line: line.row.result_words),
                ),
            ),
            Column(
                "people",
                pgettext_lazy("column", "操作人 / 监护人"),
                f"{CELLS}/control_people.html",
                fields=(
                    Field(gettext_lazy("操作人"), lambda line: str(line.row.operator)),
                    Field(
                        gettext_lazy("监护人"),
                        lambda line: str(line.row.guardian) if line.row.guardian else None,
                    ),
                ),
            ),
            Column(
                "selected",
                gettext_lazy("选择时间"),
                f"{CELLS}/control_selected.html",
                order="-selected_at",
                css="nowrap",
                fields=(
                    Field(gettext_lazy("选择时间"), lambda line: line.row.selected_at),
                    Field(gettext_lazy("监护确认时间"), lambda line: line.row.confirmed_at),
                    Field(gettext_lazy("执行时间"), lambda line: line.row.claimed_at),
                    Field(gettext_lazy("结束时间"), lambda line: line.row.finished_at),
                ),
            ),
        ),
    )
)

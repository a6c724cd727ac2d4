"""Closed vocabularies of collecting."""

from collections.abc import Mapping
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.transitions import Edge, Life
from devices.states.quality import FlagKind, Quality, RepairKind
from sites.rules import Ability

__all__ = ["FlagKind", "Quality", "RepairKind"]


class PointKind(TextChoices):
    INSTANT = "inst", _("瞬时量")
    COUNTER = "ctr", _("累计量")
    EVENT = "ev", _("状态量")
    ATTRIBUTE = "attr", _("属性")


class GatewayKind(TextChoices):
    """How a gateway is reached: we call it, or it dials in."""

    MODBUS_TCP = "modbus_tcp", "Modbus TCP"
    RTU_TCP = "rtu_tcp", "Modbus RTU over TCP"
    DTU = "dtu", pgettext_lazy("gateway", "DTU 拨入")


class Registration(TextChoices):
    """How the first packet of a DTU names it (DOMAIN.md §10.1)."""

    ASCII = "ascii", _("可打印字符编号")
    PREFIX = "prefix", _("前缀加编号")
    HEX = "hex", _("十六进制格式")
    IMEI = "imei", "IMEI"
    ICCID = "iccid", "ICCID"
    FIRST = "first", _("首包即编号")


class Framing(TextChoices):
    """How questions and answers are wrapped on the line."""

    RTU = "rtu", "Modbus RTU"
    MBAP = "mbap", "Modbus TCP (MBAP)"


class VersionState(TextChoices):
    DRAFT = "draft", _("草稿")
    PUBLISHED = "published", _("已发布")
    RETIRED = "retired", _("已停用")


# How far a register of a template is known to be right, from certain to guessed.
CONFIDENCE_WORDS: dict[str, Any] = {
    "own": pgettext_lazy("confidence", "自有"),
    "confirmed": pgettext_lazy("confidence", "已证实"),
    "inferred": pgettext_lazy("confidence", "推断"),
    "assumed": pgettext_lazy("confidence", "未核实"),
}
KIND_WORDS: dict[str, Any] = {
    "meter": pgettext_lazy("device kind", "电能表"),
    "sensor": pgettext_lazy("device kind", "监测装置"),
    "contact": pgettext_lazy("device kind", "干接点"),
    "compressor": pgettext_lazy("device kind", "空压机"),
    "charger": pgettext_lazy("device kind", "充电桩"),
}


def kind_words(kind: str) -> str:
    """What a kind of equipment is called; a template may name one that has no word here."""
    return str(KIND_WORDS.get(kind, kind))


class SampleVerdict(TextChoices):
    """What became of one sample that a source sent."""

    STORED = "stored", _("已存储")
    REPEATED = "repeated", _("重复，未改动")
    REFUSED = "refused", _("拒收")


class RefusalCode(TextChoices):
    """Why a sample of a source is not stored; labels are filled with the refusal's facts."""

    NOT_AN_OBJECT = "not_an_object", _("样本须为 JSON 对象。")
    FIELD_MISSING = "field_missing", _("缺少字段“%(field)s”。")
    FIELD_UNKNOWN = "field_unknown", _("未知的字段“%(field)s”。")
    DEVICE_UNREADABLE = "device_unreadable", _("device 须为设备 ID 或编号。")
    DEVICE_UNKNOWN = "device_unknown", _("该数据源的站点没有此设备。")
    DEVICE_AMBIGUOUS = "device_ambiguous", _("该站点有多台设备使用此编号，请改用设备 ID。")
    DEVICE_DISABLED = "device_disabled", _("该设备已停用。")
    DEVICE_POLLED = "device_polled", _("该设备经网关采集，不由数据源上送。")
    DEVICE_ELSEWHERE = "device_elsewhere", _("该设备不由此数据源上送。")
    TIME_UNREADABLE = "time_unreadable", _("at 须为 ISO 8601 时间。")
    TIME_WITHOUT_OFFSET = "time_without_offset", _("at 须带时区偏移。")
    TIME_OUT_OF_RANGE = "time_out_of_range", _("时间须在 1970 年至 2199 年之间。")
    TIME_AHEAD = "time_ahead", _("时间比平台时间超前太多（最多 %(minutes)s 分钟）。")
    TIME_PAST = "time_past", _("时间早于数据保留期（%(days)s 天）。")
    QUALITY_UNKNOWN = "quality_unknown", _("quality 须为 good 或 bad。")
    VALUES_UNREADABLE = "values_unreadable", _("values 须为以测点编码为键的 JSON 对象。")
    VALUES_MISSING = "values_missing", _("没有任何测点值。")
    POINT_UNKNOWN = "point_unknown", _("设备模板没有测点“%(point)s”。")
    NOT_A_NUMBER = "not_a_number", _("测点“%(point)s”的值不是有效的数。")


class Check(TextChoices):
    """What is looked at when a device is commissioned, in this order."""

    ANSWER = "answer", _("应答")
    ORDER = "order", _("字序")
    SPAN = "span", _("取值范围")
    VOLTAGE = "voltage", _("电压与 PT 变比")
    CURRENT = "current", _("电流与 CT 变比")
    POWER = "power", _("功率与电压电流")
    DIRECTION = "direction", _("功率方向")
    TOTAL = "total", _("分相功率之和")
    PHASES = "phases", _("相序与配对")


class CheckVerdict(TextChoices):
    PASSED = "passed", pgettext_lazy("check", "通过")
    FAILED = "failed", pgettext_lazy("check", "有异议")
    UNKNOWN = "unknown", pgettext_lazy("check", "无法判断")


class FindingCode(TextChoices):
    """What a check says; labels are filled with the finding's facts."""

    ANSWER_WHOLE = "answer_whole", _("全部数据块均已应答。")
    ANSWER_PARTIAL = "answer_partial", _("%(count)s 个数据块没有读到：%(error)s。")
    ORDER_UNKNOWN = "order_unknown", _("没有可供判断的双字数值。")
    ORDER_FITS = "order_fits", _("按 %(used)s 解析，%(fits)s / %(of)s 个数值合理。")
    ORDER_OTHER = (
        "order_other",
        _(
            "按 %(best)s 解析有 %(fits)s / %(of)s 个数值合理，模板的 %(used)s 只有 %(fits_used)s 个。"
        ),
    )
    ORDER_NONE = "order_none", _("四种字序都得不到合理的数值，请核对模板和寄存器地址。")
    SPAN_UNKNOWN = "span_unknown", _("没有已知范围的测点。")
    SPAN_FITS = "span_fits", _("%(of)s 个测点都在合理范围内。")
    SPAN_OUTSIDE = "span_outside", _("超出合理范围：%(points)s。")
    VOLTAGE_UNKNOWN = "voltage_unknown", _("没有读到电压。")
    VOLTAGE_FITS = "voltage_fits", _("平均相电压 %(measured)s V，额定 %(nominal)s V。")
    VOLTAGE_NONE = "voltage_none", _("没有电压，请检查电压接线和熔断器。")
    VOLTAGE_OFF = (
        "voltage_off",
        _("平均相电压 %(measured)s V，与额定 %(nominal)s V 不符。"),
    )
    PT_WRONG = (
        "pt_wrong",
        _("平均相电压 %(measured)s V，额定 %(nominal)s V：PT 变比 %(pt)s 应为 %(proposed)s。"),
    )
    CURRENT_UNKNOWN = "current_unknown", _("没有读到电流。")
    CURRENT_NONE = "current_none", _("没有负荷电流，CT 变比和接线无法核对。")
    CLAMP_MISSING = (
        "clamp_missing",
        _("二次电流 %(secondary)s A × 变比 %(ct)s = %(primary)s A；填写钳形表读数后可核对变比。"),
    )
    CLAMP_FITS = "clamp_fits", _("一次电流 %(primary)s A，与钳形表 %(clamp)s A 相符。")
    CLAMP_OFF = "clamp_off", _("一次电流 %(primary)s A，与钳形表 %(clamp)s A 不符。")
    CT_WRONG = (
        "ct_wrong",
        _("二次电流 %(secondary)s A，钳形表 %(clamp)s A：CT 变比 %(ct)s 应为 %(proposed)s。"),
    )
    CT_INSIDE = (
        "ct_inside",
        _("表计给出 %(primary)s A，钳形表 %(clamp)s A：表内 CT 变比应为现值的 %(times)s 倍。"),
    )
    SECONDARY_HIGH = (
        "secondary_high",
        _("二次电流 %(secondary)s A 超过 6 A：表计给出的可能已是一次值，变比应为 1。"),
    )
    OVER_RATED = "over_rated", _("一次电流 %(primary)s A 超过回路额定电流 %(rated)s A 的 1.2 倍。")
    POWER_UNKNOWN = "power_unknown", _("负荷太小或缺少功率因数，无法核对。")
    POWER_FITS = "power_fits", _("功率 %(power)s kW，按电压电流计算 %(expected)s kW。")
    POWER_OFF = (
        "power_off",
        _("功率 %(power)s kW，按电压电流计算应为 %(expected)s kW：三者的变比不一致。"),
    )
    NO_CURRENT = "no_current", _("没有负荷电流，方向无法判断。")
    DIRECTION_UNKNOWN = "direction_unknown", _("没有读到有功功率。")
    DIRECTION_FITS = "direction_fits", _("有电流的各相功率均为正。")
    CT_REVERSED = "ct_reversed", _("有电流而功率为负：%(phases)s 相 CT 可能接反。")
    ALL_REVERSED = (
        "all_reversed",
        _("三相功率均为负：若此处不发电，请检查 CT 的进出线方向。"),
    )
    TOTAL_REVERSED = "total_reversed", _("总功率 %(power)s kW 为负：若此处不发电，CT 可能接反。")
    TOTAL_UNKNOWN = "total_unknown", _("没有读到分相功率。")
    TOTAL_FITS = "total_fits", _("分相之和 %(sum)s kW，总功率 %(total)s kW。")
    TOTAL_OFF = "total_off", _("分相之和 %(sum)s kW，与总功率 %(total)s kW 不符。")
    PHASES_UNKNOWN = "phases_unknown", _("没有相角，或负荷不足以判断配对。")
    SEQUENCE_POSITIVE = "sequence_positive", _("电压为正相序。")
    SEQUENCE_NEGATIVE = "sequence_negative", _("电压为逆相序，请对调两相电压线。")
    PAIRS_FIT = "pairs_fit", _("各相电压与电流配对正确。")
    PAIRS_SWAPPED = "pairs_swapped", _("电压与电流配对有误，最可能的接线：%(pairs)s。")


def finding_words(code: str, facts: Mapping[str, str | float]) -> str:
    """The sentence of a finding, its numbers as short as people say them."""
    words = {name: x if isinstance(x, str) else _short(x) for name, x in facts.items()}
    return str(FindingCode(code).label) % words


def _short(number: float) -> str:
    if float(number).is_integer():
        return f"{number:.0f}"
    decimals = 1 if abs(number) >= 100 else 2 if abs(number) >= 10 else 3
    return f"{number:.{decimals}f}"


class LinkError(TextChoices):
    """Why a gateway or device counts as offline: the driver's words, and the sweeps'.

    retired: nobody asks it any more; neither on nor off line.
    """

    TIMEOUT = "timeout", _("设备未应答")
    BACKOFF = "backoff", _("多次未应答，稍后再试")
    REFUSED = "refused", _("网关无法连接")
    NO_SOCKETS = "no_sockets", _("采集进程无法再打开连接")
    SHORT = "short", _("应答不完整或有误")
    LATE = "late", _("上次采集未结束")
    NO_WORKER = "no_worker", _("采集服务未运行")
    SILENT = "silent", _("没有收到样本")
    RETIRED = "retired", _("退出运行")


def link_words(error: str) -> str:
    """The word for people; what has none is shown as it is."""
    kind, _colon, code = error.partition(":")
    if kind == "exception":
        return gettext("设备拒绝了请求（异常码 %(code)s）") % {"code": code}
    return str(LinkError(error).label) if error in LinkError.values else error


class GapReason(TextChoices):
    """Where the samples of a gap were lost; the words of drivers.gaps.Cause."""

    DEVICE = "device", pgettext_lazy("gap", "设备")
    BUS = "bus", pgettext_lazy("gap", "总线")
    GATEWAY = "gateway", pgettext_lazy("gap", "网关")
    SOURCE = "source", pgettext_lazy("gap", "数据源")
    PLATFORM = "platform", pgettext_lazy("gap", "平台")
    MAINTENANCE = "maintenance", pgettext_lazy("gap", "检修")
    UNKNOWN = "unknown", pgettext_lazy("gap", "不明")


# --- Remote control


class ControlState(TextChoices):
    SELECTED = "selected", pgettext_lazy("control", "待监护确认")
    CONFIRMED = "confirmed", pgettext_lazy("control", "待执行")
    EXECUTING = "executing", pgettext_lazy("control", "执行中")
    DONE = "done", pgettext_lazy("control", "成功")
    FAILED = "failed", pgettext_lazy("control", "失败")
    UNKNOWN = "unknown", pgettext_lazy("control", "结果不明")
    EXPIRED = "expired", pgettext_lazy("control", "已超时")
    REFUSED = "refused", pgettext_lazy("control", "已拒绝")
    CANCELLED = "cancelled", pgettext_lazy("control", "已撤销")


class ControlMove(TextChoices):
    SELECT = "select", pgettext_lazy("control move", "选择")
    CONFIRM = "confirm", pgettext_lazy("control move", "监护确认")
    REFUSE = "refuse", pgettext_lazy("control move", "监护拒绝")
    CANCEL = "cancel", pgettext_lazy("control move", "撤销")
    BLOCK = "block", pgettext_lazy("control move", "闭锁")
    EXPIRE = "expire", pgettext_lazy("control move", "超时")
    EXECUTE = "execute", pgettext_lazy("control move", "执行")
    FINISH = "finish", pgettext_lazy("control move", "确认成功")
    FAIL = "fail", pgettext_lazy("control move", "确认失败")
    LOSE = "lose", pgettext_lazy("control move", "失去结果")


class ControlCommand(TextChoices):
    """The moves that people make of an operation that is selected."""

    CONFIRM = ControlMove.CONFIRM.value, pgettext_lazy("control move", "监护确认")
    EXECUTE = ControlMove.EXECUTE.value, pgettext_lazy("control move", "执行")
    REFUSE = ControlMove.REFUSE.value, pgettext_lazy("control move", "监护拒绝")
    CANCEL = ControlMove.CANCEL.value, pgettext_lazy("control move", "撤销")


_CONTROL = Ability.CONTROL

CONTROL = Life(
    initial=ControlState.SELECTED,
    edges=[
        Edge(ControlState.SELECTED, ControlMove.CONFIRM, ControlState.CONFIRMED, _CONTROL),
        Edge(ControlState.SELECTED, ControlMove.REFUSE, ControlState.REFUSED, _CONTROL),
        Edge(ControlState.SELECTED, ControlMove.CANCEL, ControlState.CANCELLED, _CONTROL),
        Edge(ControlState.SELECTED, ControlMove.BLOCK, ControlState.REFUSED),
        Edge(ControlState.SELECTED, ControlMove.EXPIRE, ControlState.EXPIRED),
        Edge(ControlState.CONFIRMED, ControlMove.EXECUTE, ControlState.EXECUTING, _CONTROL),
        Edge(ControlState.CONFIRMED, ControlMove.REFUSE, ControlState.REFUSED, _CONTROL),
        Edge(ControlState.CONFIRMED, ControlMove.CANCEL, ControlState.CANCELLED, _CONTROL),
        Edge(ControlState.CONFIRMED, ControlMove.BLOCK, ControlState.REFUSED),
        Edge(ControlState.CONFIRMED, ControlMove.EXPIRE, ControlState.EXPIRED),
        Edge(ControlState.EXECUTING, ControlMove.FINISH, ControlState.DONE),
        Edge(ControlState.EXECUTING, ControlMove.FAIL, ControlState.FAILED),
        Edge(ControlState.EXECUTING, ControlMove.LOSE, ControlState.UNKNOWN),
        # Its turn on the bus came too late; nothing was sent.
        Edge(ControlState.EXECUTING, ControlMove.EXPIRE, ControlState.EXPIRED),
        # A later read-back decides what became of it; the write is never repeated.
        Edge(ControlState.UNKNOWN, ControlMove.FINISH, ControlState.DONE),
        Edge(ControlState.UNKNOWN, ControlMove.FAIL, ControlState.FAILED),
    ],
)
CONTROL_WAITING = (ControlState.SELECTED.value, ControlState.CONFIRMED.value)
CONTROL_OPEN = (*CONTROL_WAITING, ControlState.EXECUTING.value)
# States that only an operation reaches that was claimed for execution.
CONTROL_TRIED = tuple(
    state.value
    for state in (
        ControlState.EXECUTING,
        ControlState.DONE,
        ControlState.FAILED,
        ControlState.UNKNOWN,
    )
)


class ControlResult(TextChoices):
    """Why an operation is refused, or ended as it did."""

    OFF = "off", pgettext_lazy("control result", "该站点未开放遥控")
    LOCKED = "locked", pgettext_lazy("control result", "有人作业，已挂检修闭锁")
    UNPROVEN = "unproven", pgettext_lazy("control result", "该输出未经现场验证，不能遥控")
    NOT_POLLED = "not_polled", pgettext_lazy("control result", "设备未投入采集")
    BROADCAST = "broadcast", pgettext_lazy("control result", "地址 0 为广播地址，不能遥控")
    NO_WORKER = "no_worker", pgettext_lazy("control result", "采集服务未运行")
    UNCLEAR = "unclear", pgettext_lazy("control result", "回读值既不是合也不是分")
    ALREADY = "already", pgettext_lazy("control result", "输出已处于目标状态")
    BUSY = "busy", pgettext_lazy("control result", "该输出已有未结束的遥控操作")
    OVERDUE = "overdue", pgettext_lazy("control result", "已超过 30 秒有效期")
    RIGHTS = "rights", pgettext_lazy("control result", "操作人或监护人已无遥控权限")
    MOVED = "moved", pgettext_lazy("control result", "设备、通信线路或模板在选择后有变更")
    CHANGED = "changed", pgettext_lazy("control result", "执行前的状态与选择时不同")
    VERIFIED = "verified", pgettext_lazy("control result", "回读到目标状态")
    NOT_FOLLOWED = "not_followed", pgettext_lazy("control result", "设备已应答，但状态未改变")
    UNANSWERED = "unanswered", pgettext_lazy("control result", "没有收到应答，状态未改变")
    LOST = "lost", pgettext_lazy("control result", "写入后连接中断，结果不明")
    STUCK = "stuck", pgettext_lazy("control result", "执行进程中断，结果不明")
    UNREAD = "unread", pgettext_lazy("control result", "写入后无法回读")


def control_words(result: str) -> str:
    """The word for people; what is the driver's is said as on the page of links."""
    if result in ControlResult.values:
        return str(ControlResult(result).label)
    return link_words(result) if result else ""


class ClockResult(TextChoices):
    """What became of setting a meter's clock."""

    SENT = "sent", pgettext_lazy("clock", "结果未知")
    DONE = "done", pgettext_lazy("clock", "已校准")
    KEPT = "kept", pgettext_lazy("clock", "表计未接受")
    REFUSED = "refused", pgettext_lazy("clock", "表计拒绝写入")
    UNREAD = "unread", pgettext_lazy("clock", "写入后无法回读")
    UNSENT = "unsent", pgettext_lazy("clock", "未发出")


# The word kept where a clock was read and shows no time.
NO_TIME = "no_time"


def clock_words(error: str) -> str:
    """Why a clock could not be read, for people."""
    if error == NO_TIME:
        return pgettext("clock", "不是有效时间")
    return link_words(error) if error else ""


def state_label(*, is_on: bool | None) -> str:
    """On or off, for people."""
    if is_on is None:
        return "—"
    return pgettext("output", "合") if is_on else pgettext("output", "分")

"""Closed vocabularies of collecting."""

from typing import Any

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _


class Quality(IntegerChoices):
    """Quality of a whole sample; single bad points are named by the row's flags."""

    GOOD = 0, _("良好")
    PARTIAL = 1, _("部分无效")
    BAD = 2, _("无效")
    SUBSTITUTED = 3, _("人工置数")


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


class LinkError(TextChoices):
    """Why a gateway or device counts as offline: the driver's words, and the sweeps'."""

    TIMEOUT = "timeout", _("设备未应答")
    BACKOFF = "backoff", _("多次未应答，稍后再试")
    REFUSED = "refused", _("网关无法连接")
    SHORT = "short", _("应答不完整或有误")
    LATE = "late", _("上次采集未结束")
    NO_WORKER = "no_worker", _("采集服务未运行")
    SILENT = "silent", _("没有收到样本")


def link_words(error: str) -> str:
    """The word for people; what has none is shown as it is."""
    kind, _colon, code = error.partition(":")
    if kind == "exception":
        return gettext("设备拒绝了请求（异常码 %(code)s）") % {"code": code}
    return str(LinkError(error).label) if error in LinkError.values else error

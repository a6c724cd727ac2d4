"""Closed vocabularies of collecting."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


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

"""Closed vocabularies of collecting."""

from django.db.models import IntegerChoices, TextChoices
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
    MODBUS_TCP = "modbus_tcp", "Modbus TCP"


class VersionState(TextChoices):
    DRAFT = "draft", _("草稿")
    PUBLISHED = "published", _("已发布")
    RETIRED = "retired", _("已停用")

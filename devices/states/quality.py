"""What samples are worth, why some are not believed, and what people say of them."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Quality(IntegerChoices):
    """Quality of a whole sample; single bad points are named by the row's flags."""

    GOOD = 0, _("良好")
    PARTIAL = 1, _("部分无效")
    BAD = 2, _("无效")
    SUBSTITUTED = 3, _("人工置数")
    SUSPECT = 4, _("可疑")


class FlagKind(TextChoices):
    """Why samples of a point are not believed."""

    FROZEN = "frozen", _("数值冻结")
    INVALID = "invalid", _("超出量程或无效")
    BACKWARDS = "backwards", _("累计量倒走")
    JUMP = "jump", _("数值跳变")


class RepairKind(TextChoices):
    """What a person says of samples: never there, this value, between its neighbours, or right after all."""

    BAD = "bad", _("标为无效")
    VALUE = "value", _("置为定值")
    INTERPOLATE = "interpolate", _("线性插值")
    SHEET = "sheet", _("按表格置数")
    KEEP = "keep", _("认可原值")

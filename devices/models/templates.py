"""The point dictionary and device templates: register maps as data."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.search import Searchable
from devices.states import PointKind, VersionState
from sites.models.names import name_for_reader
from sites.rules import DataClass


class PointCode(Searchable):
    """One quantity of the dictionary (DOMAIN.md §2): its unit is the unit that is stored."""

    search_of = ("code", "name", "name_en")

    code = models.CharField(_("编码"), max_length=24, unique=True)
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=120)
    unit = models.CharField(_("单位"), max_length=12, blank=True)
    kind = models.CharField(_("类型"), max_length=4, choices=PointKind)
    group = models.CharField(_("分组"), max_length=20)
    phase = models.CharField(_("相别"), max_length=4, blank=True)
    data_class = models.CharField(_("数据类别"), max_length=8, choices=DataClass)
    decimals = models.PositiveSmallIntegerField(_("小数位"), default=1)
    position = models.PositiveIntegerField(_("排序"), default=0)
    frozen_after_h = models.PositiveSmallIntegerField(
        _("不变多少小时视为冻结"),
        null=True,
        blank=True,
        help_text=_("留空则允许长期不变；电压、频率之外仅在有负荷时判断。"),
    )
    largest_step = models.FloatField(
        _("相邻采样最大变化"),
        null=True,
        blank=True,
        help_text=_("与前后采样之差均超过此值的单个采样视为跳变；留空则不判断。"),
    )

    class Meta:
        verbose_name = _("测点编码")
        verbose_name_plural = pgettext_lazy("plural", "测点编码")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_en if (get_language() or "").startswith("en") else self.name


class Layout(models.Model):
    """Which point each array position of a stored sample is. Rows never change.

    Two template versions with the same points share a layout.
    """

    key = models.CharField(max_length=64, unique=True, editable=False)
    value_codes = ArrayField(models.CharField(max_length=24), verbose_name=_("瞬时量顺序"))
    counter_codes = ArrayField(
        models.CharField(max_length=24), verbose_name=_("累计量顺序"), blank=True
    )

    class Meta:
        verbose_name = _("数据布局")
        verbose_name_plural = pgettext_lazy("plural", "数据布局")

    def __str__(self) -> str:
        return f"{self.pk} ({len(self.value_codes)} + {len(self.counter_codes)})"


class DeviceTemplate(models.Model):
    """A model of meter or device; its registers live in versions."""

    key = models.SlugField(_("标识"), max_length=60, unique=True)
    vendor = models.CharField(_("厂家"), max_length=80)
    vendor_en = models.CharField(_("厂家英文名"), max_length=80, blank=True)
    model = models.CharField(_("型号"), max_length=80)
    kind = models.CharField(_("设备类型"), max_length=20, default="meter")
    description = models.TextField(_("说明"), blank=True)
    description_en = models.TextField(_("英文说明"), blank=True)
    source = models.TextField(_("资料来源"), blank=True)
    is_simulated = models.BooleanField(_("模拟设备"), default=False)

    class Meta:
        verbose_name = _("设备模板")
        verbose_name_plural = pgettext_lazy("plural", "设备模板")
        ordering = ["vendor", "model"]

    def __str__(self) -> str:
        return f"{name_for_reader(self.vendor, self.vendor_en)} {self.model}"


class TemplateVersion(models.Model):
    """One numbered register map; published versions do not change, devices name the one they use.

    `document` is the imported text, kept so that the version can be exported as it came.
    """

    template = models.ForeignKey(
        DeviceTemplate, models.PROTECT, related_name="versions", verbose_name=_("设备模板")
    )
    number = models.PositiveIntegerField(_("版本号"))
    state = models.CharField(
        _("状态"), max_length=10, choices=VersionState, default=VersionState.PUBLISHED
    )
    layout = models.ForeignKey(Layout, models.PROTECT, verbose_name=_("数据布局"))
    checksum = models.CharField(max_length=64, editable=False)
    document = models.TextField(_("模板文本"), blank=True)
    max_read_registers = models.PositiveSmallIntegerField(
        _("单次最多读取寄存器数"),
        default=120,
        validators=[MinValueValidator(1), MaxValueValidator(125)],
    )
    max_gap = models.PositiveSmallIntegerField(_("合并读取的最大空洞"), default=8)
    values_are = models.CharField(
        _("数值侧"),
        max_length=10,
        choices=[("primary", _("一次侧")), ("secondary", _("二次侧"))],
        default="primary",
    )
    forbidden = models.JSONField(
        _("禁读区间"), default=list, blank=True, help_text=_("功能码、首地址、末地址。")
    )
    defaults = models.JSONField(_("通信默认值"), default=dict, blank=True)
    clock = models.JSONField(
        _("时钟"), default=dict, blank=True, help_text=_("时钟寄存器；没有则留空。")
    )
    created_at = models.DateTimeField(_("创建时间"), auto_now_add=True)

    class Meta:
        verbose_name = _("模板版本")
        verbose_name_plural = pgettext_lazy("plural", "模板版本")
        ordering = ["template__key", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"


class Register(models.Model):
    """One register of a version. `factor` = scale × unit conversion: stored = raw·factor + offset."""

    version = models.ForeignKey(
        TemplateVersion, models.CASCADE, related_name="registers", verbose_name=_("模板版本")
    )
    point = models.ForeignKey(PointCode, models.PROTECT, verbose_name=_("测点"))
    function_code = models.PositiveSmallIntegerField(
        _("功能码"), validators=[MinValueValidator(1), MaxValueValidator(4)]
    )
    address = models.PositiveIntegerField(_("地址"), validators=[MaxValueValidator(65535)])
    type = models.CharField(_("数据类型"), max_length=10)
    bit = models.PositiveSmallIntegerField(_("位"), null=True, blank=True)
    byte_order = models.CharField(_("字节序"), max_length=6, default="big")
    word_order = models.CharField(_("字序"), max_length=6, default="big")
    unit = models.CharField(_("原始单位"), max_length=12, blank=True)
    scale = models.FloatField(_("倍率"), default=1)
    factor = models.FloatField(_("换算系数"), default=1)
    offset = models.FloatField(_("偏移"), default=0)
    invalid = models.JSONField(_("无效标记"), default=list, blank=True)
    minimum = models.FloatField(pgettext_lazy("register", "下限"), null=True, blank=True)
    maximum = models.FloatField(pgettext_lazy("register", "上限"), null=True, blank=True)
    poll_class = models.CharField(
        _("采集级别"),
        max_length=6,
        choices=[("fast", _("快")), ("slow", _("慢")), ("daily", _("每日"))],
        default="fast",
    )
    confidence = models.CharField(_("可信度"), max_length=20, blank=True)
    note = models.CharField(_("备注"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("寄存器")
        verbose_name_plural = pgettext_lazy("plural", "寄存器")
        ordering = ["version", "function_code", "address", "bit"]
        constraints = [
            models.UniqueConstraint(fields=["version", "point"], name="register_point_per_version"),
            models.CheckConstraint(
                condition=Q(function_code__range=(1, 4)), name="register_function_code"
            ),
            models.CheckConstraint(condition=Q(address__lte=65535), name="register_address_range"),
        ]

    def __str__(self) -> str:
        return f"{self.point_id} FC{self.function_code} {self.address}"

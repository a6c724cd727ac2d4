"""Places: enterprise › site › room › transformer › circuit."""

from __future__ import annotations

from math import sqrt
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.labels import QuickLabels
from core.search import Searchable
from sites.models.access import SiteScopedQuerySet, access_for
from sites.models.changes import keeps_changes
from sites.models.dictionaries import Category, Department, Town
from sites.models.names import name_for_reader
from sites.models.people import Team, User
from sites.models.zones import known_zone
from sites.rules import Ability


class Place(Searchable):
    """A name in both languages, and when the row was last changed."""

    name = models.CharField(_("名称"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True)
    created_at = models.DateTimeField(_("创建时间"), auto_now_add=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True, db_index=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return name_for_reader(self.name, self.name_en)


class EnterpriseQuerySet(models.QuerySet["Enterprise"]):
    def visible_to(self, user: User | AnonymousUser, *, ability: Ability = Ability.VIEW) -> Self:
        """Enterprises of the sites on which the user holds the ability, and those granted whole."""
        access = access_for(user)
        if access.has_everywhere(ability):
            return self
        sites = Site.objects.filter(access.site_q(ability=ability)).values("enterprise_id")
        whole = [
            h.scope_id
            for h in access.holdings
            if h.scope_kind == "enterprise" and ability in h.abilities
        ]
        return self.filter(Q(pk__in=sites) | Q(pk__in=whole))


@keeps_changes()
class Enterprise(Place):
    """A legal entity that uses electricity (用电单位): the owner of sites.

    Fields are those of the sharing functions PC01 and PC02 (DOMAIN.md §8); the operating capacity
    and the number of transformers are sums over transformers, never stored.
    """

    class Quality(models.IntegerChoices):
        STATE = 1, _("国有")
        PRIVATE = 2, _("民营")
        FOREIGN = 3, _("外资")
        JOINT_VENTURE = 4, _("合资")
        GOVERNMENT = 5, _("政府机关")
        PUBLIC = 6, _("事业单位")
        OTHER = 7, _("其他")
        JOINT_STOCK = 8, _("股份制")
        INDIVIDUAL = 9, _("私营")

    class SupplyVoltage(models.TextChoices):
        V380 = "380V", "380 V"
        KV10 = "10kV", "10 kV"
        KV35 = "35kV", "35 kV"
        KV110 = "110kV", "110 kV"
        KV220 = "220kV", "220 kV"

    search_of = ("number", "name", "name_en")

    number = models.CharField(_("企业编号"), max_length=40, unique=True)
    is_group = models.BooleanField(_("集团客户"), default=False)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="members",
        verbose_name=_("所属集团"),
    )
    category = models.ForeignKey(
        Category, models.PROTECT, null=True, blank=True, verbose_name=_("企业类别")
    )
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, verbose_name=_("主管部门")
    )
    town = models.ForeignKey(Town, models.PROTECT, null=True, blank=True, verbose_name=_("镇街"))
    address = models.CharField(_("地址"), max_length=200, blank=True)
    quality = models.PositiveSmallIntegerField(
        _("企业性质"), choices=Quality, default=Quality.OTHER
    )
    annual_output_10k_yuan = models.DecimalField(
        _("年产值（万元）"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    payment_code = models.CharField(_("缴费方式编码"), max_length=20, blank=True)
    payment_name = models.CharField(_("缴费方式"), max_length=60, blank=True)
    legal_person = models.CharField(_("法人代表"), max_length=60, blank=True)
    legal_phone = models.CharField(_("法人电话"), max_length=40, blank=True)
    contact_name = models.CharField(_("用电联系人"), max_length=60, blank=True)
    contact_phone = models.CharField(_("联系人电话"), max_length=40, blank=True)
    contract_capacity_kva = models.DecimalField(
        _("合同容量 (kVA)"), max_digits=10, decimal_places=1, null=True, blank=True
    )
    supply_voltage = models.CharField(
        _("供电电压等级"), max_length=8, choices=SupplyVoltage, default=SupplyVoltage.KV10
    )

    objects = EnterpriseQuerySet.as_manager()

    class Meta:
        verbose_name = _("企业")
        verbose_name_plural = pgettext_lazy("plural", "企业")
        ordering = ["number"]


class SiteQuerySet(SiteScopedQuerySet):
    site_path = ""

    def with_owner(self) -> Self:
        """What the gates and the place path read, in one query."""
        return self.select_related("enterprise", "team")


@keeps_changes()
class Site(QuickLabels, Place):
    """A place with supply points: the unit of contract, map and alarm routing.

    Coordinates are WGS-84. `nominal_voltage_v` is 220 / 230 (phase) or 380 / 400 and above (line);
    limits in per cent refer to it (`phase_nominal_v`).
    """

    class State(models.TextChoices):
        CONSTRUCTION = "construction", _("建设中")
        COMMISSIONING = "commissioning", _("调试")
        OPERATION = "operation", _("投运")
        OUT_OF_SERVICE = "out_of_service", _("停运")

    search_of = ("number", "name", "name_en")

    enterprise = models.ForeignKey(
        Enterprise, models.PROTECT, related_name="sites", verbose_name=_("企业")
    )
    number = models.CharField(_("站点编号"), max_length=40, unique=True)
    team = models.ForeignKey(
        Team,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="sites",
        verbose_name=_("运维班组"),
        db_index=False,
    )
    state = models.CharField(_("状态"), max_length=20, choices=State, default=State.CONSTRUCTION)
    address = models.CharField(_("地址"), max_length=200, blank=True)
    latitude_deg = models.FloatField(
        _("纬度 (WGS-84)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
    )
    longitude_deg = models.FloatField(
        _("经度 (WGS-84)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
    )
    timezone = models.CharField(
        _("时区"), max_length=40, default="Asia/Shanghai", validators=[known_zone]
    )
    nominal_voltage_v = models.PositiveIntegerField(_("额定电压 (V)"), default=400)
    contact_name = models.CharField(_("联系人"), max_length=60, blank=True)
    contact_phone = models.CharField(_("联系电话"), max_length=40, blank=True)
    commissioned_on = models.DateField(_("投运日期"), null=True, blank=True)
    is_control_allowed = models.BooleanField(
        _("开放遥控"),
        default=False,
        help_text=_("开放后，有遥控权限的两人可操作该站点设备的输出。"),
    )
    balance_limit_percent = models.FloatField(
        _("总分表平衡限值 (%)"),
        default=5.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(100)],
        help_text=_("总表电量与分表之和的差值超过总表电量的该百分比时标出。缺省值为经验值，可改。"),
    )
    is_clock_setting_allowed = models.BooleanField(
        _("自动校时"),
        default=False,
        help_text=_("开启后，每天校准一次偏差超过允许值的表计时钟。"),
    )
    clock_tolerance_s = models.PositiveSmallIntegerField(
        _("时钟允许偏差 (s)"),
        default=30,
        validators=[MinValueValidator(5), MaxValueValidator(3600)],
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        verbose_name = _("站点")
        verbose_name_plural = pgettext_lazy("plural", "站点")
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude_deg__isnull=True, longitude_deg__isnull=True)
                # Said outright: a range of NULL is unknown, and a check lets the unknown pass.
                | Q(
                    latitude_deg__isnull=False,
                    longitude_deg__isnull=False,
                    latitude_deg__range=(-90, 90),
                    longitude_deg__range=(-180, 180),
                ),
                name="site_coordinates_in_range",
                violation_error_message=_("经纬度须同时填写且在有效范围内。"),
            )
        ]
        indexes = [
            # Nearly every query of a company's people asks which sites are its teams'.
            models.Index(
                fields=["team"],
                include=["id", "enterprise", "timezone", "state"],
                name="site_of_team",
            ),
        ]

    @property
    def phase_nominal_v(self) -> float:
        """Nominal phase voltage: given as such up to 300 V, otherwise line voltage / √3."""
        return phase_nominal_v(self.nominal_voltage_v)


def phase_nominal_v(nominal_v: float) -> float:
    """Phase voltage of a nominal voltage: 220 and 230 are phase voltages, 380 and above line."""
    return nominal_v if nominal_v <= 300 else nominal_v / sqrt(3)


@keeps_changes()
class Room(Place):
    """A distribution room of a site (配电室)."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="rooms", verbose_name=_("站点"))
    kind = models.CharField(
        _("类型"),
        max_length=20,
        choices=[
            ("room", _("配电室")),
            ("package", _("箱变")),
            ("switching", _("开闭所")),
        ],
        default="room",
    )

    objects = SiteScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("配电室")
        verbose_name_plural = pgettext_lazy("plural", "配电室")
        ordering = ["site_id", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "name"],
                name="room_name_per_site",
                violation_error_message=_("该站点已有同名配电室。"),
            )
        ]

"""Gateways that dial in: how their kinds introduce themselves, and what is known of their calls."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models.gateways import Gateway
from devices.states import Framing, Registration
from sites.models import SiteScopedQuerySet
from sites.models.changes import keeps_changes
from sites.models.dictionaries import Named

HEX = RegexValidator(r"^([0-9A-Fa-f]{2}( ?[0-9A-Fa-f]{2})*)?$", _("请输入十六进制字节，如 FF FF。"))
# The longest first packet that a door takes (DOMAIN.md §10.3 row 7).
LONGEST_PACKET = 128


@keeps_changes()
class DtuProfile(Named):
    """How one kind of DTU registers, keeps its line alive and wraps its frames.

    Defaults are those that public platforms use (DOMAIN.md §10.1, §10.2); none is a standard.
    """

    registration = models.CharField(
        _("注册方式"), max_length=10, choices=Registration, default=Registration.ASCII
    )
    prefix_hex = models.CharField(
        _("前缀（十六进制）"), max_length=64, blank=True, validators=[HEX]
    )
    pattern = models.CharField(
        _("十六进制格式"),
        max_length=120,
        blank=True,
        help_text=_("对首包十六进制文本的正则表达式，编号用一对括号括起，如 88(.{12})880016。"),
    )
    heartbeat_hex = models.CharField(
        _("心跳包（十六进制）"), max_length=120, blank=True, validators=[HEX]
    )
    answers_heartbeat = models.BooleanField(_("应答心跳"), default=False)
    framing = models.CharField(_("帧格式"), max_length=8, choices=Framing, default=Framing.RTU)
    registration_wait_s = models.PositiveIntegerField(
        _("注册等待 (s)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(600)],
    )
    idle_s = models.PositiveIntegerField(
        _("静默断开 (s)"),
        default=120,
        validators=[MinValueValidator(10), MaxValueValidator(86_400)],
        help_text=_("建议不少于三个心跳间隔。"),
    )
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    class Meta(Named.Meta):
        verbose_name = _("DTU 类型")
        verbose_name_plural = pgettext_lazy("plural", "DTU 类型")

    def clean(self) -> None:
        """What a way of registering needs is there. Raises ValidationError."""
        if self.registration == Registration.PREFIX and not self.prefix_hex.strip():
            raise ValidationError({"prefix_hex": _("请填写前缀。")})
        if self.registration == Registration.HEX:
            self._clean_pattern()

    def _clean_pattern(self) -> None:
        try:
            groups = re.compile(self.pattern).groups
        except re.error as reason:
            raise ValidationError({"pattern": _("不是正则表达式。")}) from reason
        if groups != 1:
            raise ValidationError({"pattern": _("格式中须有且只有一对括号。")})


class GatewaySessionQuerySet(SiteScopedQuerySet):
    site_path = "gateway__site__"


class GatewaySession(models.Model):
    """The call of a gateway that dialled in: written by the process that holds its socket.

    bytes_in and bytes_out are those of `month`, the first day of a month in the site's zone;
    crc_errors, heartbeats and takeovers grow for ever. `doubled_at`: when its place last changed
    hands so often that two devices may share the id.
    """

    gateway = models.OneToOneField(
        Gateway,
        models.CASCADE,
        primary_key=True,
        related_name="session",
        verbose_name=_("网关"),
    )
    is_connected = models.BooleanField(_("已接入"), default=False)
    peer = models.CharField(_("来源地址"), max_length=64, blank=True)
    connected_at = models.DateTimeField(_("接入时间"), null=True, blank=True)
    heard_at = models.DateTimeField(_("最近收到数据"), null=True, blank=True)
    month = models.DateField(_("月份"))
    bytes_in = models.BigIntegerField(_("本月接收 (B)"), default=0)
    bytes_out = models.BigIntegerField(_("本月发送 (B)"), default=0)
    crc_errors = models.BigIntegerField(_("CRC 错误"), default=0)
    heartbeats = models.BigIntegerField(_("心跳"), default=0)
    takeovers = models.BigIntegerField(_("重复接入"), default=0)
    doubled_at = models.DateTimeField(_("最近疑似编号重复"), null=True, blank=True)
    updated_at = models.DateTimeField(_("更新时间"))

    objects = GatewaySessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("网关接入")
        verbose_name_plural = pgettext_lazy("plural", "网关接入")

    def __str__(self) -> str:
        return f"{self.gateway_id} {self.peer}"

    @property
    def month_bytes(self) -> int:
        """What went over the line this month, without the headers of TCP and IP."""
        return self.bytes_in + self.bytes_out


class DtuDoor(models.Model):
    """An open door: where it listens, and how often strangers were turned away, by reason."""

    number = models.PositiveSmallIntegerField(_("编号"), primary_key=True)
    address = models.CharField(_("监听地址"), max_length=80)
    opened_at = models.DateTimeField(_("开启时间"))
    strangers = models.JSONField(_("拒绝次数"), default=dict)
    updated_at = models.DateTimeField(_("更新时间"))

    class Meta:
        verbose_name = _("接入口")
        verbose_name_plural = pgettext_lazy("plural", "接入口")
        ordering = ["number"]

    def __str__(self) -> str:
        return self.address

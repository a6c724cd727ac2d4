"""Brokers that a data source publishes to, and how its messages become samples."""

import secrets
import ssl
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.drivers.mapping import MappingWrong, Texts, points_of, rule_of
from devices.drivers.messages import Rule
from devices.models.mqtt_words import MappingError, MessageForm, TimeForm
from devices.models.sources import DataSource
from devices.models.templates import PointCode
from sites.models import SiteScopedQuerySet
from sites.models.changes import keeps_changes

_HOST = RegexValidator(r"^[^\s/@?#]+$", _("请输入主机名或 IP 地址，不含协议和端口。"))


def new_client_id() -> str:
    """An id that no other bridge has: the broker keeps the session under it."""
    return f"dianwu-{secrets.token_hex(6)}"


class BrokerQuerySet(SiteScopedQuerySet):
    site_path = "source__site__"


@keeps_changes(
    exclude=(
        "sealed_password",
        "holder",
        "held_until",
        "subscribed",
        "counts",
        "faults",
        "strangers",
    )
)
class MqttBroker(models.Model):
    """The broker of a data source: the bridge subscribes there, the source's devices get the samples.

    The password is sealed (core.sealing). holder and held_until: the bridge that may connect, by
    services.brokers; everything below them is written by it. counts: messages, samples stored,
    repeated, refused, messages given up, since the bridge took it over first. faults: by code, how
    often, with the last example. strangers: what devices are called that are not the source's.
    """

    source = models.OneToOneField(
        DataSource, models.CASCADE, related_name="broker", verbose_name=_("数据源")
    )
    host = models.CharField(_("服务器地址"), max_length=253, validators=[_HOST])
    port = models.PositiveIntegerField(
        _("端口"), default=1883, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    uses_tls = models.BooleanField(_("使用 TLS"), default=False)
    ca_certificate = models.TextField(
        _("CA 证书 (PEM)"),
        blank=True,
        max_length=20_000,
        help_text=_("服务器证书由公共机构签发时留空。"),
    )
    username = models.CharField(_("用户名"), max_length=200, blank=True)
    sealed_password = models.TextField(_("密码"), blank=True, editable=False)
    client_id = models.CharField(
        "Client ID",
        max_length=64,
        default=new_client_id,
        validators=[RegexValidator(r"^[\x21-\x7e]+$", _("只能使用可见的 ASCII 字符。"))],
        help_text=_("服务器以它保存会话；不要与其他客户端相同。"),
    )
    is_enabled = models.BooleanField(_("启用"), default=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    holder = models.CharField(_("桥接进程"), max_length=120, blank=True, editable=False)
    held_until = models.DateTimeField(_("占用至"), null=True, editable=False)
    is_online = models.BooleanField(_("在线"), default=False, editable=False)
    link_changed_at = models.DateTimeField(_("状态变更时间"), null=True, editable=False)
    link_error = models.CharField(_("通信错误"), max_length=200, blank=True, editable=False)
    last_seen_at = models.DateTimeField(_("最近消息"), null=True, editable=False)
    subscribed = models.JSONField(_("已订阅"), default=list, editable=False)
    counts = models.JSONField(_("计数"), default=dict, editable=False)
    faults = models.JSONField(_("消息问题"), default=dict, editable=False)
    strangers = models.JSONField(_("未知设备"), default=dict, editable=False)

    objects = BrokerQuerySet.as_manager()

    class Meta:
        verbose_name = _("MQTT 服务器")
        verbose_name_plural = pgettext_lazy("plural", "MQTT 服务器")
        ordering = ["source_id"]

    def __str__(self) -> str:
        return self.address

    def clean(self) -> None:
        """The certificate can be read. Raises ValidationError."""
        if self.ca_certificate.strip():
            try:
                ssl.create_default_context(cadata=self.ca_certificate)
            except (ssl.SSLError, ValueError, TypeError) as reason:
                raise ValidationError({"ca_certificate": _("不是 PEM 格式的证书。")}) from reason

    @property
    def address(self) -> str:
        """Where it is, as people write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.uses_tls else 'mqtt'}://{host}:{self.port}"


class MappingQuerySet(SiteScopedQuerySet):
    site_path = "broker__source__site__"


@keeps_changes(exclude=("sample_topic", "sample_payload"))
class MqttMapping(models.Model):
    """How messages of a kind of topic become samples: devices.drivers.mapping says what may stand.

    A message is read by the first mapping, by id, that its topic fits. sample_topic and
    sample_payload: what it was tried with last.
    """

    broker = models.ForeignKey(
        MqttBroker, models.CASCADE, related_name="mappings", verbose_name=_("MQTT 服务器")
    )
    topic = models.CharField(
        _("主题"),
        max_length=250,
        help_text=_("如 plant/{gateway}/meters/{device}；+ 为任意一级，末级 # 为其下全部。"),
    )
    form = models.CharField(
        _("消息形式"), max_length=8, choices=MessageForm, default=MessageForm.OBJECT
    )
    records_path = models.CharField(
        _("记录路径"),
        max_length=200,
        blank=True,
        help_text=_("一条消息含多条记录时填写，如 data.meters；* 表示逐个成员，其名称为 {key}。"),
    )
    device_key = models.CharField(
        _("设备标识"),
        max_length=200,
        default="{device}",
        help_text=_(
            "花括号内为主题中的占位或记录中的路径，如 {gateway}-{addr}；$ 从消息开头算起。"
        ),
    )
    time_path = models.CharField(
        _("时间路径"),
        max_length=200,
        blank=True,
        help_text=_("如 ts 或 $.ts；留空则以平台收到的时间为准，保留消息不采用。"),
    )
    time_form = models.CharField(
        _("时间格式"), max_length=4, choices=TimeForm, default=TimeForm.ISO
    )
    values_path = models.CharField(
        _("测点路径"),
        max_length=200,
        blank=True,
        help_text=_("测点所在的对象或列表，如 values；留空为记录本身。"),
    )
    name_path = models.CharField(
        _("名称路径"), max_length=200, blank=True, help_text=_("列表形式：每项中的测点名称。")
    )
    value_path = models.CharField(
        _("数值路径"),
        max_length=200,
        blank=True,
        help_text=_("列表形式：每项中的数值。一主题一测点：内容为 JSON 时填写，为纯数字时留空。"),
    )
    points = models.TextField(
        _("测点对应"),
        max_length=40_000,
        help_text=_("每行一个：对方名称或路径 = 测点编码 * 系数 + 偏移，如 data.p = P * 0.001。"),
    )
    aliases = models.TextField(
        _("设备对应"),
        max_length=40_000,
        blank=True,
        help_text=_("每行一个：对方标识 = 设备编号。标识与编号相同的不必填写。"),
    )
    sample_topic = models.CharField(_("示例主题"), max_length=250, blank=True)
    sample_payload = models.TextField(_("示例内容"), max_length=20_000, blank=True)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    objects = MappingQuerySet.as_manager()

    class Meta:
        verbose_name = _("主题映射")
        verbose_name_plural = pgettext_lazy("plural", "主题映射")
        ordering = ["broker_id", "id"]

    def __str__(self) -> str:
        return self.topic

    def clean(self) -> None:
        """It can be used, and every point is in the dictionary. Raises ValidationError."""
        try:
            self.rule(zone="UTC")
        except MappingWrong as reason:
            words = str(MappingError(reason.code).label) % reason.facts
            raise ValidationError({reason.field: words}) from reason
        codes = {point.code for point in points_of(self.points).values()}
        known = PointCode.objects.filter(code__in=codes).values_list("code", flat=True)
        if unknown := sorted(codes.difference(known)):
            text = _("测点字典中没有 %(codes)s。") % {"codes": ", ".join(unknown[:10])}
            raise ValidationError({"points": text})

    def rule(self, *, zone: str) -> Rule:
        """Ready to read messages; zone: of times that name none. Raises MappingWrong."""
        texts: dict[str, Any] = {name: getattr(self, name) for name in Texts.__slots__}
        return rule_of(Texts(**texts), zone=zone)


def broker_of(source: DataSource) -> MqttBroker | None:
    """The source's broker, None when it has none."""
    with suppress(MqttBroker.DoesNotExist):
        return source.broker
    return None

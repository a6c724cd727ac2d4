"""Gateways and their buses: how a site is reached, and who polls it."""

from datetime import UTC, datetime
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.states import GatewayKind
from sites.models import Site, SiteScopedQuerySet
from sites.models.changes import keeps_changes
from sites.models.places import Place


class PollShard(models.Model):
    """One slice of the gateways, polled by one worker at a time.

    `fence` grows with every new owner of the lease; a write with an older fence is refused.
    """

    number = models.PositiveSmallIntegerField(_("分片"), primary_key=True)
    fence = models.BigIntegerField(_("栅栏号"), default=0)
    owner = models.CharField(_("当前进程"), max_length=120, blank=True)
    cycle_at = models.DateTimeField(_("最近轮询"), null=True, blank=True)
    cycle_ms = models.FloatField(_("轮询耗时 (ms)"), null=True, blank=True)
    late_cycles = models.BigIntegerField(_("超时轮询次数"), default=0)

    class Meta:
        verbose_name = _("采集分片")
        verbose_name_plural = pgettext_lazy("plural", "采集分片")
        ordering = ["number"]

    def __str__(self) -> str:
        return str(self.number)


class PollHour(models.Model):
    """How the cycles of a shard went in one hour (UTC), added up by its workers.

    The hour at the beginning of time (`LONG_AGO`) holds the sum of those past their retention, so
    that the sum of all only grows.
    """

    LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

    shard = models.PositiveSmallIntegerField(_("采集分片"))
    hour = models.DateTimeField(_("小时 (UTC)"))
    cycles = models.BigIntegerField(_("轮询次数"))
    late_cycles = models.BigIntegerField(_("超时轮询次数"))
    slowest_ms = models.FloatField(_("最长轮询耗时 (ms)"))
    reads = models.BigIntegerField(_("读取次数"))
    failed_reads = models.BigIntegerField(_("读取失败次数"))
    stored = models.BigIntegerField(_("入库行数"))

    class Meta:
        verbose_name = _("采集小时统计")
        verbose_name_plural = pgettext_lazy("plural", "采集小时统计")
        constraints = [models.UniqueConstraint(fields=["shard", "hour"], name="poll_hour_once")]
        indexes = [models.Index(fields=["hour"], name="poll_hour_at")]

    def __str__(self) -> str:
        return f"{self.shard} {self.hour:%F %H}"


class Link(models.Model):
    """Whether a gateway or device answers: null until the first verdict.

    Written only by services.links, once on the way down and once on the way up.
    """

    is_online = models.BooleanField(_("在线"), null=True, editable=False)
    link_changed_at = models.DateTimeField(_("通信状态变化时间"), null=True, editable=False)
    last_seen_at = models.DateTimeField(_("最后通信"), null=True, editable=False)
    link_error = models.CharField(_("通信错误"), max_length=40, blank=True, editable=False)

    class Meta:
        abstract = True


# Gateways that dial in are polled by the process that holds their sockets: a door, whose number as
# a poll shard is this and its own.
FIRST_DOOR = 1000


def poll_shard_of(kind: str, shard: int) -> int:
    """The number under which whoever polls such a gateway holds the lease."""
    return shard + FIRST_DOOR if kind == GatewayKind.DTU else shard


class GatewayQuerySet(SiteScopedQuerySet):
    def poll_shards(self) -> set[int]:
        """Under which numbers these gateways are polled."""
        pairs = self.order_by().values_list("kind", "shard").distinct()
        return {poll_shard_of(kind, shard) for kind, shard in pairs}

    def polled_by(self, shard: int) -> Self:
        """Those that one poll worker calls, or that dial in at one door."""
        if shard >= FIRST_DOOR:
            return self.filter(kind=GatewayKind.DTU, shard=shard - FIRST_DOOR)
        return self.filter(shard=shard).exclude(kind=GatewayKind.DTU)


@keeps_changes()
class Gateway(Place, Link):  # noqa: DJ008 - Place has it
    """A box at a site that speaks for the buses behind it.

    Called at `host`, or known by `dtu_id` when it dials in; the database holds it to one of both.
    """

    # Not the id under which it dials in: whoever knows that can take its place.
    search_of = ("name", "name_en", "serial")

    site = models.ForeignKey(Site, models.CASCADE, related_name="gateways", verbose_name=_("站点"))
    serial = models.CharField(_("序列号"), max_length=60, blank=True)
    kind = models.CharField(
        _("类型"), max_length=16, choices=GatewayKind, default=GatewayKind.MODBUS_TCP
    )
    host = models.CharField(_("地址"), max_length=120, blank=True)
    dtu_id = models.CharField(_("DTU 编号"), max_length=64, blank=True)
    dtu_profile = models.ForeignKey(
        "devices.DtuProfile",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="gateways",
        verbose_name=_("DTU 类型"),
    )
    imei = models.CharField("IMEI", max_length=20, blank=True)
    iccid = models.CharField("ICCID", max_length=24, blank=True)
    firmware = models.CharField(_("固件版本"), max_length=60, blank=True)
    sim_expires_on = models.DateField(_("SIM 卡到期日"), null=True, blank=True)
    sim_plan_mb = models.PositiveIntegerField(_("SIM 卡月流量 (MB)"), null=True, blank=True)
    shard = models.PositiveSmallIntegerField(
        _("采集分片"), default=0, db_index=True, validators=[MaxValueValidator(FIRST_DOOR - 1)]
    )
    period_s = models.PositiveIntegerField(
        _("采集周期 (s)"), default=60, validators=[MinValueValidator(1), MaxValueValidator(86400)]
    )
    offline_after_s = models.PositiveIntegerField(
        _("判定离线时间 (s)"),
        default=600,
        help_text=_("至少为三个采集周期。"),
        validators=[MinValueValidator(5)],
    )
    is_enabled = models.BooleanField(_("启用"), default=True)
    is_simulated = models.BooleanField(_("模拟"), default=False)

    objects = GatewayQuerySet.as_manager()

    class Meta:
        verbose_name = _("网关")
        verbose_name_plural = pgettext_lazy("plural", "网关")
        ordering = ["site_id", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "name"],
                name="gateway_name_per_site",
                violation_error_message=_("该站点已有同名网关。"),
            ),
            models.UniqueConstraint(
                fields=["dtu_id"],
                condition=~Q(dtu_id=""),
                name="one_gateway_per_dtu",
                violation_error_message=_("已有网关使用此 DTU 编号。"),
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind=GatewayKind.DTU, dtu_profile__isnull=False) & ~Q(dtu_id="")
                    | ~Q(kind=GatewayKind.DTU) & ~Q(host="") & Q(dtu_id="")
                ),
                name="gateway_can_be_reached",
                violation_error_message=_(
                    "拨入网关须填写 DTU 编号和 DTU 类型；其他网关须填写地址，且不填 DTU 编号。"
                ),
            ),
        ]

    @property
    def poll_shard(self) -> int:
        """The number under which whoever polls it holds the lease."""
        return poll_shard_of(self.kind, self.shard)

    @property
    def place(self) -> str:
        """Where it is reached: its address, or the id under which it dials in.

        For those who maintain the site: a DTU has no other secret.
        """
        return self.dtu_id or self.host

    @property
    def silence_s(self) -> int:
        """Seconds without a frame after which it counts as offline (DOMAIN.md §1)."""
        return max(3 * self.period_s, self.offline_after_s)


class BusQuerySet(SiteScopedQuerySet):
    site_path = "gateway__site__"


@keeps_changes()
class Bus(models.Model):
    """One line of a gateway with its own port; a single transaction at a time."""

    gateway = models.ForeignKey(
        Gateway, models.CASCADE, related_name="buses", verbose_name=_("网关")
    )
    number = models.PositiveSmallIntegerField(_("总线号"), default=1)
    port = models.PositiveIntegerField(
        _("端口"), default=502, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    timeout_ms = models.PositiveIntegerField(
        _("应答超时 (ms)"), default=1000, validators=[MinValueValidator(20)]
    )
    gap_ms = models.PositiveIntegerField(_("帧间隔 (ms)"), default=0)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    objects = BusQuerySet.as_manager()

    class Meta:
        verbose_name = _("总线")
        verbose_name_plural = pgettext_lazy("plural", "总线")
        ordering = ["gateway_id", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "number"],
                name="bus_number_per_gateway",
                violation_error_message=_("该网关已有相同总线号。"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.gateway} #{self.number}"

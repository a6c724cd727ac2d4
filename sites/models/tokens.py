"""Tokens of the REST API, bound to a device of the user; sign-ins that were refused."""

from datetime import datetime
from hashlib import sha256

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models.people import User


def digest_of(plain: str) -> str:
    """What is stored of a token: 32 random bytes need no salt and no slow hash."""
    return sha256(plain.encode()).hexdigest()


class ApiToken(models.Model):
    """A hashed, expiring token of one user on one device; the plain text is shown once.

    `password_stamp` is the user's session hash at the time of issue: a new password ends the token
    as it ends the sessions. Written by services.issue_token and revoke_token.
    """

    user = models.ForeignKey(
        User, models.CASCADE, related_name="api_tokens", verbose_name=_("用户")
    )
    device_id = models.CharField(_("终端标识"), max_length=80)
    device_name = models.CharField(_("终端名称"), max_length=80, blank=True)
    digest = models.CharField(_("摘要"), max_length=64, unique=True, editable=False)
    password_stamp = models.CharField(_("口令印记"), max_length=64, editable=False, default="")
    created_at = models.DateTimeField(_("创建时间"))
    expires_at = models.DateTimeField(_("过期时间"))
    last_used_at = models.DateTimeField(_("最近使用"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("吊销时间"), null=True, blank=True)

    class Meta:
        verbose_name = _("接口令牌")
        verbose_name_plural = pgettext_lazy("plural", "接口令牌")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "device_id"],
                condition=models.Q(revoked_at__isnull=True),
                name="one_live_token_per_device",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.device_name or self.device_id}"

    def is_live(self, at: datetime) -> bool:
        """Whether the token opens the door at a moment (the user is another question)."""
        return self.revoked_at is None and self.expires_at > at


class SignInRefusal(models.Model):
    """A sign-in that was refused: kept for the administrator, never with the password."""

    class Door(models.TextChoices):
        WEB = "web", _("网页")
        API = "api", _("接口")

    class Reason(models.TextChoices):
        PASSWORD = "password", _("用户名或密码不正确")
        CODE = "code", _("验证码不正确")
        CLOSED = "closed", _("账号已停用")
        LIMITED = "limited", _("尝试过于频繁")

    at = models.DateTimeField(_("时间"), db_index=True)
    username = models.CharField(_("用户名"), max_length=150)
    ip_address = models.GenericIPAddressField(_("来源地址"), null=True, blank=True)
    door = models.CharField(_("入口"), max_length=12, choices=Door)
    reason = models.CharField(_("原因"), max_length=40, choices=Reason)

    class Meta:
        verbose_name = _("登录失败记录")
        verbose_name_plural = pgettext_lazy("plural", "登录失败记录")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.username}"

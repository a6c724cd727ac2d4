"""Organisations, teams and users."""

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class Organisation(models.Model):
    """A party: O&M company, owner, government body or platform provider."""

    class Kind(models.TextChoices):
        OM_COMPANY = "om_company", _("运维单位")
        OWNER = "owner", _("用电单位")
        GOVERNMENT = "government", _("政府部门")
        PROVIDER = "provider", _("平台服务商")

    name = models.CharField(_("名称"), max_length=120, unique=True)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True)
    kind = models.CharField(_("类型"), max_length=20, choices=Kind)
    phone = models.CharField(_("电话"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("单位")
        verbose_name_plural = _("单位")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """A crew of an O&M company; sites are assigned to it."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="teams", verbose_name=_("单位")
    )
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("班组")
        verbose_name_plural = _("班组")
        ordering = ["organisation__name", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name"],
                name="team_name_per_organisation",
                violation_error_message=_("该单位已有同名班组。"),
            )
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in. What he may see and do is said by his grants alone."""

    class Language(models.TextChoices):
        ZH = "zh-hans", "简体中文"  # not translated: a language names itself
        EN = "en", "English"

    class Theme(models.TextChoices):
        AUTO = "auto", _("跟随系统")
        LIGHT = "light", _("浅色")
        DARK = "dark", _("深色")

    name = models.CharField(_("姓名"), max_length=60, blank=True)
    phone = models.CharField(_("电话"), max_length=40, blank=True)
    organisation = models.ForeignKey(
        Organisation,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="users",
        verbose_name=_("单位"),
    )
    teams = models.ManyToManyField(
        Team, blank=True, related_name="members", verbose_name=_("班组")
    )
    language = models.CharField(_("语言"), max_length=10, choices=Language, default=Language.ZH)
    theme = models.CharField(_("主题"), max_length=10, choices=Theme, default=Theme.AUTO)
    timezone = models.CharField(_("时区"), max_length=40, default="Asia/Shanghai")

    objects = UserManager()

    class Meta:
        verbose_name = _("用户")
        verbose_name_plural = _("用户")
        ordering = ["username"]

    def __str__(self) -> str:
        return self.name or self.username

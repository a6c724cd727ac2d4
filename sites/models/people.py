"""Organisations, teams and users."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.auth.models import AbstractUser, AnonymousUser, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models.access import access_for
from sites.models.changes import keeps_changes
from sites.models.names import name_for_reader
from sites.models.zones import known_zone
from sites.rules import Ability, ScopeKind


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def visible_to(self, user: User | AnonymousUser, *, ability: Ability = Ability.VIEW) -> Self:
        """Those on which the ability is held; to look at, also one's own and those of one's teams."""
        access = access_for(user)
        if access.has_everywhere(ability):
            return self
        condition = Q(pk__in=access.scope_ids(ScopeKind.ORGANISATION, ability))
        if ability == Ability.VIEW:
            condition |= Q(teams__in=access.scope_ids(ScopeKind.TEAM, ability))
            condition |= Q(users=getattr(user, "pk", None))
        return self.filter(pk__in=self.model.objects.filter(condition).values("pk"))


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User | AnonymousUser, *, ability: Ability = Ability.VIEW) -> Self:
        """Teams on which, on whose organisation or on one of whose sites the ability is held."""
        access = access_for(user)
        if access.has_everywhere(ability):
            return self
        condition = Q(pk__in=access.scope_ids(ScopeKind.TEAM, ability))
        condition |= Q(organisation__in=access.scope_ids(ScopeKind.ORGANISATION, ability))
        if ability == Ability.VIEW:
            condition |= access.site_q("sites__", ability=ability)
        return self.filter(pk__in=self.model.objects.filter(condition).values("pk"))


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(
        self, user: User | AnonymousUser, *, ability: Ability = Ability.MANAGE_SITE
    ) -> Self:
        """Oneself, and the people of the organisations and teams on which the ability is held."""
        access = access_for(user)
        if access.has_everywhere(ability):
            return self
        condition = Q(pk=getattr(user, "pk", None))
        organisations = access.scope_ids(ScopeKind.ORGANISATION, ability)
        condition |= Q(organisation__in=organisations) | Q(teams__organisation__in=organisations)
        condition |= Q(teams__in=access.scope_ids(ScopeKind.TEAM, ability))
        return self.filter(pk__in=self.model.objects.filter(condition).values("pk"))

    def able_to_sign_in(self, *, with_demo: bool) -> Self:
        """Active people; those of the demonstration only where they are let in."""
        active = self.filter(is_active=True)
        return active if with_demo else active.filter(is_demo=False)


class PeopleManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Django's way of making users, our way of filtering them."""

    use_in_migrations = False


@keeps_changes()
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

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("organisation", "单位")
        verbose_name_plural = pgettext_lazy("organisations", "单位")
        ordering = ["name"]

    def __str__(self) -> str:
        return name_for_reader(self.name, self.name_en)


@keeps_changes()
class Team(models.Model):
    """A crew of an O&M company; sites are assigned to it."""

    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        related_name="teams",
        verbose_name=pgettext_lazy("organisation", "单位"),
    )
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=120, blank=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = _("班组")
        verbose_name_plural = pgettext_lazy("plural", "班组")
        ordering = ["organisation__name", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name"],
                name="team_name_per_organisation",
                violation_error_message=_("该单位已有同名班组。"),
            )
        ]

    def __str__(self) -> str:
        return name_for_reader(self.name, self.name_en)


# Never the password; when somebody signed in and how he likes to read is no master data.
@keeps_changes(
    exclude=(
        "password",
        "last_login",
        "first_name",
        "last_name",
        "date_joined",
        "language",
        "theme",
        "density",
        "has_shortcuts",
        "has_alarm_sound",
        "has_alarm_notice",
        "notices_seen_at",
    )
)
class User(AbstractUser):
    """A person who signs in. What he may see and do is said by his grants alone."""

    class Language(models.TextChoices):
        ZH = "zh-hans", "简体中文"  # not translated: a language names itself
        EN = "en", "English"

    class Theme(models.TextChoices):
        AUTO = "auto", _("跟随系统")
        LIGHT = "light", _("浅色")
        DARK = "dark", _("深色")

    class Density(models.TextChoices):
        COMFORTABLE = "comfortable", _("舒适")
        COMPACT = "compact", _("紧凑")

    name = models.CharField(_("姓名"), max_length=60, blank=True)
    name_en = models.CharField(_("英文姓名"), max_length=80, blank=True)
    phone = models.CharField(_("电话"), max_length=40, blank=True)
    organisation = models.ForeignKey(
        Organisation,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="users",
        verbose_name=pgettext_lazy("organisation", "单位"),
    )
    teams = models.ManyToManyField(Team, blank=True, related_name="members", verbose_name=_("班组"))
    language = models.CharField(_("语言"), max_length=10, choices=Language, default=Language.ZH)
    theme = models.CharField(_("主题"), max_length=10, choices=Theme, default=Theme.AUTO)
    timezone = models.CharField(
        _("时区"), max_length=40, default="Asia/Shanghai", validators=[known_zone]
    )
    density = models.CharField(
        _("列表密度"), max_length=12, choices=Density, default=Density.COMFORTABLE
    )
    has_shortcuts = models.BooleanField(
        _("键盘快捷键"), default=True, help_text=_("单个按键的快捷键，按 ? 查看。")
    )
    has_alarm_sound = models.BooleanField(
        _("紧急告警声音"), default=False, help_text=_("只在出现紧急告警时响一声。")
    )
    has_alarm_notice = models.BooleanField(
        _("紧急告警桌面通知"), default=False, help_text=_("页面在后台时提醒紧急告警。")
    )
    notices_seen_at = models.DateTimeField(_("通知查看时间"), null=True, blank=True, editable=False)
    is_demo = models.BooleanField(
        _("演示账号"),
        default=False,
        help_text=_("密码是公开的，只能在演示数据库中登录。"),
    )

    objects: ClassVar[PeopleManager] = PeopleManager()

    class Meta:
        verbose_name = _("用户")
        verbose_name_plural = pgettext_lazy("plural", "用户")
        ordering = ["username"]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="username_once_in_any_case",
                violation_error_message=_("该用户名已被使用（不区分大小写）。"),
            )
        ]

    def __str__(self) -> str:
        return name_for_reader(self.name, self.name_en) or self.username

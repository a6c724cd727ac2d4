"""Roles and what each may do. Pure: the one table behind every gate."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    ADMINISTRATOR = "administrator", _("管理员")
    MANAGER = "manager", _("运维经理")
    DISPATCHER = "dispatcher", _("值班员")
    TECHNICIAN = "technician", _("运维人员")
    ENTERPRISE = "enterprise", _("企业用户")
    DISTRICT_VIEWER = "district_viewer", _("区级查看")
    TOWN_VIEWER = "town_viewer", _("镇街查看")
    DEPARTMENT_VIEWER = "department_viewer", _("部门查看")


class Ability(TextChoices):
    VIEW = "view", _("查看")
    COMMENT = "comment", _("备注")
    HANDLE_ALARM = "handle_alarm", _("处理告警")
    CREATE_ORDER = "create_order", _("创建工单")
    ASSIGN_ORDER = "assign_order", _("派单")
    WORK_ORDER = "work_order", _("处理工单")
    ACCEPT_ORDER = "accept_order", _("验收工单")
    PLAN_TASK = "plan_task", _("维护任务计划")
    ASSIGN_TASK = "assign_task", _("派发任务")
    WORK_TASK = "work_task", _("执行任务")
    ACCEPT_TASK = "accept_task", _("验收任务")
    READ_NOW = "read_now", _("立即召测")
    CONTROL = "control", _("遥控操作与监护")
    LOCK_OUT = "lock_out", _("设置检修闭锁")
    MANAGE_SITE = "manage_site", _("维护档案")
    REPAIR_DATA = "repair_data", _("修正历史数据")
    MANAGE_RULES = "manage_rules", _("维护告警规则")
    MANAGE_GRANTS = "manage_grants", _("维护授权")


class DataClass(TextChoices):
    SAFETY = "safety", _("安全数据")
    LOAD = "load", _("负荷数据")
    ENERGY = "energy", _("电量数据")


class ScopeKind(TextChoices):
    PLATFORM = "platform", _("全平台")
    ORGANISATION = "organisation", _("运维单位所辖站点")
    TEAM = "team", _("班组所辖站点")
    ENTERPRISE = "enterprise", _("企业")
    SITE = "site", _("站点")
    TOWN = "town", _("镇街")
    DEPARTMENT = "department", _("主管部门")


_LOOK = frozenset({Ability.VIEW})
_DISPATCH = frozenset(
    {
        Ability.VIEW,
        Ability.COMMENT,
        Ability.HANDLE_ALARM,
        Ability.CREATE_ORDER,
        Ability.ASSIGN_ORDER,
        Ability.ACCEPT_ORDER,
        Ability.ASSIGN_TASK,
        Ability.ACCEPT_TASK,
        Ability.READ_NOW,
        Ability.CONTROL,
        Ability.LOCK_OUT,
    }
)

ABILITIES: dict[Role, frozenset[Ability]] = {
    Role.ADMINISTRATOR: frozenset(Ability),
    Role.MANAGER: _DISPATCH
    | {Ability.PLAN_TASK, Ability.MANAGE_SITE, Ability.REPAIR_DATA, Ability.MANAGE_RULES},
    Role.DISPATCHER: _DISPATCH,
    Role.TECHNICIAN: frozenset(
        {
            Ability.VIEW,
            Ability.COMMENT,
            Ability.WORK_ORDER,
            Ability.WORK_TASK,
            Ability.READ_NOW,
            Ability.LOCK_OUT,
        }
    ),
    Role.ENTERPRISE: frozenset({Ability.VIEW, Ability.COMMENT}),
    Role.DISTRICT_VIEWER: _LOOK,
    Role.TOWN_VIEWER: _LOOK,
    Role.DEPARTMENT_VIEWER: _LOOK,
}

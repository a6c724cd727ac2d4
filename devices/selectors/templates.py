"""Device templates: the gates, and the library with what a list needs of each."""

from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    IntegerField,
    Max,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from core.errors import Forbidden, NotFound
from devices.drivers.coverage import RANKS
from devices.models import Device, DeviceTemplate, Register, TemplateVersion
from devices.states import VersionState
from sites.models import User, access_for
from sites.rules import Ability

# What a version's number may be in an address.
LAST_NUMBER = 1_000_000


def may_keep_library(user: User) -> bool:
    """Whether the person may import, clone and retire: templates belong to the whole platform."""
    return access_for(user).has_everywhere(Ability.MANAGE_SITE)


def require_library(user: User) -> None:
    """Raises Forbidden for whoever may only read the library."""
    if not may_keep_library(user):
        raise Forbidden


def template_for(*, key: str) -> DeviceTemplate:
    """The template of a key; everybody who is signed in may read. Raises NotFound."""
    template = DeviceTemplate.objects.filter(key=key).first()
    if template is None:
        raise NotFound
    return template


def version_for(*, key: str, number: str | int) -> TemplateVersion:
    """One version of a template, with template and layout. Raises NotFound, also for nonsense."""
    text = str(number)
    if not (text.isascii() and text.isdecimal()) or len(text) > 7 or int(text) > LAST_NUMBER:
        raise NotFound
    rows = TemplateVersion.objects.select_related("template", "layout")
    version = rows.filter(template__key=key, number=int(text)).first()
    if version is None:
        raise NotFound
    return version


def newest_version(template: DeviceTemplate) -> TemplateVersion | None:
    """The version for new devices: the newest that is published, else the newest; None without."""
    rows = template.versions.select_related("template", "layout").order_by("-number")
    return rows.filter(state=VersionState.PUBLISHED).first() or rows.first()


def library(*, user: User) -> QuerySet[Any]:
    """Templates with facts of their newest version and of the person's devices.

    Adds newest_id, newest_number, point_count, rank (of its weakest register, None without any),
    device_count, behind_count (devices on an older version), is_retired.
    """
    versions = TemplateVersion.objects.filter(template=OuterRef("pk"))
    published = versions.filter(state=VersionState.PUBLISHED).order_by("-number")
    newest = versions.order_by("-number")
    devices = Device.objects.visible_to(user).filter(template_version__template=OuterRef("pk"))
    whens = [When(confidence=word, then=Value(rank)) for word, rank in RANKS.items()]
    rank = Case(*whens, default=Value(RANKS["confirmed"]), output_field=IntegerField())
    registers = Register.objects.filter(version=OuterRef("newest_id")).order_by()
    return DeviceTemplate.objects.annotate(
        newest_id=Coalesce(Subquery(published.values("pk")[:1]), Subquery(newest.values("pk")[:1])),
        newest_number=Coalesce(
            Subquery(published.values("number")[:1]), Subquery(newest.values("number")[:1])
        ),
        is_retired=Exists(versions) & ~Exists(published),
    ).annotate(
        point_count=Coalesce(
            Subquery(registers.values("version").annotate(n=Count("pk")).values("n")), 0
        ),
        rank=Subquery(registers.values("version").annotate(n=Max(rank)).values("n")),
        device_count=_count(devices),
        behind_count=_count(devices.filter(template_version__number__lt=OuterRef("newest_number"))),
    )


def _count(devices: QuerySet[Any]) -> Coalesce:
    of_template = devices.order_by().values("template_version__template")
    return Coalesce(Subquery(of_template.annotate(n=Count("pk")).values("n")), 0)


def devices_per_version(*, user: User, templates: list[int]) -> dict[int, int]:
    """How many of the person's devices each version has, by the version's key."""
    rows = Device.objects.visible_to(user).filter(template_version__template__in=templates)
    counted = rows.order_by().values_list("template_version").annotate(n=Count("pk"))
    return dict(counted.values_list("template_version", "n"))


BEHIND = {"behind_count__gt": 0}
IN_USE = {"device_count__gt": 0}
UNUSED = {"device_count": 0}
RETIRED = {"is_retired": True}
USES: dict[str, dict[str, Any]] = {
    "used": IN_USE,
    "unused": UNUSED,
    "behind": BEHIND,
    "retired": RETIRED,
}

"""Devices go from one version of their template to another, and versions leave the choice."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.errors import Changed, Invalid
from devices.models import Device, DeviceTemplate, TemplateVersion
from devices.states import VersionState
from sites.models import User
from sites.rules import Ability

GONE = _("有设备已不在此版本上，或不由您维护。没有改动任何设备，请重新选择。")


def movable(*, version: TemplateVersion, by: User) -> QuerySet[Any]:
    """The devices on a version that the person may move: those of sites that he maintains."""
    devices = Device.objects.visible_to(by, ability=Ability.MANAGE_SITE)
    return devices.filter(template_version=version)


@transaction.atomic
def move_devices(  # noqa: PLR0913 - what a move consists of
    *,
    version: TemplateVersion,
    target: TemplateVersion,
    by: User,
    now: datetime,
    device_ids: Collection[int] | None = None,
    is_back: bool = False,
) -> list[int]:
    """Put devices of one version on another of the same template; their keys.

    device_ids None: all that the person may move. The poll plan follows with the next look at the
    tables; what is stored keeps the layout that it was read with. Each change is on record.
    is_back: a move that is taken back, which a version retired since does not hinder.
    Raises Invalid for versions that do not fit, Changed when a device named is no longer there or
    not the person's.
    """
    found = found_to_move(
        version=version, target=target, by=by, now=now, device_ids=device_ids, is_back=is_back
    )
    rows = Device.objects.filter(pk__in=found, template_version=version)
    locked = list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    if len(locked) != len(found):
        raise Changed(GONE)
    Device.objects.filter(pk__in=found).update(template_version=target, updated_at=now)
    return found


def found_to_move(  # noqa: PLR0913 - as move_devices
    *,
    version: TemplateVersion,
    target: TemplateVersion,
    by: User,
    now: datetime,  # noqa: ARG001 - as move_devices
    device_ids: Collection[int] | None = None,
    is_back: bool = False,
) -> list[int]:
    """The devices that `move_devices` would move; nothing is written. Raises as it does."""
    _require_fit(version, target, is_back=is_back)
    rows = movable(version=version, by=by)
    if device_ids is not None:
        rows = rows.filter(pk__in=device_ids)
    found = list(rows.order_by("pk").values_list("pk", flat=True))
    if device_ids is not None and len(found) != len(set(device_ids)):
        raise Changed(GONE)
    return found


def _require_fit(version: TemplateVersion, target: TemplateVersion, *, is_back: bool) -> None:
    if version.template_id != target.template_id:
        raise Invalid(fields={"to_version": [str(_("两个版本须属于同一模板。"))]})
    if version.pk == target.pk:
        raise Invalid(fields={"to_version": [str(_("请选择另一个版本。"))]})
    if target.state != VersionState.PUBLISHED and not is_back:
        raise Invalid(fields={"to_version": [str(_("该版本已停用，不能再选用。"))]})


def set_retired(
    *, template: DeviceTemplate, is_retired: bool, version: TemplateVersion | None = None
) -> int:
    """Take one version, or all, out of the choice for devices, or bring it back; how many changed.

    Devices that are on it go on as before.
    """
    before, after = VersionState.PUBLISHED, VersionState.RETIRED
    if not is_retired:
        before, after = after, before
    rows = template.versions.filter(state=before)
    if version is not None:
        rows = rows.filter(pk=version.pk)
    return rows.update(state=after)

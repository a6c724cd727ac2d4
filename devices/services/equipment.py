"""Changes of equipment that leave a history: meters, ratios."""

from contextlib import suppress
from datetime import datetime

import redis
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import Invalid
from devices import live
from devices.models import Bus, Device, Meter, Ratio


@transaction.atomic
def replace_meter(*, device: Device, serial: str, at: datetime) -> Meter:
    """Put another meter at a measuring position; the one before is removed at that moment.

    The device keeps its id, its history and its alarms. Raises Invalid when `at` lies before the
    installation of the present one.
    """
    present = _locked(device).meters.filter(removed_at__isnull=True).first()
    if present is not None:
        if at <= present.installed_at:
            raise Invalid(fields={"at": [str(_("更换时间必须晚于现有表计的安装时间。"))]})
        present.removed_at = at
        present.save(update_fields=["removed_at"])
    return Meter.objects.create(device=device, serial=serial, installed_at=at)


@transaction.atomic
def set_ratio(*, device: Device, ct: float, pt: float, valid_from: datetime) -> Ratio:
    """Put a ratio in force from a moment on; the one in force until then ends at it.

    Raises Invalid when a ratio must not be positive, or the moment lies before the present one's.
    """
    wrong = {
        name: [str(_("变比必须大于 0。"))] for name, ratio in (("ct", ct), ("pt", pt)) if ratio <= 0
    }
    if wrong:
        raise Invalid(fields=wrong)
    present = _locked(device).ratios.filter(valid_to__isnull=True).first()
    if present is not None:
        if valid_from <= present.valid_from:
            raise Invalid(fields={"valid_from": [str(_("生效时间必须晚于现行变比的生效时间。"))]})
        present.valid_to = valid_from
        present.save(update_fields=["valid_to", "updated_at"])
    return Ratio.objects.create(device=device, ct=ct, pt=pt, valid_from=valid_from)


def shared_line(*, host: str, port: int, gateway_id: int | None) -> Bus | None:
    """A bus of another gateway with the same host and port: two would speak on one line.

    A gateway that dials in has no host, and a line of its own.
    """
    if not host:
        return None
    others = Bus.objects.filter(gateway__host=host, port=port).exclude(gateway=gateway_id)
    return others.select_related("gateway").first()


def forget_place(*, device: Device, site_id: int) -> None:
    """Drop the device's latest values from a site that it has left."""
    with suppress(redis.RedisError):
        live.forget(site_id=site_id, device_ids=[device.pk])


def _locked(device: Device) -> Device:
    return Device.objects.select_for_update().get(pk=device.pk)

"""Pictures that people add to an alarm with their remarks."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from alarms.models.alarms import Alarm
from sites.models import SiteScopedQuerySet, User


class AlarmPhotoQuerySet(SiteScopedQuerySet):
    site_path = "alarm__site__"


class AlarmPhoto(models.Model):
    """A picture of an alarm, encoded by us; its log row names it. Never changed."""

    alarm = models.ForeignKey(Alarm, models.PROTECT, related_name="photos")
    image = models.ImageField(
        _("照片"), upload_to="alarms/%Y/%m/", width_field="width_px", height_field="height_px"
    )
    thumbnail = models.ImageField(_("缩略图"), upload_to="alarms/%Y/%m/")
    width_px = models.PositiveIntegerField(editable=False)
    height_px = models.PositiveIntegerField(editable=False)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("时间"))

    objects = AlarmPhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("照片")
        verbose_name_plural = pgettext_lazy("plural", "照片")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.alarm_id} {self.at:%F %T}"

"""Time zones as stored: names of the IANA database."""

from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def known_zone(name: str) -> None:
    """Field validator. Raises ValidationError for a name that no page could reckon with."""
    if name not in available_timezones():
        raise ValidationError(_("未知的时区：%(name)s"), params={"name": name}, code="zone")

"""Registration of the app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlarmsConfig(AppConfig):
    name = "alarms"
    verbose_name = _("告警")

    def ready(self) -> None:
        """Listen to what is below; only now are the tables known."""
        import_module("alarms.receivers").connect()

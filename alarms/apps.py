"""Registration of the app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import pgettext_lazy


class AlarmsConfig(AppConfig):
    name = "alarms"
    verbose_name = pgettext_lazy("plural", "告警")

    def ready(self) -> None:
        """Listen to what is below, make the list and the job on it known; only now are the tables known."""
        import_module("alarms.receivers").connect()
        import_module("alarms.resources")
        import_module("alarms.views.sheets").register_works()

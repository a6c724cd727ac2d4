"""Registration of the app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DevicesConfig(AppConfig):
    name = "devices"
    verbose_name = _("采集与测点")

    def ready(self) -> None:
        """Make the sheets of equipment and its jobs known; only now are the tables there."""
        resources = import_module("devices.resources")
        resources.name_equipment()
        resources.register_equipment()
        import_module("devices.services.commission_jobs").register_work()

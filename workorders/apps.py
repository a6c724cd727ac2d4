"""Registration of the app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import pgettext_lazy


class WorkordersConfig(AppConfig):
    name = "workorders"
    verbose_name = pgettext_lazy("plural", "工单")

    def ready(self) -> None:
        """Make the lists known; only now are the tables known."""
        import_module("workorders.resources")

"""Registration of the app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "reports"
    verbose_name = _("大厅与报表")

    def ready(self) -> None:
        """Make the jobs known; only now are the tables known."""
        import_module("reports.services.curve_sheets").register_works()

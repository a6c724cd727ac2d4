"""Registration of the app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SitesConfig(AppConfig):
    name = "sites"
    verbose_name = _("站点与人员")

    def ready(self) -> None:
        """Make the sheets and the work on them known; only now are the tables there."""
        places = import_module("sites.resources.places")
        places.name_places()
        places.register_places()
        import_module("sites.resources.works").register_works()

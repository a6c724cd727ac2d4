"""Bring the point dictionary and the templates that ship into the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from devices.drivers.points import DictionaryError
from devices.services import templates
from devices.services.dtu_profiles import load_dtu_profiles


class Command(BaseCommand):
    help = "Load the point dictionary, the device templates and the kinds of DTUs that ship; may be repeated."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            imported = templates.load_library()
        except templates.TemplateRefused as refusal:
            raise CommandError("\n".join(map(str, refusal.errors))) from refusal
        except DictionaryError as refusal:
            raise CommandError(str(refusal)) from refusal
        for result in imported:
            word = "new" if result.is_new else "unchanged"
            self.stdout.write(f"{result.version.template.key} v{result.version.number} {word}")
        for profile in load_dtu_profiles():
            self.stdout.write(f"{profile.code} new")

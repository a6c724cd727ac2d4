"""Load what the product ships: points, device templates, rules. Safe to run at every start."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Load points, device templates and alarm rules that ship with the product (idempotent)."

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("load_library", "load_rules"):
            call_command(name, stdout=self.stdout, stderr=self.stderr)

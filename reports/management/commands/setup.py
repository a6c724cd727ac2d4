"""Bring a home up to date: tables, what the product ships, static files. Run at every start."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = (
        "Migrate, load points, device templates and alarm rules, collect static files (idempotent)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="and the demo, when it is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        words = {"stdout": self.stdout, "stderr": self.stderr}
        call_command("migrate", interactive=False, verbosity=1, **words)
        for name in ("load_library", "load_rules"):
            call_command(name, **words)
        # The web server reads the hashed names when it starts.
        call_command("collectstatic", interactive=False, verbosity=0, **words)
        if options["demo"]:
            call_command("demo", if_empty=True, **words)

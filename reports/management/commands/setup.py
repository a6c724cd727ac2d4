"""Bring a home up to date: tables, what the product ships, static files. Run at every start."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction

from sites.models import Enterprise


class Command(BaseCommand):
    help = (
        "Migrate, load points, device templates and alarm rules, collect static files (idempotent)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="and the demo, when it is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        words = {"stdout": self.stdout, "stderr": self.stderr}
        if settings.DEMO_LOGINS and settings.DEMO_UNFINISHED.exists():
            self._begin_anew()
        call_command("migrate", interactive=False, verbosity=1, **words)
        for name in ("load_library", "load_rules"):
            call_command(name, **words)
        # The web server reads the hashed names when it starts.
        call_command("collectstatic", interactive=False, verbosity=0, **words)
        if options["demo"]:
            self._make_demo(words)

    def _make_demo(self, words: dict[str, Any]) -> None:
        """Fill an empty database, marked for as long as that takes.

        Only here, before any page is served: what a demo loaded by hand leaves half-made may stand
        beside rows that people have entered meanwhile, and is never dropped.
        """
        if not Enterprise.objects.exists():
            settings.DEMO_UNFINISHED.touch()
        call_command("demo", if_empty=True, **words)
        settings.DEMO_UNFINISHED.unlink(missing_ok=True)

    def _begin_anew(self) -> None:
        """Drop a demo that is not whole: pages were never served from it, so it is nobody's data."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
        settings.DEMO_UNFINISHED.unlink()

"""Bring the alarm rules that ship into the database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from alarms import services


class Command(BaseCommand):
    help = "Create the alarm rules that ship and are missing; edited ones stay as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reset", action="store_true", help="bring shipped rules back to what they were"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        done = services.load_rules(is_reset=bool(options.get("reset")))
        self.stdout.write(
            f"rules: {len(done.created)} created, {len(done.reset)} reset, {len(done.kept)} kept"
        )

"""Load the demo, or print its log-ins."""

import logging
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from reports.services import demo
from sites.models import User

MOST_HANDS = 4


class Command(BaseCommand):
    help = "Make the demo district in an empty, embedded database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when data is there")
        full = demo.Size()
        parser.add_argument("--sites", type=int, default=full.sites, help="how many sites")
        parser.add_argument("--days", type=float, default=settings.DEMO_DAYS, help="of history")
        parser.add_argument("--logins", action="store_true", help="print one log-in per role")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["logins"]:
            self._logins()
            return
        if not settings.DEMO_LOGINS:
            raise CommandError("The demo is for the embedded database; this one is your own.")
        size = demo.Size(sites=options["sites"], days=options["days"])
        now = timezone.now()
        # Thousands of acts of the past would bury the lines that tell how far it is.
        logging.disable(logging.INFO)
        hands = min(MOST_HANDS, os.cpu_count() or 1)
        made = demo.load(now=now, progress=self._say, clock=timezone.now, size=size, hands=hands)
        if made is None and not options["if_empty"]:
            raise CommandError("There are enterprises already; the demo wants an empty database.")

    def _say(self, text: str) -> None:
        self.stdout.write(f"demo: {text}")
        self.stdout.flush()

    def _logins(self) -> None:
        users = User.objects.filter(is_demo=True, is_active=True).prefetch_related("grants")
        for user in users:
            roles = ", ".join(sorted({grant.role for grant in user.grants.all()}))
            self.stdout.write(f"  {user.username:<14} {demo.PASSWORD}   {roles}")

"""Import device templates from files, with an error per line."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from devices.services import templates


class Command(BaseCommand):
    help = "Import device templates (YAML). Good files are imported even when others are not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *_args: Any, **options: Any) -> None:
        refused = sum(not self._import(path) for path in options["files"])
        if refused:
            raise CommandError(f"{refused} of {len(options['files'])} files were not imported")

    def _import(self, path: Path) -> bool:
        try:
            result = templates.import_template(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as problem:
            self.stderr.write(f"{path}: {problem}")
            return False
        except templates.TemplateRefused as refusal:
            for error in refusal.errors:
                self.stderr.write(f"{path}: {error}")
            return False
        word = "new" if result.is_new else "unchanged"
        self.stdout.write(f"{path}: {result.version.template.key} v{result.version.number} {word}")
        return True

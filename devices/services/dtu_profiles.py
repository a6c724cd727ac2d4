"""The kinds of DTUs that ship: made once, and never touched again."""

from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from devices.models import DtuProfile

SHIPPED = Path(__file__).resolve().parent.parent / "library" / "dtu" / "profiles.yaml"


@transaction.atomic
def load_dtu_profiles(path: Path = SHIPPED) -> list[DtuProfile]:
    """Make what is missing, by code; the rows made."""
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = set(DtuProfile.objects.values_list("code", flat=True))
    made = []
    for facts in found:
        if facts["code"] in known:
            continue
        names = facts.pop("name")
        row = DtuProfile(name=names["zh"], name_en=names["en"], **facts)
        row.full_clean()
        row.save()
        made.append(row)
    return made

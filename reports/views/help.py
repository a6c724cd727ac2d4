"""Help: the lives of alarms, orders and tasks, drawn from their tables; what the product is made of."""

import json
import platform
import re
import tomllib
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import Any, cast

import django
import redis
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from alarms import states as alarm_states
from core.transitions import Life
from devices.models import Retention
from devices.services import tallies
from reports.selectors.completeness import TARGET_PERCENT
from reports.selectors.diagrams import diagram_of
from reports.templatetags.ui import duration
from sites.rules import Ability
from workorders import states as order_states

PINS = settings.BASE_DIR / "script" / "vendor.json"
PROJECT = settings.BASE_DIR / "pyproject.toml"
REQUIREMENTS = settings.BASE_DIR / "requirements.txt"


@login_required
@require_safe
def state_diagrams(request: HttpRequest) -> HttpResponse:
    """Each life as a drawing and as a table of its moves."""
    lives = [
        (_("告警：处理状态"), "handling", alarm_states.HANDLING),
        (_("告警：工况"), "condition", alarm_states.CONDITION),
        (_("工单"), "order", order_states.LIFE),
        (_("任务"), "task", order_states.TASK_LIFE),
    ]
    context = {"lives": [_drawn(title, key, life) for title, key, life in lives]}
    return render(request, "reports/state_diagrams.html", context)


def _drawn(title: str, key: str, life: Life) -> dict[str, Any]:
    return {
        "title": title,
        "key": key,
        "diagram": diagram_of(life),
        "has_undo": any(edge.is_undo for edge in life.edges),
        "moves": [
            (
                edge.source.label,
                edge.move.label,
                edge.target.label,
                Ability(edge.ability).label if edge.ability else _("系统"),
            )
            for edge in life.edges
        ],
    }


@login_required
@require_safe
def completeness(request: HttpRequest) -> HttpResponse:
    """How data completeness is computed."""
    context = {
        "lag": duration(tallies.LAG.total_seconds()),
        "target": TARGET_PERCENT,
        "device_days": Retention.days_of(Retention.Kind.TALLIES),
        "site_days": Retention.days_of(Retention.Kind.SITE_TALLIES),
    }
    return render(request, "reports/completeness_help.html", context)


@login_required
@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Version, and the licences of what the product is built with; for staff, what runs here."""
    context = {
        "version": tomllib.loads(PROJECT.read_text())["project"]["version"],
        "running": _running() if getattr(request.user, "is_staff", False) else [],
        "packages": json.loads(PINS.read_text())["packages"],
        "libraries": libraries(),
    }
    return render(request, "reports/about.html", context)


def _running() -> list[tuple[str, str]]:
    """Programs under the product with their versions; "" for one that does not answer."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
        try:
            redis_version = str(client.info("server")["redis_version"])
        except (redis.RedisError, OSError):
            redis_version = ""
    # The database says 170004 and means 17.4.
    major, minor = divmod(cast(Any, connection).pg_version, 10_000)
    return [
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
        ("PostgreSQL", f"{major}.{minor}"),
        ("Redis", redis_version),
    ]


@cache
def libraries() -> list[tuple[str, str, str]]:
    """Installed packages of requirements.txt as (name, version, licence)."""
    pinned = re.findall(r"^([\w.-]+)==", REQUIREMENTS.read_text(), re.MULTILINE)
    found = []
    for name in pinned:
        with suppress(metadata.PackageNotFoundError):
            facts = metadata.metadata(name)
            found.append((facts["Name"], facts["Version"], _licence(facts)))
    return sorted(found, key=lambda row: row[0].lower())


def _licence(facts: metadata.PackageMetadata) -> str:
    """The licence as the package says it: an expression, a short text or a classifier."""
    said = next((facts[name] for name in ("License-Expression", "License") if name in facts), "")
    if said and "\n" not in said and len(said) <= 60:
        return said
    classifiers = facts.get_all("Classifier") or []
    named = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License ::")]
    return ", ".join(named) or said.strip().partition("\n")[0][:60]

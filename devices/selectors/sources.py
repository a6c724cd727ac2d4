"""Data sources: the gate, the list, and what the page of one shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from core.errors import NotFound
from core.search import matching, words_of
from core.time import local_day
from devices.models import DataSource, Device
from devices.states import RefusalCode
from sites import selectors as site_selectors
from sites.models import Site, User
from sites.rules import Ability

SHOWN = 200


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source in a list, with the samples of its site's today."""

    source: DataSource
    devices: int
    online: int
    accepted: int
    repeated: int
    refused: int


@dataclass(frozen=True, slots=True)
class ToldRefusal:
    """A refusal in words."""

    received_at: datetime | None
    device: str
    at: str
    code: str
    words: str


@dataclass(slots=True)
class SourcePage:
    """What the page of a source shows; `devices` is cut short, `line` counts all."""

    line: SourceLine
    devices: list[Device] = field(default_factory=list)
    refusals: list[ToldRefusal] = field(default_factory=list)
    example: str = ""


def source_for(*, user: User, pk: int) -> DataSource:
    """A source that the person maintains, with its site. Raises NotFound or Forbidden."""
    sources = DataSource.objects.visible_to(user)
    source = sources.select_related("site__enterprise", "site__team").filter(pk=pk).first()
    if source is None:
        raise NotFound
    site_selectors.require(user=user, ability=Ability.MANAGE_SITE, site=source.site)
    return source


def source_lines(*, user: User, words: str, now: datetime) -> list[SourceLine]:
    """The sources that the person maintains, of one search, at most SHOWN."""
    sources = DataSource.objects.visible_to(user, ability=Ability.MANAGE_SITE)
    for word in words_of(words):
        sources = sources.filter(matching(word, ["search_text", "site__search_text"]))
    rows = sources.select_related("site__enterprise").order_by("site__number", "name")[:SHOWN]
    return _lines(list(rows), now)


def sites_to_feed(*, user: User, words: str) -> list[Site]:
    """Sites for which the person may make a source, of one search, at most SHOWN."""
    sites = Site.objects.visible_to(user, ability=Ability.MANAGE_SITE)
    for word in words_of(words):
        sites = sites.filter(matching(word, ["search_text", "enterprise__search_text"]))
    return list(sites.select_related("enterprise").order_by("number")[:SHOWN])


def source_page(*, source: DataSource, now: datetime) -> SourcePage:
    """Its figures, devices and last refusals, in the reader's language."""
    (line,) = _lines([source], now)
    devices = source.devices.select_related(
        "template_version__template", "template_version__layout"
    )
    found = SourcePage(line, list(devices.order_by("code", "name")[:SHOWN]))
    found.refusals = [_told(row) for row in source.last_refusals]
    found.example = _example(found.devices, now)
    return found


def refusal_words(code: str, facts: Any) -> str:
    """Why a sample was refused, in the reader's language."""
    if code not in RefusalCode.values:
        return code
    return str(RefusalCode(code).label) % dict(facts)


def _lines(sources: Sequence[DataSource], now: datetime) -> list[SourceLine]:
    counts = {
        row["source"]: (row["every"], row["online"])
        for row in Device.objects.filter(source__in=[source.pk for source in sources])
        .order_by()
        .values("source")
        .annotate(every=Count("pk"), online=Count("pk", filter=Q(is_online=True)))
    }
    return [
        SourceLine(
            source,
            *counts.get(source.pk, (0, 0)),
            *source.counts_on(local_day(now, source.site.timezone)),
        )
        for source in sources
    ]


def _told(row: dict[str, Any]) -> ToldRefusal:
    return ToldRefusal(
        received_at=datetime.fromisoformat(row["received_at"]),
        device=row["device"],
        at=row["at"],
        code=row["code"],
        words=refusal_words(row["code"], row["facts"]),
    )


def _example(devices: Sequence[Device], now: datetime) -> str:
    """A body that the source may send now, for its first device."""
    device = next(iter(devices), None)
    name = f'"{device.code}"' if device and device.code and device.code.isalnum() else "12"
    if device is not None and name == "12":
        name = str(device.pk)
    codes = device.template_version.layout.value_codes[:2] if device else ["Ua", "Ia"]
    values = ", ".join(
        f'"{code}": {number}' for code, number in zip(codes, (231.2, 231.4), strict=False)
    )
    at = now.replace(microsecond=0).isoformat()
    return f'{{"samples": [{{"device": {name}, "at": "{at}", "values": {{{values}}}}}]}}'

"""Changes of master data in words: who changed what, from what to what, through which door."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.models import Rule, RuleOverride
from core.errors import Forbidden, NotFound
from devices.models import (
    Bus,
    Device,
    Gateway,
    Meter,
    PointOverride,
    Ratio,
    TemplateVersion,
)
from sites.models import (
    Circuit,
    Enterprise,
    Organisation,
    Room,
    Site,
    Team,
    Transformer,
    User,
    access_for,
)
from sites.rules import Ability
from workorders.models import TaskPlan

KINDS: dict[str, type[Model]] = {
    "enterprise": Enterprise,
    "site": Site,
    "room": Room,
    "transformer": Transformer,
    "circuit": Circuit,
    "gateway": Gateway,
    "bus": Bus,
    "device": Device,
    "meter": Meter,
    "ratio": Ratio,
    "point": PointOverride,
    "organisation": Organisation,
    "team": Team,
    "user": User,
    "rule": Rule,
    "override": RuleOverride,
    "plan": TaskPlan,
}
_NAMES = ("name", "name_en", "number", "code", "serial", "username", "key")
# Events that keep the row as it was before.
_OLD = ("update", "delete")
MOST_PAGES = 40
FIRST_CELLS = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """One fact before and after."""

    label: str
    before: str
    after: str


@dataclass(slots=True)
class Change:
    """One change of one row. job: the background job that made it; None by hand."""

    at: datetime
    kind: str
    kind_label: str
    object_id: int
    name: str
    action: str
    action_label: str
    cells: list[Cell] = field(default_factory=list)
    by: User | None = None
    door: str = ""
    job: int | None = None
    request: str = ""

    @property
    def shown(self) -> str:
        """Which of the cells a list prints: of a new row the first ones name it."""
        return f":{FIRST_CELLS}" if self.action == "insert" else ":"


def require_changes(user: User) -> None:
    """The list of changes is for whoever maintains sites. Raises Forbidden otherwise."""
    if not access_for(user).has_anywhere(Ability.MANAGE_SITE):
        raise Forbidden


def kinds() -> list[tuple[str, str]]:
    """Keys and names of what has a history."""
    return [(key, str(model._meta.verbose_name)) for key, model in KINDS.items()]  # noqa: SLF001


def changes_of(*, user: User, kind: str, pk: int, limit: int = 50) -> list[Change]:
    """Changes of one object, newest first. Raises NotFound when it is not the person's to maintain."""
    require_changes(user)
    if kind not in KINDS:
        raise NotFound
    events = _events(user, kind).filter(pgh_obj_id=pk)
    found = list(events.order_by("-pgh_id").values_list("pgh_id", flat=True)[:limit])
    rows = KINDS[kind]._default_manager.filter(pk=pk)  # noqa: SLF001 - Django's documented name
    if not found and not _visible(rows, user).exists():
        raise NotFound
    return _told({kind: found})


def changes(
    *, user: User, kind: str = "", words: str = "", page: int = 1, size: int = 50
) -> tuple[list[Change], bool]:
    """One page of all changes that the person may see, newest first; whether there are older ones."""
    require_changes(user)
    page = max(1, min(page, MOST_PAGES))
    last = page * size
    heads: list[tuple[datetime, str, int]] = []
    for key in [kind] if kind in KINDS else KINDS:
        rows = _events(user, key, words).order_by("-pgh_id").values_list("pgh_created_at", "pgh_id")
        heads += [(at, key, pk) for at, pk in rows[: last + 1]]
    heads.sort(reverse=True)
    wanted: dict[str, list[int]] = defaultdict(list)
    for _at, key, pk in heads[last - size : last]:
        wanted[key].append(pk)
    return _told(wanted), len(heads) > last and page < MOST_PAGES


def _table(model: type[Model]) -> Any:
    """The table of the model's events."""
    return apps.get_model(model._meta.app_label, f"{model.__name__}Event")  # noqa: SLF001


def _events(user: User, kind: str, words: str = "") -> QuerySet[Any]:
    """Events of the rows that the person maintains; of rows that are gone, by their site."""
    model = KINDS[kind]
    table = _table(model)
    events: QuerySet[Any] = table.objects.all()
    names = {f.name for f in table._meta.concrete_fields}  # noqa: SLF001 - documented
    if not access_for(user).has_everywhere(Ability.MANAGE_SITE):
        rows = model._default_manager.all()  # noqa: SLF001 - Django's documented name
        mine = Q(pgh_obj_id__in=_visible(rows, user).order_by().values("pk"))
        if "site" in names:
            sites = Site.objects.visible_to(user, ability=Ability.MANAGE_SITE)
            mine |= Q(site_id__in=sites.order_by().values("pk"))
        events = events.filter(mine)
    # PostgreSQL has no NUL in a text.
    for word in words.replace("\0", "").split()[:5]:
        condition = Q()
        for name in names.intersection(_NAMES):
            condition |= Q(**{f"{name}__icontains": word})
        events = events.filter(condition) if condition else events.none()
    return events


def _visible(rows: Any, user: User) -> QuerySet[Any]:
    """The rows that he maintains; a table that belongs to no site is for who maintains any."""
    visible_to = getattr(rows, "visible_to", None)
    found: QuerySet[Any] = (
        rows if visible_to is None else visible_to(user, ability=Ability.MANAGE_SITE)
    )
    return found


def _told(wanted: dict[str, Sequence[int]] | dict[str, list[int]]) -> list[Change]:
    """The events in words, newest first: five queries a kind, whatever their number."""
    found: list[Change] = []
    people: dict[int, list[Change]] = defaultdict(list)
    for kind, pks in wanted.items():
        if pks:
            found += _of_kind(kind, pks, people)
    for person in User.objects.filter(pk__in=people):
        for change in people[person.pk]:
            change.by = person
    found.sort(key=lambda change: change.at, reverse=True)
    return found


def _of_kind(kind: str, pks: Iterable[int], people: dict[int, list[Change]]) -> list[Change]:
    model = KINDS[kind]
    table = _table(model)
    later = table.objects.filter(
        pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__gt=OuterRef("pgh_id"), pgh_label__in=_OLD
    ).order_by("pgh_id")
    events = list(
        table.objects.filter(pgh_id__in=list(pks))
        .select_related("pgh_context")
        .annotate(next_id=Subquery(later.values("pgh_id")[:1]))
        .order_by("-pgh_id")
    )
    following = table.objects.in_bulk([e.next_id for e in events if e.next_id])
    present = model._default_manager.in_bulk(  # noqa: SLF001 - Django's documented name
        {e.pgh_obj_id for e in events if not e.next_id}
    )
    pairs = [(e, *_sides(e, following, present)) for e in events]
    words = _Words(table, [side for _e, *sides in pairs for side in sides if side is not None])
    found = []
    for event, before, after in pairs:
        change = _change(kind, model, event, before or after)
        change.cells = words.cells(before, after)
        facts = (event.pgh_context.metadata if event.pgh_context else None) or {}
        change.door, change.job = str(facts.get("door", "")), facts.get("job")
        change.request = str(facts.get("request", ""))
        if isinstance(facts.get("user"), int):
            people[facts["user"]].append(change)
        found.append(change)
    return found


def _sides(event: Any, following: dict[int, Any], present: dict[int, Any]) -> tuple[Any, Any]:
    """The row before and after an event; None where there was none, or nobody knows it."""
    if event.pgh_label == "insert":
        return None, event
    if event.pgh_label == "delete":
        return event, None
    return event, following.get(event.next_id) or present.get(event.pgh_obj_id)


def _change(kind: str, model: type[Model], event: Any, row: Any) -> Change:
    actions = {
        "insert": pgettext("change", "新增"),
        "update": pgettext("change", "修改"),
        "delete": pgettext("change", "删除"),
    }
    names = (getattr(row, name, "") for name in ("number", "code", "name", "serial", "username"))
    return Change(
        at=event.pgh_created_at,
        kind=kind,
        kind_label=str(model._meta.verbose_name),  # noqa: SLF001 - Django's documented name
        object_id=event.pgh_obj_id,
        name=" ".join(str(name) for name in names if name) or f"#{event.pgh_obj_id}",
        action=event.pgh_label,
        action_label=actions.get(event.pgh_label, event.pgh_label),
    )


class _Words:
    """Values as people read them; references by the names of their rows, read once per table."""

    def __init__(self, table: Any, rows: Sequence[Any]) -> None:
        self.fields = [
            f
            for f in table._meta.concrete_fields  # noqa: SLF001 - Django's documented name
            if not f.name.startswith("pgh_") and f.name != "id"
        ]
        self.names: dict[str, dict[int, str]] = {}
        for reference in (f for f in self.fields if f.is_relation):
            keys = {getattr(row, reference.attname) for row in rows} - {None}
            manager = reference.related_model._default_manager  # noqa: SLF001 - documented
            found = _with_places(manager.filter(pk__in=keys))
            self.names[reference.name] = {row.pk: str(row) for row in found}

    def cells(self, before: Any, after: Any) -> list[Cell]:
        """The facts that differ; of a new row those that say something."""
        found = []
        for one in self.fields:
            old, new = self._word(one, before), self._word(one, after)
            if old != new:
                found.append(Cell(str(one.verbose_name), old, new))
        return found

    def _word(self, one: Any, row: Any) -> str:
        value = None if row is None else getattr(row, one.attname, None)
        if value is None or value == "":
            return ""
        if one.is_relation:
            return self.names[one.name].get(value, f"#{value}")
        if one.choices:
            return str(dict(one.flatchoices).get(value, value))
        return _plain(value)


def _plain(value: Any) -> str:
    """A value that names nothing else."""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with_places(rows: QuerySet[Any]) -> QuerySet[Any]:
    """What a row's name reads of others, in the same query."""
    paths: dict[type[Model], str] = {Bus: "gateway", TemplateVersion: "template"}
    path = paths.get(rows.model)
    return rows.select_related(path) if path else rows

"""Changes of master data in words: who changed what, from what to what, through which door."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import CharField, Model, Q, QuerySet, Value
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.models import Rule, RuleOverride
from core.errors import Forbidden, NotFound
from devices.models import (
    Bus,
    DataSource,
    DerivedPoint,
    Device,
    Gateway,
    Meter,
    PointOverride,
    Ratio,
    Repair,
)
from reports.selectors import change_rows
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
    "source": DataSource,
    "device": Device,
    "derived": DerivedPoint,
    "meter": Meter,
    "ratio": Ratio,
    "point": PointOverride,
    "repair": Repair,
    "organisation": Organisation,
    "team": Team,
    "user": User,
    "rule": Rule,
    "override": RuleOverride,
    "plan": TaskPlan,
}
_NAMES = ("name", "name_en", "number", "code", "serial", "username", "key")
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
    heads = _heads(user, [kind] if kind in KINDS else list(KINDS), words, last + 1)
    wanted: dict[str, list[int]] = defaultdict(list)
    for key, pk in heads[last - size : last]:
        wanted[key].append(pk)
    return _told(wanted), len(heads) > last and page < MOST_PAGES


def _heads(user: User, keys: Sequence[str], words: str, limit: int) -> list[tuple[str, int]]:
    """Kind and key of the newest events, the newest first. One query over all their tables."""
    branches = []
    for key in keys:
        rows = _events(user, key, words).order_by("-pgh_id")
        named = rows.annotate(pgh_kind=Value(key, CharField()))
        branches.append(named.values_list("pgh_created_at", "pgh_kind", "pgh_id")[:limit])
    first, *others = branches
    found = first.union(*others, all=True) if others else first
    newest = found.order_by("-pgh_created_at", "-pgh_kind", "-pgh_id")[:limit] if others else found
    return [(kind, pk) for _at, kind, pk in newest]


def _events(user: User, kind: str, words: str = "") -> QuerySet[Any]:
    """Events of the rows that the person maintains; of rows that are gone, by their site."""
    model = KINDS[kind]
    table = change_rows.table_of(model)
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


def _told(wanted: Mapping[str, Sequence[int]]) -> list[Change]:
    """The events in words, newest first: four queries, whatever their number and kinds."""
    pairs = [(one, *_sides(one)) for one in change_rows.read(wanted, KINDS)]
    words = _Words([side for _one, *sides in pairs for side in sides if side is not None])
    found: list[tuple[tuple[datetime, str, int], Change]] = []
    people: dict[int, list[Change]] = defaultdict(list)
    for one, before, after in pairs:
        change = _change(one.kind, KINDS[one.kind], one.event, before or after)
        change.cells = words.cells(change_rows.table_of(KINDS[one.kind]), before, after)
        change.door, change.job = str(one.facts.get("door", "")), one.facts.get("job")
        change.request = str(one.facts.get("request", ""))
        if isinstance(one.facts.get("user"), int):
            people[one.facts["user"]].append(change)
        found.append(((change.at, one.kind, one.event.pgh_id), change))
    for person in User.objects.filter(pk__in=people):
        for change in people[person.pk]:
            change.by = person
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [change for _order, change in found]


def _sides(one: change_rows.Found) -> tuple[Any, Any]:
    """The row before and after an event; None where there was none, or nobody knows it."""
    if one.event.pgh_label == "insert":
        return None, one.event
    if one.event.pgh_label == "delete":
        return one.event, None
    return one.event, one.later or one.present


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
    """Values as people read them; references by the names of their rows."""

    def __init__(self, rows: Sequence[Any]) -> None:
        references: change_rows.References = defaultdict(set)
        for row in rows:
            for one in _facts_of(type(row)):
                if one.is_relation and (key := getattr(row, one.attname)) is not None:
                    references[one.related_model].add(key)
        self.names = change_rows.names_of(references)

    def cells(self, table: Any, before: Any, after: Any) -> list[Cell]:
        """The facts that differ; of a new row those that say something."""
        found = []
        for one in _facts_of(table):
            old, new = self._word(one, before), self._word(one, after)
            if old != new:
                found.append(Cell(str(one.verbose_name), old, new))
        return found

    def _word(self, one: Any, row: Any) -> str:
        value = None if row is None else getattr(row, one.attname, None)
        if value is None or value == "":
            return ""
        if one.is_relation:
            return self.names.get(one.related_model, {}).get(value, f"#{value}")
        if one.choices:
            return str(dict(one.flatchoices).get(value, value))
        return _plain(value)


def _facts_of(table: Any) -> list[Any]:
    """The fields of a table of events that are facts of the row; of another table its own."""
    return [
        field
        for field in table._meta.concrete_fields  # noqa: SLF001 - Django's documented name
        if not field.name.startswith("pgh_") and field.name != "id"
    ]


def _plain(value: Any) -> str:
    """A value that names nothing else."""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return f"{value:g}" if isinstance(value, float) else str(value)

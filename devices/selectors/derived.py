"""Derived points: what their formulas mean, who sees them, their value now and over time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from django.utils.translation import gettext as _

from core.errors import NotFound
from core.search import matching, rank, words_of
from devices import history, live
from devices.drivers.formulas import LONGEST, MOST_POINTS, Fault, Formula, parsed
from devices.history import Calculation, Input, Series
from devices.models import DerivedInput, DerivedPoint, Device, PointCode
from devices.selectors.points import DevicePoint, points_for
from devices.states import PointKind, Quality
from sites import selectors as site_selectors
from sites.models import Site, User, access_for
from sites.rules import Ability

# How many derived points may stand upon one another.
DEEPEST_CHAIN = 5


@dataclass(frozen=True, slots=True)
class FormulaPoint:
    """A derived point; without a calculation `fault` says why, in the reader's language.

    parts: the words of its formula, each with the name of what it means.
    """

    row: DerivedPoint
    calculation: Calculation | None
    fault: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """Its public id: `x<id>`."""
        return self.row.word

    @property
    def name(self) -> str:
        return self.row.label

    @property
    def point(self) -> PointCode:
        return self.row.point


@dataclass(frozen=True, slots=True)
class Present:
    """A value now. `at`: of the oldest value that it is made of; `missing`: a word without one."""

    value: float | None = None
    at: datetime | None = None
    age_s: float | None = None
    is_stale: bool = False
    missing: str = ""


class Book:
    """The points that formulas of some sites may name, as one person sees them."""

    def __init__(
        self, *, user: User, rows: Iterable[DerivedPoint], device_ids: Collection[int]
    ) -> None:
        self.rows = {row.pk: row for row in rows}
        self.devices = {
            device.pk: device
            for device in Device.objects.visible_to(user)
            .filter(pk__in=device_ids)
            .with_place()
            .select_related(
                "site__enterprise", "template_version__layout", "bus__gateway", "source"
            )
        }
        self.points: dict[str, DevicePoint] = {
            f"d{point.id}": point
            for several in points_for(user=user, devices=list(self.devices.values())).values()
            for point in several
        }

    def calculation(self, text: str, *, site_id: int, own: int | None = None) -> Calculation:
        """What a formula of the site means; own: whose it is. Raises Fault, placed in the text."""
        return self._calculation(text, site_id, own)[0]

    def parts(self, text: str) -> tuple[tuple[str, str], ...]:
        """The words of a formula, each with the name of what it means, '' for what is gone."""
        return tuple((word, self._name(word)) for word in parsed(text).points)

    def _name(self, word: str) -> str:
        if word.startswith("x"):
            row = self.rows.get(int(word[1:]))
            return row.label if row else ""
        point = self.points.get(word)
        return f"{self.devices[point.device_id].label} · {point.name}" if point else ""

    def unit(self, text: str) -> str | None:
        """The unit that follows from the formula, None when none does. Raises Fault."""
        return parsed(text).unit(
            {word: point.point.unit for word, point in self.points.items()}
            | {row.word: row.unit for row in self.rows.values()}
        )

    def _calculation(self, text: str, site_id: int, own: int | None) -> tuple[Calculation, int]:
        formula = parsed(text)
        found = _Found(self, site_id)
        depth = found.collect(formula, [f"x{own}"] if own else [])
        steps = (*found.steps.items(), (f"x{own}" if own else "x", formula))
        return Calculation(tuple(found.inputs.values()), steps), depth


@dataclass(slots=True)
class _Found:
    """Goes down a formula through the derived points that it uses."""

    book: Book
    site_id: int
    inputs: dict[str, Input] = field(default_factory=dict)
    steps: dict[str, Formula] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)

    def collect(self, formula: Formula, path: list[str], place: int | None = None) -> int:
        """How many derived points stand upon one another below; place: in the asked text."""
        deepest = 0
        for word, at in formula.points.items():
            where = at if place is None else place
            if word.startswith("d"):
                self._input(word, where)
                continue
            if word in path:
                raise Fault("cycle", where, word)
            if word not in self.depths:
                row = self._row(word, where)
                if len(path) > DEEPEST_CHAIN:
                    raise Fault("chain", where, word)
                inner = parsed(row.formula)
                self.depths[word] = 1 + self.collect(inner, [*path, word], where)
                self.steps[word] = inner
            deepest = max(deepest, self.depths[word])
            if deepest > DEEPEST_CHAIN:
                raise Fault("chain", where, word)
        return deepest

    def _row(self, word: str, where: int) -> DerivedPoint:
        row = self.book.rows.get(int(word[1:]))
        if row is None or row.site_id != self.site_id:
            raise Fault("derived", where, word)
        if not row.is_active:
            raise Fault("retired", where, f"{word} {row.label}")
        return row

    def _input(self, word: str, where: int) -> None:
        if word in self.inputs:
            return
        point = self.book.points.get(word)
        device = self.book.devices.get(point.device_id) if point else None
        if point is None or device is None or device.site_id != self.site_id:
            raise Fault("point", where, word)
        if len(self.inputs) == MOST_POINTS:
            raise Fault("points", where, str(MOST_POINTS))
        is_last = point.point.kind != PointKind.INSTANT
        self.inputs[word] = Input(word, device.pk, point.code, device.period_s, is_last)


def formula_fault_words(fault: Fault) -> str:
    """What is wrong with a formula, and at which of its characters, counted from one."""
    words = {
        "long": _("公式不能超过 %(most)d 个字符") % {"most": LONGEST},
        "character": _("公式中不能使用 “%(word)s”"),
        "end": _("此处应有运算符，不应是 “%(word)s”"),
        "value": _("此处缺少测点、数字或括号"),
        "bracket": _("括号不成对"),
        "name": _("没有函数 “%(word)s”"),
        "parts": _("函数 “%(word)s” 的参数个数不对"),
        "deep": _("括号嵌套过深"),
        "points": _("公式最多使用 %(word)s 个测点"),
        "none": _("公式中没有测点"),
        "units": _("单位不同，不能相加减或比较：%(word)s"),
        "point": _("本站点没有您可以查看的测点 %(word)s"),
        "derived": _("本站点没有计算测点 %(word)s"),
        "retired": _("计算测点 %(word)s 已停用"),
        "cycle": _("计算测点互相引用：%(word)s"),
        "chain": _("计算测点 %(word)s 的引用层数过多"),
    }[fault.code]
    if "%(word)s" in words:
        words %= {"word": fault.word[:60]}
    return _("第 %(place)d 个字符：%(words)s。") % {"place": fault.at + 1, "words": words}


def book_for(*, user: User, site: Site, texts: Iterable[str] = ()) -> Book:
    """Of one site, with the devices of its formulas and of those given, as far as they parse."""
    rows = list(DerivedPoint.objects.filter(site=site))
    device_ids: set[int] = set()
    for text in (*texts, *(row.formula for row in rows)):
        try:
            words = parsed(text).points
        except Fault:
            continue
        device_ids |= {int(word[1:].partition(":")[0]) for word in words if word[0] == "d"}
    return Book(user=user, rows=rows, device_ids=device_ids)


def derived_points(
    *, user: User, site: Site | None = None, ids: Collection[int] | None = None
) -> list[FormulaPoint]:
    """Derived points of the sites that the person sees, by site and name; some, or of one site.

    Left out are those made of anything whose class of data the person does not hold there.
    """
    wanted = DerivedPoint.objects.visible_to(user).select_related("site__enterprise", "site__team")
    if site is not None:
        wanted = wanted.filter(site=site)
    if ids is not None:
        wanted = wanted.filter(pk__in=ids)
    shown = list(wanted)
    if not shown:
        return []
    sites = {row.site_id for row in shown}
    rows = {row.pk: row for row in DerivedPoint.objects.filter(site__in=sites)}
    uses: dict[int, list[DerivedInput]] = {}
    for one in DerivedInput.objects.filter(derived__in=rows):
        uses.setdefault(one.derived_id, []).append(one)
    device_ids = {one.device_id for some in uses.values() for one in some if one.device_id}
    book = Book(user=user, rows=rows.values(), device_ids=device_ids)
    codes = {one.code for some in uses.values() for one in some if one.code}
    classes = dict(PointCode.objects.filter(code__in=codes).values_list("code", "data_class"))
    access = access_for(user)
    found = []
    for row in shown:
        needed = {classes[code] for code in _codes(row.pk, uses)}
        if needed <= access.data_classes(row.site):
            found.append(_shown(book, row))
    return found


def find_derived(*, user: User, text: str, limit: int) -> list[FormulaPoint]:
    """Active ones with every word in their own name or in that of their site, best first."""
    words = words_of(text)
    if not words:
        return []
    rows = DerivedPoint.objects.visible_to(user).filter(is_active=True)
    for word in words:
        rows = rows.filter(matching(word, ["search_text", "site__search_text"]))
    ids = list(
        rows.order_by(rank(words), "site__number", "pk").values_list("pk", flat=True)[:limit]
    )
    found = {one.row.pk: one for one in derived_points(user=user, ids=ids)}
    return [found[pk] for pk in ids if pk in found]


def _codes(pk: int, uses: Mapping[int, Sequence[DerivedInput]]) -> set[str]:
    """The codes of everything that a derived point is made of."""
    codes: set[str] = set()
    seen, left = {pk}, [pk]
    while left:
        for one in uses.get(left.pop(), ()):
            if one.source_id is None:
                codes.add(one.code)
            elif one.source_id not in seen:
                seen.add(one.source_id)
                left.append(one.source_id)
    return codes


def _shown(book: Book, row: DerivedPoint) -> FormulaPoint:
    if not row.is_active:
        return FormulaPoint(row, None, _("该计算测点已停用。"), book.parts(row.formula))
    try:
        calculation = book.calculation(row.formula, site_id=row.site_id, own=row.pk)
    except Fault as fault:
        return FormulaPoint(row, None, formula_fault_words(fault), book.parts(row.formula))
    return FormulaPoint(row, calculation, "", book.parts(row.formula))


def derived_for(*, user: User, pk: int, ability: Ability = Ability.VIEW) -> FormulaPoint:
    """Raises NotFound when the person cannot see it, Forbidden when he lacks the ability there."""
    found = derived_points(user=user, ids=[pk])
    if not found:
        raise NotFound
    site_selectors.require(user=user, ability=ability, site=found[0].row.site)
    return found[0]


def derived_curve(
    point: FormulaPoint, *, start: datetime, end: datetime, max_points: int
) -> tuple[Series, str]:
    """Its series, and what has to be said of it: that it is of means, or why there is none."""
    nothing = Series(0, point.id, point.row.unit)
    if point.calculation is None:
        return nothing, point.fault
    try:
        series = history.derived_series(
            point.calculation,
            word=point.id,
            unit=point.row.unit,
            start=start,
            end=end,
            max_points=max_points,
        )
    except history.TooLong:
        return nothing, too_long(point.calculation)
    if history.of_means(point.calculation, start, end):
        return series, _("时段较长：由 15 分钟均值计算，短时峰值不在其中。")
    return series, ""


def too_long(calculation: Calculation) -> str:
    """Why a formula that is not linear is not calculated over a long period."""
    words = _("公式含乘除或函数，须逐条样本计算，时段最长 %(days)d 天。")
    return words % {"days": max(1, calculation.longest().days)}


def present_of(points: Iterable[FormulaPoint], *, now: datetime) -> dict[str, Present]:
    """Their values now, by id, from the newest values of devices, in one look."""
    calculations = {one.id: one.calculation for one in points if one.calculation is not None}
    return present_values(calculations, now=now)


def present_values(calculations: Mapping[str, Calculation], *, now: datetime) -> dict[str, Present]:
    """As `present_of`, of calculations by name."""
    inputs = [one for calculation in calculations.values() for one in calculation.inputs]
    device_ids = {one.device_id for one in inputs}
    codes = {one.code for one in inputs}
    newest = {
        f"d{device_id}:{point.code}": point
        for device_id, several in live.latest_points(device_ids=device_ids, codes=codes).items()
        for point in several
    }
    return {name: _present(one, newest, now) for name, one in calculations.items()}


def _present(
    calculation: Calculation, newest: Mapping[str, live.LatestPoint], now: datetime
) -> Present:
    values, moments = [], []
    for one in calculation.inputs:
        point = newest.get(one.word)
        if point is None or point.value is None or point.quality == Quality.BAD:
            return Present(missing=one.word)
        values.append(point.value)
        moments.append(point.at)
    held_s = history.HELD_PERIODS * calculation.period_s
    oldest = min(moments)
    age_s = max(0.0, now.timestamp() - oldest)
    at = datetime.fromtimestamp(oldest, UTC)
    if max(moments) - oldest > held_s:
        late = calculation.inputs[moments.index(oldest)].word
        return Present(at=at, age_s=age_s, is_stale=True, missing=late)
    value = float(calculation.values(np.array([values], np.float64))[0])
    return Present(None if np.isnan(value) else value, at, age_s, age_s > held_s)

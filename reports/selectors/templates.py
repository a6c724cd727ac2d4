"""The template library: lines of the list, and the page of one template."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from alarms.models import Rule
from alarms.states import SEVERITY_RANK
from devices.drivers import BIT_FUNCTION_CODES, Profile
from devices.drivers.coverage import RANKS, missing
from devices.drivers.planner import PlanError, plan
from devices.models import DeviceTemplate, Register, TemplateOutput, TemplateVersion
from devices.selectors import devices_per_version
from devices.services.plan import LEVELS
from devices.services.templates import document_facts, profile_of
from devices.states import CONFIDENCE_WORDS, VersionState, kind_words
from sites.models import User
from sites.models.names import name_for_reader

_WORD_OF_RANK = {rank: word for word, rank in RANKS.items()}


def quantity_words(quantity: str) -> str:
    """What a quantity that a map lacks is called."""
    return {
        "voltage": _("相电压"),
        "current": _("相电流"),
        "power": _("有功功率"),
        "power_factor": _("功率因数"),
        "frequency": _("频率"),
        "energy": _("正向有功电能"),
    }.get(quantity, quantity)


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version with the person's devices on it."""

    version: TemplateVersion
    devices: int

    @property
    def is_retired(self) -> bool:
        return self.version.state == VersionState.RETIRED


@dataclass(slots=True)
class TemplateLine:
    """One template of the list. `lacks`: what its newest version is short of, in words."""

    template: Any
    versions: list[VersionLine]
    lacks: list[str]

    @property
    def pk(self) -> int:
        return int(self.template.pk)

    @property
    def label(self) -> str:
        return str(self.template)

    @property
    def url(self) -> str:
        return reverse("reports:template-detail", args=[self.template.key])

    @property
    def css(self) -> str:
        return "is-quiet" if self.template.is_retired else ""

    @property
    def vendor(self) -> str:
        """Its maker in the reader's language."""
        return name_for_reader(self.template.vendor, self.template.vendor_en)

    @property
    def lacking(self) -> str:
        """What it lacks, in one line."""
        return pgettext("between items", "、").join(self.lacks)

    @property
    def kind(self) -> str:
        return kind_words(self.template.kind)

    @property
    def confidence(self) -> str:
        """That of its weakest register, '' without any."""
        rank = self.template.rank
        return "" if rank is None else str(CONFIDENCE_WORDS[_WORD_OF_RANK[rank]])

    @property
    def is_doubtful(self) -> bool:
        """Whether a register of it was never seen confirmed."""
        return (self.template.rank or 0) > RANKS["confirmed"]

    @property
    def in_use(self) -> str:
        """Devices per version as text: v2 40, v1 3."""
        used = [f"v{one.version.number} × {one.devices}" for one in self.versions if one.devices]
        return pgettext("between items", "、").join(used)


def lines_of(templates: Sequence[Any], *, user: User) -> list[TemplateLine]:
    """Rows of the `library` as lines, in three queries."""
    keys = [template.pk for template in templates]
    counts = devices_per_version(user=user, templates=keys)
    versions: dict[int, list[VersionLine]] = defaultdict(list)
    for version in TemplateVersion.objects.filter(template__in=keys).order_by("-number"):
        versions[version.template_id].append(VersionLine(version, counts.get(version.pk, 0)))
    registers: dict[int, list[tuple[str, str]]] = defaultdict(list)
    newest = [template.newest_id for template in templates]
    rows = Register.objects.filter(version__in=newest).order_by()
    for version_id, code, confidence in rows.values_list("version", "point__code", "confidence"):
        registers[version_id].append((code, confidence))
    return [
        TemplateLine(
            template=template,
            versions=versions[template.pk],
            lacks=lacks_of(template, registers[template.newest_id]),
        )
        for template in templates
    ]


def lacks_of(template: DeviceTemplate, registers: Sequence[tuple[str, str]]) -> list[str]:
    """What a map is short of: quantities, a source, certainty. registers: (point, confidence)."""
    codes = {code for code, _confidence in registers}
    words = [quantity_words(quantity) for quantity, _codes in missing(template.kind, codes)]
    doubtful = sum(RANKS.get(one, 1) > RANKS["confirmed"] for _code, one in registers)
    if not template.source.strip():
        words.append(_("资料来源"))
    if doubtful:
        text = _("%(count)d 个寄存器的证实")
        words.append(text % {"count": doubtful})
    return words


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """One request. `points`: how many points it brings; `unused`: registers read for nothing."""

    function_code: int
    first: int
    count: int
    points: int
    unused: int
    is_bits: bool

    @property
    def last(self) -> int:
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True)
class PlannedLevel:
    """What is read at one level: every time, every few minutes, once a day."""

    key: str
    title: str
    blocks: list[PlannedBlock]


@dataclass(frozen=True, slots=True)
class PointLimit:
    """A default rule on points of the version, and the limit in words."""

    rule: Rule
    codes: list[str]
    limit: str
    reset: str


@dataclass(slots=True)
class TemplatePage:
    """One template and one version of it; without any version the rest is empty."""

    line: TemplateLine
    version: TemplateVersion | None
    registers: list[Register] = field(default_factory=list)
    outputs: list[TemplateOutput] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    levels: list[PlannedLevel] = field(default_factory=list)
    limits: list[PointLimit] = field(default_factory=list)
    problem: str = ""

    @property
    def devices(self) -> int:
        """The person's devices on the version shown."""
        shown = self.version
        return sum(
            one.devices for one in self.line.versions if shown and one.version.pk == shown.pk
        )


def template_page(*, template: Any, version: TemplateVersion | None, user: User) -> TemplatePage:
    """What the page of a row of the `library` shows."""
    (line,) = lines_of([template], user=user)
    if version is None:
        return TemplatePage(line, None)
    registers = list(version.registers.select_related("point"))
    line.lacks = lacks_of(template, [(row.point.code, row.confidence) for row in registers])
    outputs = list(version.outputs.all())
    page = TemplatePage(line, version, registers, outputs, document_facts(version))
    try:
        page.levels = planned_levels(profile_of(version))
    except (PlanError, KeyError) as problem:
        page.problem = str(problem)
    page.limits = limits_of_points([row.point.code for row in registers])
    return page


def planned_levels(profile: Profile) -> list[PlannedLevel]:
    """The requests that reading takes, by level. Raises PlanError."""
    titles = {
        "fast": _("每个采集周期"),
        "slow": _("每隔几分钟，连同慢速测点"),
        "daily": _("每天一次，连同每日测点"),
    }
    return [
        PlannedLevel(level[-1], titles[level[-1]], _blocks(profile, level))
        for level in LEVELS
        if level[-1] == "fast" or any(r.poll_class == level[-1] for r in profile.registers)
    ]


def _blocks(profile: Profile, level: Sequence[str]) -> list[PlannedBlock]:
    found = []
    for block in plan(profile, poll_classes=level):
        inside = [
            register
            for register in profile.registers
            if register.function_code == block.function_code
            and register.poll_class in level
            and block.address <= register.address < block.address + block.count
        ]
        taken = {place for one in inside for place in range(one.address, one.end)}
        found.append(
            PlannedBlock(
                function_code=block.function_code,
                first=block.address,
                count=block.count,
                points=len(inside),
                unused=block.count - len(taken),
                is_bits=block.function_code in BIT_FUNCTION_CODES,
            )
        )
    return found


def limits_of_points(codes: Iterable[str]) -> list[PointLimit]:
    """The default rules that watch any of these points, the most severe first."""
    known = list(codes)
    found = []
    for rule in Rule.objects.filter(point_codes__overlap=known):
        mine = [code for code in rule.point_codes if code in known]
        if rule.kind == Rule.Kind.PHASE_LOSS and len(mine) < len(rule.point_codes):
            continue
        found.append(PointLimit(rule, mine, _limit_words(rule), _reset_words(rule)))
    return sorted(found, key=lambda one: (SEVERITY_RANK[one.rule.severity], one.rule.key))


def _limit_words(rule: Rule) -> str:
    if rule.kind == Rule.Kind.DIGITAL:
        return _("变为 %(value)s") % {"value": rule.to_value}
    if rule.threshold is None:
        return ""
    sign = "<" if rule.kind == Rule.Kind.PHASE_LOSS or rule.level in {"l", "ll"} else ">"
    if rule.measure == Rule.Measure.OFFSET:
        facts = {"value": f"{rule.reference:g}", "limit": f"{rule.threshold:g}"}
        return _("偏离 %(value)s 超过 %(limit)s") % facts
    return f"{sign} {_quantity(rule.threshold, rule)}"


def _reset_words(rule: Rule) -> str:
    return "" if rule.reset is None else _quantity(rule.reset, rule)


def _quantity(value: float, rule: Rule) -> str:
    return f"{value:g}" if rule.basis == Rule.Basis.ABSOLUTE else f"{value:g} %"

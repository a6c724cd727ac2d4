"""A text before it is published: its faults, what it would change; clones and exports of versions."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.errors import Changed, Invalid
from devices.drivers.clocks import ClockDef
from devices.drivers.differences import Difference, FieldChange, VersionFacts, compare
from devices.drivers.documents import DocumentError
from devices.drivers.library import TemplateDef, parse_template
from devices.drivers.units import conversion
from devices.drivers.writing import read, write
from devices.models import DeviceTemplate, Register, TemplateOutput, TemplateVersion
from devices.services.complaints import words
from devices.services.templates import (
    Imported,
    TemplateRefused,
    dictionary,
    document_facts,
    import_template,
    output_facts,
    register_facts,
)

_HEAD = ("values_are", "max_read_registers", "max_gap", "forbidden", "defaults", "clock")
_FACTS = (
    "unit",
    "function_code",
    "address",
    "type",
    "bit",
    "word_order",
    "byte_order",
    "scale",
    "factor",
    "offset",
    "invalid",
    "minimum",
    "maximum",
    "poll_class",
    "confidence",
    "note",
)
_OUTPUT = (
    "function_code",
    "on_address",
    "on_values",
    "off_address",
    "off_values",
    "state_function_code",
    "state_address",
    "state_bit",
    "state_on",
    "state_off",
    "settle_ms",
    "confidence",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a text or a workbook. `place`: line and column, or sheet and cell."""

    place: str
    field: str
    words: str
    line: int = 0
    column: int = 0
    sheet: str = ""
    cell: str = ""


@dataclass(slots=True)
class Draft:
    """What publishing a text would do; with faults it would do nothing.

    newest: the version that it is compared with. changes: of the template's own words.
    """

    text: str
    faults: list[Fault] = field(default_factory=list)
    template: TemplateDef | None = None
    newest: TemplateVersion | None = None
    difference: Difference = field(default_factory=Difference)
    changes: list[FieldChange] = field(default_factory=list)

    @property
    def is_new_template(self) -> bool:
        return self.template is not None and self.newest is None

    @property
    def makes_version(self) -> bool:
        """Whether the registers differ, so that a version is made; words alone make none."""
        return self.is_new_template or bool(self.difference)

    @property
    def seen(self) -> int:
        """The number of the newest version, 0 without one: publishing asks whether it still is."""
        return self.newest.number if self.newest else 0


def difference_of(before: TemplateVersion, after: TemplateVersion) -> Difference:
    """What differs between two versions."""
    return compare(facts_of_version(before), facts_of_version(after))


def facts_of_version(version: TemplateVersion) -> VersionFacts:
    """A stored version as facts."""
    rows = version.registers.select_related("point")
    return VersionFacts(
        head={name: _plain(getattr(version, name)) for name in _HEAD},
        registers={row.point.code: _register_facts(row) for row in rows},
        outputs={
            row.code: {name: getattr(row, name) for name in _OUTPUT}
            for row in version.outputs.all()
        },
    )


def _register_facts(row: Register) -> dict[str, Any]:
    """What a text leaves out is confirmed."""
    facts = {name: getattr(row, name) for name in _FACTS}
    return facts | {"confidence": row.confidence or "confirmed"}


def facts_of_text(template: TemplateDef) -> VersionFacts:
    """A text that was read as facts."""
    return VersionFacts(
        head={name: _plain(getattr(template, name)) for name in _HEAD},
        registers={
            line.point.code: {name: register_facts(line)[name] for name in _FACTS}
            for line in sorted(template.registers, key=lambda one: (one.function_code, one.address))
        },
        outputs={
            output.code: {name: output_facts(output)[name] for name in _OUTPUT}
            for output in sorted(template.outputs, key=lambda one: one.code)
        },
    )


def _plain(value: Any) -> Any:
    """As JSON keeps it."""
    if value is None or isinstance(value, ClockDef):
        return value.facts() if value else {}
    return [list(item) for item in value] if isinstance(value, list | tuple) else value


def draft_of(text: str) -> Draft:
    """Read a text, compare it with the newest version of its template; nothing is written."""
    template, errors = parse_template(text, dictionary())
    draft = Draft(text=text, faults=[_fault(error) for error in errors], template=template)
    if template is None:
        return draft
    row = DeviceTemplate.objects.filter(key=template.key).first()
    newest = row.versions.order_by("-number").first() if row is not None else None
    if row is None or newest is None:
        return draft
    draft.newest = newest
    draft.difference = compare(facts_of_version(newest), facts_of_text(template))
    draft.changes = _word_changes(row, newest, template)
    return draft


def _fault(error: DocumentError) -> Fault:
    place = _("第 %(line)d 行第 %(column)d 列") % {"line": error.line, "column": error.column}
    return Fault(place, error.field, words(error), line=error.line, column=error.column)


def _word_changes(
    row: DeviceTemplate, newest: TemplateVersion, template: TemplateDef
) -> list[FieldChange]:
    before = {
        "vendor": row.vendor,
        "vendor_en": row.vendor_en,
        "model": row.model,
        "kind": row.kind,
        "description": row.description,
        "description_en": row.description_en,
        "source": row.source,
        "is_simulated": row.is_simulated,
        **document_facts(newest),
    }
    after = {
        "vendor": template.vendor_zh,
        "vendor_en": template.vendor_en,
        "model": template.model,
        "kind": template.kind,
        "description": template.description_zh,
        "description_en": template.description_en,
        "source": template.source,
        "is_simulated": template.is_simulated,
        "confidence": template.confidence.strip(),
    }
    return [
        FieldChange(name, before[name], after[name])
        for name in after
        if before[name] != after[name]
    ]


@transaction.atomic
def publish(*, text: str, seen: int) -> Imported:
    """Store a text whose draft was looked at. seen: the newest version's number at that time.

    Raises TemplateRefused, Changed when somebody published another version meanwhile.
    """
    imported = import_template(text)
    before = imported.version.number - imported.is_new
    if before != seen:
        transaction.set_rollback(True)
        raise Changed(_("此模板刚刚发布了另一个版本，没有写入。请核对新的差异。"))
    return imported


def clone(*, version: TemplateVersion, key: str, model: str) -> TemplateVersion:
    """The first version of a new template with the same map. Raises Invalid, TemplateRefused."""
    if DeviceTemplate.objects.filter(key=key).exists():
        raise Invalid(fields={"key": [_("已有模板使用此标识。")]})
    plain = plain_of(version) | {"key": key, "model": model}
    try:
        return import_template(write(plain)).version
    except TemplateRefused as refusal:
        told = [error for error in refusal.errors if error.field in ("key", "model")]
        if not told:
            raise
        raise Invalid(fields={error.field: [words(error)] for error in told}) from refusal


def text_of(version: TemplateVersion) -> str:
    """The YAML of a version: as it was imported, or written from its rows."""
    return version.document or write(plain_of(version))


def plain_of(version: TemplateVersion) -> dict[str, Any]:
    """A version as plain values, as its text has them."""
    if version.document:
        return read(version.document)
    template = version.template
    head: dict[str, Any] = {
        "key": template.key,
        "vendor": _bilingual(template.vendor, template.vendor_en),
        "model": template.model,
        "kind": template.kind,
        "description": _bilingual(template.description, template.description_en),
        "source": template.source,
        "simulated": template.is_simulated or None,
        "defaults": version.defaults,
        "max_read_registers": version.max_read_registers,
        "max_gap": version.max_gap,
        "forbidden": [
            {"function_code": code, "first": first, "last": last}
            for code, first, last in version.forbidden
        ],
        "values_are": version.values_are,
        "clock": version.clock,
    }
    rows = version.registers.select_related("point")
    kept = {name: value for name, value in head.items() if value not in (None, "", [], {})}
    found: dict[str, Any] = kept | {"registers": [_register_line(row) for row in rows]}
    outputs = [_output_line(row) for row in version.outputs.all()]
    return found | ({"outputs": outputs} if outputs else {})


def _bilingual(chinese: str, english: str) -> dict[str, str]:
    return {name: text for name, text in (("zh", chinese), ("en", english)) if text}


def _output_line(row: TemplateOutput) -> dict[str, Any]:
    state = {
        "function_code": row.state_function_code,
        "address": row.state_address,
        "bit": row.state_bit,
        "on": row.state_on,
        "off": row.state_off,
    }
    return {
        "code": row.code,
        "name": {"zh": row.name, "en": row.name_en},
        "function_code": row.function_code,
        "on": {"address": row.on_address, "values": list(row.on_values)},
        "off": {"address": row.off_address, "values": list(row.off_values)},
        "state": {name: value for name, value in state.items() if value is not None},
        "settle_ms": row.settle_ms,
        "confidence": row.confidence,
        **({"note": row.note} if row.note else {}),
    }


def _register_line(row: Register) -> dict[str, Any]:
    change = conversion(raw=row.unit, stored=row.point.unit)
    offset = row.offset
    if change is not None and offset:
        offset = float(f"{(offset - change.offset) / change.factor:.12g}")
    defaults = {
        "byte_order": "big",
        "word_order": "big",
        "scale": 1,
        "offset": 0,
        "invalid": [],
        "poll_class": "fast",
    }
    facts: dict[str, Any] = {
        "point": row.point.code,
        "unit": row.unit,
        "function_code": row.function_code,
        "address": row.address,
        "type": row.type,
        "bit": row.bit,
        "byte_order": row.byte_order,
        "word_order": row.word_order,
        "scale": row.scale,
        "offset": offset,
        "invalid": list(row.invalid),
        "minimum": row.minimum,
        "maximum": row.maximum,
        "poll_class": row.poll_class,
        "confidence": row.confidence or None,
        "note": row.note or None,
    }
    return {
        name: value
        for name, value in facts.items()
        if value is not None and defaults.get(name, row) != value
    }

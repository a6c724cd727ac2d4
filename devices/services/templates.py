"""Templates from text: every change of content is a new version, the same content is none."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import Invalid
from devices.drivers import Profile
from devices.drivers import Register as DriverRegister
from devices.drivers.documents import DocumentError
from devices.drivers.library import RegisterDef, TemplateDef, load_points, parse_template
from devices.drivers.outputs import OutputDef
from devices.drivers.points import PointDef
from devices.models import (
    DeviceTemplate,
    Layout,
    PointCode,
    Register,
    TemplateOutput,
    TemplateVersion,
)
from devices.services.complaints import sentences
from devices.states import PointKind

logger = logging.getLogger(__name__)

LIBRARY = Path(__file__).resolve().parent.parent / "library"
POINTS_FILE = "points.yaml"

_POINT_FACTS = [
    "name",
    "name_en",
    "unit",
    "kind",
    "group",
    "phase",
    "data_class",
    "decimals",
    "position",
    "frozen_after_h",
    "largest_step",
    "search_text",
]


class TemplateRefused(Invalid):
    """The text has mistakes: `errors` has one per place, `fields["document"]` says them."""

    code = "template_refused"
    message = _("模板有误，未导入。")

    def __init__(self, errors: Sequence[DocumentError]) -> None:
        self.errors = tuple(errors)
        super().__init__(fields={"document": sentences(errors)})


@dataclass(frozen=True, slots=True)
class Imported:
    """The version in force after an import, and whether the import made it."""

    version: TemplateVersion
    is_new: bool


def load_library(folder: Path = LIBRARY) -> list[Imported]:
    """Bring the dictionary and the templates that ship up to date; any number of times.

    Raises TemplateRefused, DictionaryError.
    """
    save_points(load_points(folder / POINTS_FILE))
    texts = sorted(path for path in folder.glob("*.yaml") if path.name != POINTS_FILE)
    return [import_template(path.read_text(encoding="utf-8")) for path in texts]


def save_points(points: Iterable[PointDef]) -> None:
    """Write the dictionary: new points are added, known ones follow the text, none is removed."""
    rows = [
        PointCode(
            code=point.code,
            name=point.name_zh,
            name_en=point.name_en,
            unit=point.unit,
            kind=point.kind,
            group=point.group,
            phase=point.phase,
            data_class=point.data_class,
            decimals=point.decimals,
            position=point.position,
            frozen_after_h=point.frozen_after_h,
            largest_step=point.largest_step,
        )
        for point in points
    ]
    PointCode.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["code"], update_fields=_POINT_FACTS
    )


@transaction.atomic
def import_template(text: str) -> Imported:
    """Store a template's text as a version, unless its newest version says the same.

    Versions with the same points share a layout. Devices stay with the version they name. Words and
    comments alone make no version; the newest one keeps the text as it was given last.
    Raises TemplateRefused.
    """
    template, errors = parse_template(text, dictionary())
    if template is None:
        raise TemplateRefused(errors)
    row = _template_row(template)
    checksum = _checksum(template)
    newest = row.versions.order_by("-number").first()
    if newest is not None and newest.checksum == checksum:
        if newest.document != text:
            # Words changed, the map did not: an export has to say what was given last.
            newest.document = text
            newest.save(update_fields=["document"])
        return Imported(version=newest, is_new=False)
    version = TemplateVersion.objects.create(
        template=row,
        number=newest.number + 1 if newest else 1,
        layout=_layout(template.registers),
        checksum=checksum,
        document=text,
        max_read_registers=template.max_read_registers,
        max_gap=template.max_gap,
        values_are=template.values_are,
        forbidden=template.forbidden,
        defaults=template.defaults,
        clock=template.clock.facts() if template.clock else {},
    )
    _save_registers(version, template.registers)
    _save_outputs(version, template.outputs)
    logger.info("template.imported key=%s version=%d", row.key, version.number)
    return Imported(version=version, is_new=True)


def document_facts(version: TemplateVersion) -> dict[str, str]:
    """What only the text of a version says: its `confidence` in words; '' when it says nothing."""
    try:
        told = yaml.safe_load(version.document) if version.document else {}
    except yaml.YAMLError:
        told = {}
    facts = told if isinstance(told, dict) else {}
    return {"confidence": str(facts.get("confidence") or "").strip()}


def profile_of(version: TemplateVersion) -> Profile:
    """What the driver needs of a version; its arrays are in the order of the layout."""
    rows = {row.point.code: row for row in version.registers.select_related("point")}
    order = [*version.layout.value_codes, *version.layout.counter_codes]
    return Profile(
        key=version.template.key,
        version=version.number,
        registers=tuple(_driver_register(rows[code]) for code in order),
        max_read_registers=version.max_read_registers,
        max_gap=version.max_gap,
        forbidden=tuple((code, first, last) for code, first, last in version.forbidden),
        values_are=version.values_are,  # type: ignore[arg-type]
    )


def _driver_register(row: Register) -> DriverRegister:
    return DriverRegister(
        code=row.point.code,
        unit=row.point.unit,
        function_code=row.function_code,
        address=row.address,
        type=row.type,  # type: ignore[arg-type]
        byte_order=row.byte_order,  # type: ignore[arg-type]
        word_order=row.word_order,  # type: ignore[arg-type]
        bit=row.bit,
        scale=row.factor,
        offset=row.offset,
        invalid=tuple(row.invalid),
        poll_class=row.poll_class,  # type: ignore[arg-type]
        is_counter=row.point.kind == PointKind.COUNTER,
        minimum=row.minimum,
        maximum=row.maximum,
    )


def dictionary() -> list[PointDef]:
    """The points as they are stored, for the parser."""
    return [
        PointDef(
            code=row.code,
            name_zh=row.name,
            name_en=row.name_en,
            unit=row.unit,
            kind=row.kind,
            group=row.group,
            phase=row.phase,
            data_class=row.data_class,
            decimals=row.decimals,
            position=row.position,
        )
        for row in PointCode.objects.all()
    ]


def _template_row(template: TemplateDef) -> DeviceTemplate:
    """The template, locked, with the words of the text."""
    row, _made = DeviceTemplate.objects.select_for_update().update_or_create(
        key=template.key,
        defaults={
            "vendor": template.vendor_zh,
            "vendor_en": template.vendor_en,
            "model": template.model,
            "kind": template.kind,
            "description": template.description_zh,
            "description_en": template.description_en,
            "source": template.source,
            "is_simulated": template.is_simulated,
        },
    )
    return row


def _checksum(template: TemplateDef) -> str:
    """Of what reading depends on: not of comments, names or the order of lines."""
    lines = sorted(
        ([line.point.code, *register_facts(line).values()] for line in template.registers),
        key=lambda line: line[0],
    )
    content: list[Any] = [
        template.max_read_registers,
        template.max_gap,
        template.values_are,
        template.forbidden,
        template.defaults,
        lines,
    ]
    if template.outputs:
        # Named only where there are some: a version from before outputs stays the same version.
        content.append(sorted(repr(output_facts(output)) for output in template.outputs))
    if template.clock:
        content.append({"clock": _without_words(template.clock.facts())})
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _without_words(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "note"}


def _layout(registers: Sequence[RegisterDef]) -> Layout:
    """The layout of these points, whatever the order of their lines."""
    values = [line.point.code for line in registers if not line.point.is_counter]
    counters = [line.point.code for line in registers if line.point.is_counter]
    text = "\n".join((",".join(sorted(values)), ",".join(sorted(counters))))
    layout, _made = Layout.objects.get_or_create(
        key=sha256(text.encode()).hexdigest(),
        defaults={"value_codes": values, "counter_codes": counters},
    )
    return layout


def _save_registers(version: TemplateVersion, registers: Sequence[RegisterDef]) -> None:
    points = dict(PointCode.objects.values_list("code", "pk"))
    Register.objects.bulk_create(
        Register(version=version, point_id=points[line.point.code], **register_facts(line))
        for line in registers
    )


def _save_outputs(version: TemplateVersion, outputs: Sequence[OutputDef]) -> None:
    TemplateOutput.objects.bulk_create(
        TemplateOutput(
            version=version,
            name=output.name_zh,
            name_en=output.name_en,
            note=output.note,
            **output_facts(output),
        )
        for output in outputs
    )


def output_facts(output: OutputDef) -> dict[str, Any]:
    """An output of a text by the columns of its row."""
    return {
        "code": output.code,
        "function_code": output.function_code,
        "on_address": output.on.address,
        "on_values": list(output.on.values),
        "off_address": output.off.address,
        "off_values": list(output.off.values),
        "state_function_code": output.state.function_code,
        "state_address": output.state.address,
        "state_bit": output.state.bit,
        "state_on": output.state.on,
        "state_off": output.state.off,
        "settle_ms": output.settle_ms,
        "confidence": output.confidence,
    }


def register_facts(line: RegisterDef) -> dict[str, Any]:
    """A line of a text by the columns of its row."""
    return {
        "function_code": line.function_code,
        "address": line.address,
        "type": line.type,
        "bit": line.bit,
        "byte_order": line.byte_order,
        "word_order": line.word_order,
        "unit": line.unit,
        "scale": line.scale,
        "factor": line.factor,
        "offset": line.offset,
        "invalid": list(line.invalid),
        "minimum": line.minimum,
        "maximum": line.maximum,
        "poll_class": line.poll_class,
        "confidence": line.confidence,
        "note": line.note,
    }

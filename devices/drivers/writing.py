"""Templates as plain values and as text again: what the parser reads is written without loss."""

from collections.abc import Mapping
from typing import Any

import yaml

from devices.drivers.documents import scalar

# No line is folded: a register is one line, so that its place is known.
_NEVER = 1_000_000


def read(text: str) -> dict[str, Any]:
    """The plain values of a text that was checked before; keys are texts, also `on` and `off`."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return _plain(node) if isinstance(node, yaml.MappingNode) else {}


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return scalar(node) if isinstance(node, yaml.ScalarNode) else None


def write(plain: Mapping[str, Any]) -> str:
    """The YAML of plain values: one line per field, one per register and forbidden range."""
    lines = []
    for key, value in plain.items():
        if isinstance(value, list) and value:
            lines.append(f"{_flow(key)}:")
            lines += [f"  - {_flow(item)}" for item in value]
        else:
            lines.append(f"{_flow(key)}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=_NEVER
    )
    return text.removesuffix("\n").removesuffix("\n...")


def line_of_list(plain: Mapping[str, Any], name: str) -> int:
    """On which line of the text the first item of a list stands."""
    line = 1
    for key, value in plain.items():
        if key == name:
            return line + 1
        line += 1 + (len(value) if isinstance(value, list) else 0)
    return line

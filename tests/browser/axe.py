"""What axe-core objects to on the page that a visitor looks at."""

from functools import cache
from pathlib import Path
from typing import Any

from tests.browsing import Visitor

_AXE = Path(__file__).parent.parent / "vendor" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
# Another scheme is the same page in other colours.
COLOURS = ["color-contrast", "link-in-text-block"]
_RUN = """([type, values]) => axe.run(document,
  {runOnly: {type, values}, resultTypes: ["violations"], preload: false}
).then((found) => found.violations.map(
  (rule) => `${rule.id}: ${rule.nodes.slice(0, 2).map((node) => node.html.slice(0, 160))}`))"""


@cache
def _script() -> str:
    return _AXE.read_text(encoding="utf-8")


def objections(visitor: Visitor, *, colours_only: bool = False) -> Any:
    """A line per rule that is broken, with the first elements that do; [] when all is well."""
    page = visitor.page
    if not page.evaluate("'axe' in window"):
        # Evaluated by the tester, past the page's policy.
        page.evaluate(_script())
    return page.evaluate(_RUN, ["rule", COLOURS] if colours_only else ["tag", RULES])

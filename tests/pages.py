"""Reading pages in tests: links with the figures that they wear, forms, visible text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Figure:
    """A number of a page, and where the link around it leads."""

    href: str
    text: str = ""

    @property
    def value(self) -> int:
        return int(self.text.strip().replace(",", ""))


@dataclass
class _Reader(HTMLParser):
    figures: dict[str, Figure] = field(default_factory=dict)
    hrefs: list[str] = field(default_factory=list)

    current: str = ""
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "a":
            self.hrefs.append(facts.get("href") or "")
        if name := facts.get("data-figure"):
            href = self.hrefs[-1] if self.hrefs else ""
            self.figures[name] = Figure(href)
            self.current, self.depth = name, 0
        elif self.current and tag not in {"br", "img", "input", "use"}:
            self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        if self.current:
            if self.depth == 0:
                self.current = ""
            else:
                self.depth -= 1
        if tag == "a" and self.hrefs:
            self.hrefs.pop()

    def handle_data(self, data: str) -> None:
        if self.current and self.depth == 0:
            self.figures[self.current].text += data


def figures_of(html: str) -> dict[str, Figure]:
    """Figures (data-figure) of a page by name, with the link around each of them ('' for none)."""
    reader = _Reader()
    reader.feed(html)
    return reader.figures

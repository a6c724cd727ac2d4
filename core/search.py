"""Words that find a row: its names in Chinese, English, pinyin and initials, in one column.

`Searchable` keeps the column; `found`, `matching` and `rank` turn what somebody typed into
conditions on it. Plain LIKE on one short text, so that every PostgreSQL can do it.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, ClassVar

from django.db import models
from django.db.models import Case, IntegerField, Model, Q, Value, When

MOST_WORDS = 6
EXACT, PREFIX, INSIDE = range(3)

_CHINESE = re.compile(r"[\u3400-\u9fff]")


def plain(text: str) -> str:
    """As it is compared: full-width forms folded, case gone."""
    return unicodedata.normalize("NFKC", text).casefold()


def search_text(*names: str) -> str:
    """The names, and for Chinese ones their pinyin and its initials, between single spaces.

    '云锦纺织' becomes ' 云锦纺织 yunjinfangzhi yjfz '. The spaces at the ends let a prefix of any
    part be found by LIKE, and a whole part too.
    """
    parts: dict[str, None] = {}
    for name in names:
        text = plain(name)
        parts.update(dict.fromkeys(text.split()))
        if _CHINESE.search(text):
            joined = "".join(text.split())
            parts |= dict.fromkeys((joined, *_spoken(joined)))
    return f" {' '.join(parts)} " if parts else ""


@lru_cache(maxsize=4096)
def _spoken(text: str) -> tuple[str, str]:
    """Pinyin (ü as v, as it is typed) and initials; what is not Chinese stays as it is."""
    # Its dictionaries take 56 MB and a quarter of a second: only who names things needs them.
    pinyin = import_module("pypinyin")
    spoken, initials = (
        pinyin.lazy_pinyin(text, style=style)
        for style in (pinyin.Style.NORMAL, pinyin.Style.FIRST_LETTER)
    )
    return "".join(spoken), "".join(initials)


def words_of(text: str | None) -> list[str]:
    """What was typed, word by word, as it is compared; later words than the sixth are dropped."""
    # PostgreSQL has no NUL in a text, and no name has one.
    return plain((text or "").replace("\0", "")).split()[:MOST_WORDS]


class SearchText(models.TextField):
    """The column: computed from the row's `search_of` whenever the row is inserted or saved."""

    def __init__(self, **kwargs: Any) -> None:
        for name, value in (("default", ""), ("blank", True), ("editable", False)):
            kwargs.setdefault(name, value)
        super().__init__(**kwargs)

    def pre_save(self, model_instance: Any, add: bool) -> str:  # noqa: FBT001 - Django's signature
        text = text_of(model_instance)
        setattr(model_instance, self.attname, text)
        return text


def text_of(row: Any) -> str:
    """The search text of one row as it is now."""
    return search_text(*(getattr(row, name) or "" for name in row.search_of))


class Searchable(models.Model):
    """A row that is found by its names. `search_of`: the fields that name it.

    save, bulk_create and upserts keep the text (an upsert lists `search_text` among its
    update_fields); `.update()` of a naming field would not, and nothing does that.
    """

    search_of: ClassVar[tuple[str, ...]] = ("name", "name_en")

    search_text = SearchText()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves the text together with any of the fields that it is made of."""
        chosen = kwargs.get("update_fields")
        if chosen is not None and not set(self.search_of).isdisjoint(chosen):
            kwargs["update_fields"] = {*chosen, "search_text"}
        super().save(*args, **kwargs)


def matching(word: str, columns: Iterable[str]) -> Q:
    """The word is somewhere in one of the columns; those named *search_text are folded already."""
    condition = Q()
    for column in columns:
        how = "contains" if column.endswith("search_text") else "icontains"
        condition |= Q(**{f"{column}__{how}": word})
    return condition


def rank(words: Sequence[str], column: str = "search_text") -> Case:
    """EXACT when every word is a whole part of the text, PREFIX when each begins one, or INSIDE."""
    exact, prefix = Q(), Q()
    for word in words:
        exact &= Q(**{f"{column}__contains": f" {word} "})
        prefix &= Q(**{f"{column}__contains": f" {word}"})
    return Case(
        When(exact, then=Value(EXACT)),
        When(prefix, then=Value(PREFIX)),
        default=Value(INSIDE),
        output_field=IntegerField(),
    )


def rank_of(words: Sequence[str], text: str) -> int:
    """`rank` of a text that is already here."""
    if all(f" {word} " in text for word in words):
        return EXACT
    return PREFIX if all(f" {word}" in text for word in words) else INSIDE


def fill(model: type[Model], search_of: Sequence[str], *, batch: int = 2000) -> int:
    """Writes the text of rows that were stored before the column was: for migrations.

    model: as the migration knows it. Returns how many rows were written.
    """
    stored: models.Manager[Any] = model._base_manager  # noqa: SLF001 - Django documents it
    rows = stored.filter(search_text="").only(*search_of).order_by("pk")
    written = 0
    kept: list[Any] = []
    for row in rows.iterator(chunk_size=batch):
        row.search_text = search_text(*(getattr(row, name) or "" for name in search_of))
        kept.append(row)
        if len(kept) == batch:
            written += stored.bulk_update(kept, ["search_text"])
            kept.clear()
    if kept:
        written += stored.bulk_update(kept, ["search_text"])
    return written

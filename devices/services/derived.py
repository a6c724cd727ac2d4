"""Derived points are made, changed and retired here, so that every formula that stands is sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from core.errors import Invalid
from devices import selectors
from devices.drivers.formulas import Fault, parsed
from devices.history import Calculation
from devices.models import DerivedInput, DerivedPoint
from devices.selectors import Book, formula_fault_words
from sites.models import Site, User
from sites.rules import Ability
from sites.selectors import require

# What may be said of one; everything else follows.
FACTS = ("name", "name_en", "formula", "unit", "decimals", "is_active")
MOST_PER_SITE = 200


@transaction.atomic
def create_derived(*, site: Site, facts: Mapping[str, Any], by: User) -> DerivedPoint:
    """A new derived point of the site. facts: some of FACTS, name and formula among them.

    Raises Forbidden for who does not maintain the site, Invalid with what is wrong, by field: of a
    formula with the position.
    """
    require(user=by, ability=Ability.MANAGE_SITE, site=site)
    _locked(site)
    if DerivedPoint.objects.filter(site=site).count() >= MOST_PER_SITE:
        raise Invalid(_("每个站点最多 %(most)d 个计算测点。") % {"most": MOST_PER_SITE})
    return _saved(DerivedPoint(site=site), facts, by)


@transaction.atomic
def change_derived(*, row: DerivedPoint, facts: Mapping[str, Any], by: User) -> DerivedPoint:
    """Other facts of a derived point; the same refusals, also for what would fail in its users."""
    require(user=by, ability=Ability.MANAGE_SITE, site=row.site)
    _locked(row.site)
    fresh = DerivedPoint.objects.select_related("site").get(pk=row.pk)
    return _saved(fresh, facts, by)


def retire_derived(*, row: DerivedPoint, by: User) -> DerivedPoint:
    """Calculate it no more. Raises Invalid while other derived points use it, Forbidden."""
    return change_derived(row=row, facts={"is_active": False}, by=by)


def checked(
    *, site: Site, facts: Mapping[str, Any], by: User, own: int | None = None
) -> tuple[Calculation, str]:
    """What a formula would mean, and its unit, before anything is saved. Raises Invalid."""
    text = str(facts.get("formula", ""))
    book = selectors.book_for(user=by, site=site, texts=[text])
    return _understood(book, text, str(facts.get("unit", "")), site.pk, own)


def _saved(row: DerivedPoint, facts: Mapping[str, Any], by: User) -> DerivedPoint:
    before = row.formula
    for name in FACTS:
        if name in facts:
            setattr(row, name, facts[name])
    row.unit = row.unit.strip()
    book = selectors.book_for(user=by, site=row.site, texts=[row.formula])
    # What is retired as it stands may name what is gone.
    if row.is_active or row.formula != before:
        row.unit = _understood(book, row.formula, row.unit, row.site_id, row.pk)[1]
    try:
        row.full_clean()
    except ValidationError as refusal:
        # What is said of the whole row is that its name is taken.
        fields = {
            "name" if name == NON_FIELD_ERRORS else name: words
            for name, words in refusal.message_dict.items()
        }
        raise Invalid(fields=fields) from None
    if row.pk is not None:
        _require_users_stand(book, row)
    row.save()
    _keep_inputs(row)
    return row


def _understood(
    book: Book, text: str, unit: str, site_id: int, own: int | None
) -> tuple[Calculation, str]:
    try:
        calculation = book.calculation(text, site_id=site_id, own=own)
        proposed = book.unit(text)
    except Fault as fault:
        raise Invalid(fields={"formula": [formula_fault_words(fault)]}) from None
    if not unit:
        return calculation, proposed or ""
    if proposed is not None and unit != proposed and not parsed(text).is_scaled:
        words = _("按公式，单位应为 “%(unit)s”。") % {"unit": proposed}
        raise Invalid(fields={"unit": [words]})
    return calculation, unit


def _require_users_stand(book: Book, row: DerivedPoint) -> None:
    """Raises Invalid naming a derived point that would not be sound any more."""
    field = "formula" if row.is_active else "is_active"
    before = book.rows[row.pk]
    if (before.formula, before.unit, before.is_active) == (row.formula, row.unit, row.is_active):
        return
    book.rows[row.pk] = row
    for other in _users(row.pk, book):
        try:
            book.calculation(other.formula, site_id=other.site_id, own=other.pk)
            book.unit(other.formula)
        except Fault as fault:
            words = _("计算测点 %(word)s %(name)s 使用它：%(reason)s") % {
                "word": other.word,
                "name": other.label,
                "reason": formula_fault_words(fault),
            }
            raise Invalid(fields={field: [words]}) from None


def _users(pk: int, book: Book) -> list[DerivedPoint]:
    """The active derived points that use it, directly or through others."""
    links = DerivedInput.objects.filter(derived__in=book.rows, source__isnull=False)
    users: dict[int, set[int]] = {}
    for derived_id, source_id in links.values_list("derived_id", "source_id"):
        users.setdefault(source_id, set()).add(derived_id)
    found: set[int] = set()
    left = [pk]
    while left:
        more = users.get(left.pop(), set()) - found
        found |= more
        left += more
    return [book.rows[one] for one in sorted(found - {pk}) if book.rows[one].is_active]


def _keep_inputs(row: DerivedPoint) -> None:
    """Rows of what the formula uses, as it is now."""
    words: set[tuple[int | None, str, int | None]] = set()
    for word in parsed(row.formula).points:
        if word.startswith("x"):
            words.add((None, "", int(word[1:])))
        else:
            device_id, _colon, code = word[1:].partition(":")
            words.add((int(device_id), code, None))
    for one in row.inputs.all():
        key = (one.device_id, one.code, one.source_id)
        if key in words:
            words.discard(key)
        else:
            one.delete()
    DerivedInput.objects.bulk_create(
        DerivedInput(derived=row, device_id=device_id, code=code, source_id=source_id)
        for device_id, code, source_id in words
    )


def _locked(site: Site) -> None:
    """Formulas of one site change in turn: two at once could make a circle."""
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)

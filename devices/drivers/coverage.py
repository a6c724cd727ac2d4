"""What a register map lacks beside what equipment of its kind should tell (DOMAIN.md §2)."""

from collections.abc import Collection

# Per kind the quantities that pages, rules and energy need; any unlisted kind has no such list.
EXPECTED: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "meter": (
        ("voltage", ("Ua", "Ub", "Uc")),
        ("current", ("Ia", "Ib", "Ic")),
        ("power", ("P",)),
        ("power_factor", ("PF",)),
        ("frequency", ("F",)),
        ("energy", ("EPI",)),
    ),
}
# From certain to guessed: a map is as good as its weakest register.
RANKS = {"own": 0, "confirmed": 1, "inferred": 2, "assumed": 3}


def missing(kind: str, codes: Collection[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Quantities of which a map of this kind has no point, with those points; partly is not lacking."""
    return [
        (quantity, wanted)
        for quantity, wanted in EXPECTED.get(kind, ())
        if not any(code in codes for code in wanted)
    ]

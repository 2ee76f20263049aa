"""Kinds of debt that filers tell of one by one: notes, loans, and what of them is due soon."""

from collections.abc import Iterable
from datetime import date
from math import fsum

from tasks.derive.facts import Fact, Knowledge

# totals in different notes are rounded, and differ by unamortised costs
TOLERANCE = 0.005
# kinds that no debt is of at once, by how their tags begin
APART = (
    (("Secured",), ("Unsecured",)),
    (
        ("LineOfCredit", "LinesOfCredit", "LongTermLineOfCredit", "LoansPayable", "LongTermLoans"),
        ("Senior", "Convertible"),
    ),
)


def largest_kind(known: Knowledge, concept: str, day: date) -> list[Fact]:
    """The largest kind, or the largest pair of kinds that are apart from each other."""
    facts = known.instants(concept, day)
    kinds = [[fact] for fact in facts]
    for ones, others in APART:
        for one in facts:
            kinds += [
                [one, other]
                for other in facts
                if one.tag.startswith(ones) and other.tag.startswith(others)
            ]
    return max(kinds, key=value_of, default=[])


def short_loans(known: Knowledge, day: date) -> list[Fact]:
    """Short-term borrowings beside long-term debt: their total, else its kinds."""
    total = known.instant("debt_short_term", day)
    kinds = [
        known.instant(concept, day)
        for concept in ("debt_commercial_paper", "debt_other_short_term")
    ]
    found = [fact for fact in kinds if fact is not None]
    # a total that is less than one of its kinds is not their total
    if total is not None and all(fact.value <= total.value for fact in found):
        return [total]
    return found if total is None else [total, *found]


def other_loans(known: Knowledge, day: date, portion: Fact) -> list[Fact]:
    """What falls due soon beside the current portion; loans of its size are the same debt."""
    others = due_soon(known, day, portion.value)
    if len(others) == 1 and portion.value and is_equal(others[0].value, portion.value):
        return []
    return others


def due_soon(known: Knowledge, day: date, portion: float = 0.0) -> list[Fact]:
    """Short-term borrowings or notes, whichever are more: one may hold the other.

    Notes that are no more than the current portion are in it, as far as one can see.
    """
    loans, notes = short_loans(known, day), largest_kind(known, "debt_notes_current", day)
    is_more = value_of(notes) > max(value_of(loans), portion) * (1 + TOLERANCE)
    return notes if is_more else loans


def value_of(facts: Iterable[Fact]) -> float:
    """The sum of some amounts, USD."""
    return fsum(fact.value for fact in facts)


def is_equal(one: float, other: float, of: float = 0.0) -> bool:
    """Whether two amounts differ by no more than rounding, of the largest of the three."""
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), abs(of))

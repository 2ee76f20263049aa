"""Kinds of debt that filers tell of one by one: notes, loans, and what of them is due soon."""

from collections.abc import Iterable, Sequence
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
# beside a total it may be what could be drawn, which texts tell of
LIMIT = "LineOfCredit"


def largest_kind(known: Knowledge, concept: str, day: date, but: str | None = None) -> list[Fact]:
    """The largest kind, or the largest pair of kinds that are apart; one tag may be left out."""
    facts = [fact for fact in known.instants(concept, day) if fact.tag != but]
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
    total, found = known.instant("debt_short_term", day), _kinds_of_loans(known, day)
    # a total that is less than one of its kinds is not their total
    if total is not None and all(fact.value <= total.value for fact in found):
        return [total]
    return found if total is None else [total, *found]


def _kinds_of_loans(known: Knowledge, day: date) -> list[Fact]:
    kinds = ("debt_commercial_paper", "debt_other_short_term")
    found: list[Fact] = []
    for concept in kinds:
        fact = known.instant(concept, day)
        # a later report may tell of the same under another tag
        if fact is not None and not any(is_equal(fact.value, each.value) for each in found):
            found.append(fact)
    return found


def other_loans(known: Knowledge, day: date, portion: float) -> list[Fact]:
    """What falls due soon beside the current portion; loans of its size are the same debt."""
    total, kinds = known.instant("debt_short_term", day), _kinds_of_loans(known, day)
    if total is not None and kinds and is_equal(total.value, portion + value_of(kinds)):
        # the total of all that is current: the portion is in it
        return kinds
    others = due_soon(known, day, portion)
    if len(others) == 1 and portion and is_equal(others[0].value, portion):
        # paper is no long-term debt, however large
        return [fact for fact in others if fact.tag == "CommercialPaper"]
    return others


def loans_beside(known: Knowledge, day: date, notes: Sequence[Fact]) -> list[Fact]:
    """What falls due soon beside current notes; of loans that hold the notes, the others."""
    loans, others = short_loans(known, day), other_loans(known, day, value_of(notes))
    return unlike(loans, notes) if others == loans else others


def unlike(loans: Sequence[Fact], notes: Sequence[Fact]) -> list[Fact]:
    """The loans without those of the notes' size, which are the same debt."""
    whole = value_of(notes)
    if is_equal(value_of(loans), whole):
        return []
    sizes = [whole, *(note.value for note in notes)]
    return [loan for loan in loans if not any(is_equal(loan.value, size) for size in sizes)]


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

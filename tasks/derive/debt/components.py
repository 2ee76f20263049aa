"""Kinds of debt that filers tell of one by one: notes, loans, and what of them is due soon."""

from collections.abc import Iterable, Sequence
from datetime import date
from math import fsum

from tasks.derive.xbrl.facts import Fact, PointInTimeFacts

# totals in different notes are rounded, and differ by unamortised costs
TOLERANCE = 0.005
# kinds that no debt is of at once, by how their tags begin
DISJOINT_KINDS = (
    (("Secured",), ("Unsecured",)),
    (
        ("LineOfCredit", "LinesOfCredit", "LongTermLineOfCredit", "LoansPayable", "LongTermLoans"),
        ("Senior", "Convertible"),
    ),
)
# beside a total it may be what could be drawn, which texts tell of
CREDIT_LINE_TAG = "LineOfCredit"


def largest_component(
    known: PointInTimeFacts, concept: str, day: date, exclude_tag: str | None = None
) -> list[Fact]:
    """The largest kind, or the largest pair of kinds that are apart; one tag may be left out."""
    facts = [fact for fact in known.instants(concept, day) if fact.tag != exclude_tag]
    kinds = [[fact] for fact in facts]
    for ones, others in DISJOINT_KINDS:
        for one in facts:
            kinds += [
                [one, other]
                for other in facts
                if one.tag.startswith(ones) and other.tag.startswith(others)
            ]
    return max(kinds, key=sum_values, default=[])


def short_term_borrowings(known: PointInTimeFacts, day: date) -> list[Fact]:
    """Short-term borrowings beside long-term debt: their total, else its kinds."""
    total, found = known.instant("debt_short_term", day), _kinds_of_loans(known, day)
    # a total that is less than one of its kinds is not their total
    if total is not None and all(fact.value <= total.value for fact in found):
        return [total]
    return found if total is None else [total, *found]


def _kinds_of_loans(known: PointInTimeFacts, day: date) -> list[Fact]:
    kinds = ("debt_commercial_paper", "debt_other_short_term")
    found: list[Fact] = []
    for concept in kinds:
        fact = known.instant(concept, day)
        # a later report may tell of the same under another tag
        if fact is not None and not any(is_close(fact.value, each.value) for each in found):
            found.append(fact)
    return found


def other_short_term_debt(known: PointInTimeFacts, day: date, current_portion: float) -> list[Fact]:
    """What falls due soon beside the current portion; loans of its size are the same debt."""
    total, kinds = known.instant("debt_short_term", day), _kinds_of_loans(known, day)
    if total is not None and kinds and is_close(total.value, current_portion + sum_values(kinds)):
        # the total of all that is current: the portion is in it
        return kinds
    others = current_debt(known, day, current_portion)
    if len(others) == 1 and current_portion and is_close(others[0].value, current_portion):
        # paper is no long-term debt, however large
        return [fact for fact in others if fact.tag == "CommercialPaper"]
    return others


def short_term_debt_excluding_notes(
    known: PointInTimeFacts, day: date, notes: Sequence[Fact]
) -> list[Fact]:
    """What falls due soon beside current notes; of loans that hold the notes, the others."""
    loans, others = (
        short_term_borrowings(known, day),
        other_short_term_debt(known, day, sum_values(notes)),
    )
    return drop_same_amount(loans, notes) if others == loans else others


def drop_same_amount(loans: Sequence[Fact], notes: Sequence[Fact]) -> list[Fact]:
    """The loans without those of the notes' size, which are the same debt."""
    whole = sum_values(notes)
    if is_close(sum_values(loans), whole):
        return []
    sizes = [whole, *(note.value for note in notes)]
    return [loan for loan in loans if not any(is_close(loan.value, size) for size in sizes)]


def current_debt(known: PointInTimeFacts, day: date, portion: float = 0.0) -> list[Fact]:
    """Short-term borrowings or notes, whichever are more: one may hold the other.

    Notes that are no more than the current portion are in it, as far as one can see.
    """
    loans, notes = (
        short_term_borrowings(known, day),
        largest_component(known, "debt_notes_current", day),
    )
    is_more = sum_values(notes) > max(sum_values(loans), portion) * (1 + TOLERANCE)
    return notes if is_more else loans


def sum_values(facts: Iterable[Fact]) -> float:
    """The sum of some amounts, USD."""
    return fsum(fact.value for fact in facts)


def is_close(one: float, other: float, of: float = 0.0) -> bool:
    """Whether two amounts differ by no more than rounding, of the largest of the three."""
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), abs(of))

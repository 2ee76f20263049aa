"""Parts of total debt: instruments, short-term borrowings, and debt reported under two tags."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import combinations
from math import fsum

from tasks.derive.debt.day_cache import cached_by_balance_date
from tasks.derive.xbrl.concepts import concepts, kinds, limit_tags
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts

# totals in different notes are rounded, and differ by unamortized issuance costs
TOLERANCE = 0.005
# principal and carrying amount of one debt mostly differ by no more than this share
CARRYING_TOLERANCE = 0.1
# current lines of one debt, net and gross: 2.3 % apart at Ondas in 2024
NET_GROSS_TOLERANCE = 0.04
# instruments by type: whole, noncurrent, current
INSTRUMENTS = "debt_instrument_types"
INSTRUMENTS_NONCURRENT = "debt_instrument_types_noncurrent"
INSTRUMENTS_CURRENT = "debt_instrument_types_current"
INSTRUMENT_CONCEPTS = (INSTRUMENTS, INSTRUMENTS_NONCURRENT, INSTRUMENTS_CURRENT)
# pairs of kinds that never include each other, so that their amounts may be added
DISJOINT_KINDS = ({"secured", "unsecured"}, {"loan", "note"})
LOAN_AND_NOTE = {"loan", "note"}
# notes payable without a type: not part of typed notes or bank loans that they are well below
PLAIN_NOTE = "plain_note"
MAX_INSTRUMENTS_ADDED = 3


def sum_values(facts: Iterable[Fact]) -> float:
    """Sum the amounts of facts, in USD."""
    return fsum(fact.value for fact in facts)


def is_close(one: float, other: float, of: float = 0.0) -> bool:
    """Return whether two amounts differ by rounding only, relative to the largest of the three."""
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), abs(of))


def drop_same_debt(facts: Sequence[Fact], counted: Sequence[float]) -> list[Fact]:
    """Drop the facts that repeat a debt under another tag: together or one by one.

    Args:
        facts: Amounts that may be the debt counted already.
        counted: Amounts of the debt counted already; their sum counts as one of them.
    """
    total = fsum(counted)
    if is_close(sum_values(facts), total):
        return []
    amounts = (total, *counted)
    return [fact for fact in facts if not any(is_close(fact.value, each) for each in amounts)]


def largest_component(
    known: PointInTimeFacts, concept: str, day: date, *, exclude_limits: bool = False
) -> list[Fact]:
    """Return the largest instrument, or the largest group of disjoint instruments.

    Args:
        known: The facts of the company.
        concept: One of `INSTRUMENT_CONCEPTS`.
        day: The balance-sheet day.
        exclude_limits: Without tags that may state a limit rather than the amount drawn.
    """
    facts = [
        fact
        for fact in known.instants(concept, day)
        if not (exclude_limits and fact.tag in limit_tags())
    ]
    if len(facts) < 2:
        return facts
    groups = (
        [*group]
        for count in range(1, MAX_INSTRUMENTS_ADDED + 1)
        for group in combinations(facts, count)
        if all(is_disjoint(one, other) for one, other in combinations(group, 2))
    )
    return max(groups, key=sum_values, default=[])


def is_disjoint(one: Fact, other: Fact) -> bool:
    """Return whether two instruments are two debts.

    A loan and a note of about the same amount are one debt, drawn and written down, or net and
    gross. Plain notes below a typed instrument do not include it, and are a balance-sheet line of
    their own.
    """
    pair = {kinds()[one.tag], kinds()[other.tag]}
    if pair == LOAN_AND_NOTE and is_same_carrying(one.value, other.value):
        return False
    if pair == {PLAIN_NOTE, "note"}:
        plain, typed = (one, other) if kinds()[one.tag] == PLAIN_NOTE else (other, one)
        return plain.value < (1 - CARRYING_TOLERANCE) * typed.value
    return pair in DISJOINT_KINDS


def is_same_carrying(one: float, other: float) -> bool:
    """Return whether two amounts may be principal and carrying amount of one debt."""
    return abs(one - other) <= CARRYING_TOLERANCE * max(abs(one), abs(other))


@cached_by_balance_date
def short_term_borrowings(known: PointInTimeFacts, day: date) -> list[Fact]:
    """Return short-term borrowings other than the current portion: their total, else the parts."""
    total, parts = known.instant("debt_short_term", day), _borrowing_parts(known, day)
    if total is None:
        return parts
    # a total below one of its parts is not their total
    return [total] if all(part.value <= total.value for part in parts) else [total, *parts]


def _borrowing_parts(known: PointInTimeFacts, day: date) -> list[Fact]:
    """Return commercial paper and other borrowings; a later report may retag the same debt."""
    paper = known.instants("debt_commercial_paper", day)[:1]
    other = known.instants("debt_other_short_term", day)[:1]
    return [*paper, *(drop_same_debt(other, [paper[0].value]) if paper else other)]


@cached_by_balance_date
def current_notes(known: PointInTimeFacts, day: date) -> list[Fact]:
    """Return the largest current instruments.

    A line of credit above short-term borrowings that equal other notes is a limit, or repaid.
    """
    total = known.instant("debt_short_term", day)
    drawn = largest_component(known, INSTRUMENTS_CURRENT, day, exclude_limits=True)
    if total is not None and drawn and is_same_carrying(total.value, sum_values(drawn)):
        return drawn
    return largest_component(known, INSTRUMENTS_CURRENT, day)


def current_debt(known: PointInTimeFacts, day: date, portion: float = 0.0) -> list[Fact]:
    """Return short-term borrowings or current notes, the larger: one may include the other.

    Notes that do not exceed the current portion are presumed to be part of it.
    """
    borrowings = short_term_borrowings(known, day)
    notes = current_notes(known, day)
    is_more = sum_values(notes) > max(sum_values(borrowings), portion) * (1 + TOLERANCE)
    return notes if is_more else borrowings


def other_short_term_debt(known: PointInTimeFacts, day: date, current_portion: float) -> list[Fact]:
    """Return current debt other than the current portion of long-term debt."""
    total, parts = known.instant("debt_short_term", day), _borrowing_parts(known, day)
    if total is not None and parts and is_close(total.value, current_portion + sum_values(parts)):
        # this total is of all current debt: it includes the current portion
        return parts
    others = current_debt(known, day, current_portion)
    if len(others) == 1 and current_portion and _is_portion(others[0], current_portion):
        # the current portion again; commercial paper is never long-term debt
        return [fact for fact in others if fact.tag in concepts()["debt_commercial_paper"]]
    return others


def _is_portion(fact: Fact, portion: float) -> bool:
    """Return whether a current line is the current portion; notes may be gross of their discount.

    Borrowings of about the same amount are another debt: Apple's commercial paper, 2020-03-28.
    """
    is_note = fact.tag in concepts()[INSTRUMENTS_CURRENT]
    tolerance = NET_GROSS_TOLERANCE if is_note else TOLERANCE
    return abs(fact.value - portion) <= tolerance * max(abs(fact.value), abs(portion))


def short_term_debt_excluding_notes(
    known: PointInTimeFacts, day: date, notes: Sequence[Fact]
) -> list[Fact]:
    """Return current debt other than current notes, without borrowings that include them."""
    borrowings = short_term_borrowings(known, day)
    others = other_short_term_debt(known, day, sum_values(notes))
    if others != borrowings:
        return others
    others = drop_same_debt(borrowings, [note.value for note in notes])
    paper = concepts()["debt_commercial_paper"]
    total = sum_values(notes)
    return [fact for fact in others if fact.tag in paper or not is_same_carrying(fact.value, total)]

"""Long-term debt beside its lines and beside notes: which of them includes the other."""

from datetime import date
from enum import Enum
from itertools import pairwise
from math import fsum

from tasks.derive.debt.components import (
    CARRYING_TOLERANCE,
    INSTRUMENTS_CURRENT,
    INSTRUMENTS_NONCURRENT,
    drop_same_debt,
    is_close,
    is_same_carrying,
    largest_component,
    sum_values,
)
from tasks.derive.debt.day_cache import cached_by_balance_date
from tasks.derive.debt.lines import ADDITIVE_RATIO, DebtLines, filed
from tasks.derive.debt.long_term_total import ladder_first_year, ladder_total
from tasks.derive.xbrl.concepts import kinds
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts

# noncurrent and current
BOTH_LINES = 2
# a total this many times its own lines is another debt
OTHER_DEBT_RATIO = 3
# of long-term debt: a smaller change of notes says nothing
NOTES_MOVED_SHARE = 0.2


def value_of(fact: Fact | None) -> float:
    """Return the amount of a line, 0 where it is not filed."""
    return 0.0 if fact is None else fact.value


def line_facts(lines: DebtLines) -> list[Fact]:
    """Return noncurrent debt and its current line."""
    return filed(lines.noncurrent, lines.current or lines.portion)


def is_total_above_lines(lines: DebtLines) -> bool:
    """Return whether the total is well above its lines, and no note explains it."""
    parts = line_facts(lines)
    if len(parts) < BOTH_LINES or lines.liabilities_usd is None:
        return False
    return (
        value_of(lines.total) > ADDITIVE_RATIO * sum_values(parts) > 0
        and not includes_notes(lines)
        and not lines.exceeds_liabilities(value_of(lines.total))
    )


def is_total_beside_lines(lines: DebtLines) -> bool:
    """Return whether the total is another debt, beside noncurrent and current debt.

    The maturity schedule of the day decides; without one that fits, how far the total is above.
    """
    total, parts = value_of(lines.total), sum_values(line_facts(lines))
    if len(line_facts(lines)) < BOTH_LINES or lines.liabilities_usd is None:
        return False
    if is_same_carrying(total, parts) or lines.exceeds_liabilities(total + parts):
        return False
    schedule = ladder_total(lines.known, lines.day)
    if schedule is not None:
        nearest = min((total, parts, total + parts), key=lambda amount: abs(amount - schedule))
        if is_same_carrying(schedule, nearest):
            is_of_lines = nearest == parts and is_total_above_lines(lines)
            return nearest not in (total, parts) or is_of_lines
    return is_total_above_lines(lines) and total > OTHER_DEBT_RATIO * parts


class Notes(Enum):
    """Whether long-term debt includes the current notes of its day."""

    INCLUDED = "included"
    BESIDE = "beside"
    UNKNOWN = "unknown"


def _read_notes(lines: DebtLines) -> Notes:
    """Compare notes with long-term debt, its maturity schedule and both on earlier days.

    The definition of long-term debt includes them. It does not where they are above it, were above
    it or changed without it on an earlier day, or are more than is due in the first year of the
    maturity schedule that equals it.
    """
    amount, total = sum_values(lines.instruments_current), value_of(lines.total)
    if amount > ADDITIVE_RATIO * total:
        # far above it: added to any total, with notes that are not current
        return Notes.INCLUDED
    if amount > (1 + CARRYING_TOLERANCE) * total:
        return Notes.BESIDE
    schedule, first = (read(lines.known, lines.day) for read in (ladder_total, ladder_first_year))
    if schedule is not None and first is not None and is_same_carrying(schedule, total):
        is_beside = first < (1 - CARRYING_TOLERANCE) * amount
        return Notes.BESIDE if is_beside else Notes.INCLUDED
    return Notes.BESIDE if amount and _never_included_notes(lines) else Notes.UNKNOWN


def are_notes_unclear(lines: DebtLines) -> bool:
    """Return whether convertible or senior notes due soon may be part of the total or not."""
    notes = sum_values(fact for fact in lines.instruments_current if kinds()[fact.tag] == "note")
    if lines.noncurrent or lines.portion or notes <= CARRYING_TOLERANCE * value_of(lines.total):
        return False
    return _read_notes(lines) is Notes.UNKNOWN


def short_term_and_notes(lines: DebtLines) -> list[Fact]:
    """Return short-term borrowings and the notes beside the total, none of them twice."""
    notes = lines.instruments_current if _read_notes(lines) is Notes.BESIDE else []
    amounts = [fact.value for fact in notes]
    return [*(drop_same_debt(lines.borrowings, amounts) if notes else lines.borrowings), *notes]


def _never_included_notes(lines: DebtLines) -> bool:
    """Return whether long-term debt was below notes, or unchanged when they changed."""
    known = lines.known
    days = sorted(
        end for spans in known.series("debt_long_term") for end in spans if end <= lines.day
    )
    amounts = [
        (value_of(known.instant("debt_long_term", each)), _notes(known, each)) for each in days
    ]
    if any(notes > (1 + CARRYING_TOLERANCE) * total for total, notes in amounts):
        return True
    return any(
        abs(notes - notes_before) > NOTES_MOVED_SHARE * total
        and abs(total - total_before) < CARRYING_TOLERANCE * abs(notes - notes_before)
        for (total_before, notes_before), (total, notes) in pairwise(amounts)
        if notes_before
    )


@cached_by_balance_date
def _notes(known: PointInTimeFacts, day: date) -> float:
    """Return the current and noncurrent notes of a day, without limits."""
    return fsum(
        fact.value
        for concept in (INSTRUMENTS_NONCURRENT, INSTRUMENTS_CURRENT)
        for fact in largest_component(known, concept, day, exclude_limits=True)
    )


def includes_notes(lines: DebtLines) -> bool:
    """Return whether total = noncurrent + current portion + a separately reported note."""
    rest = value_of(lines.total) - sum_values(filed(lines.noncurrent, lines.portion))
    notes = lines.positive_instruments()
    return any(is_close(fact.value, rest, value_of(lines.total)) for fact in notes)

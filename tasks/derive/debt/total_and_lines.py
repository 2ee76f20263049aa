"""Long-term debt beside its lines and beside notes: which of them includes the other."""

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
from tasks.derive.debt.lines import ADDITIVE_RATIO, DebtLines, filed
from tasks.derive.debt.long_term_total import ladder_first_year, ladder_total
from tasks.derive.xbrl.facts import Fact

# noncurrent and current
BOTH_LINES = 2
# a total this many times its own lines is another debt
OTHER_DEBT_RATIO = 3


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
    """Return whether the total is another debt, beside noncurrent and current debt."""
    if not is_total_above_lines(lines):
        return False
    total, parts = value_of(lines.total), sum_values(line_facts(lines))
    if lines.exceeds_liabilities(total + parts):
        return False
    schedule = ladder_total(lines.known, lines.day)
    if schedule is not None and is_same_carrying(schedule, total):
        return False
    is_far_above = total > OTHER_DEBT_RATIO * parts
    if schedule is None:
        return is_far_above
    return is_far_above or any(is_same_carrying(schedule, each) for each in (parts, total + parts))


def _notes_beside_total(lines: DebtLines) -> list[Fact]:
    """Return current notes that long-term debt does not include.

    Its definition includes them. It does not where they are above it, were above it on an earlier
    day, or are above what the maturity schedule that equals it has due in the first year.
    """
    notes, total = lines.instruments_current, value_of(lines.total)
    amount = sum_values(notes)
    if amount > ADDITIVE_RATIO * total:
        # far above it: added to any total, with notes that are not current
        return []
    if amount > (1 + CARRYING_TOLERANCE) * total:
        return notes
    schedule, first = (read(lines.known, lines.day) for read in (ladder_total, ladder_first_year))
    if schedule is not None and first is not None and is_same_carrying(schedule, total):
        return notes if first < (1 - CARRYING_TOLERANCE) * amount else []
    return notes if notes and _was_below_notes(lines) else []


def short_term_and_notes(lines: DebtLines) -> list[Fact]:
    """Return short-term borrowings and the notes beside the total, none of them twice."""
    notes = _notes_beside_total(lines)
    amounts = [fact.value for fact in notes]
    return [*(drop_same_debt(lines.borrowings, amounts) if notes else lines.borrowings), *notes]


def _was_below_notes(lines: DebtLines) -> bool:
    """Return whether long-term debt was below notes of the same day before."""
    known = lines.known
    days = {end for spans in known.series("debt_long_term") for end in spans if end < lines.day}
    for each in days:
        notes = [
            *largest_component(known, INSTRUMENTS_NONCURRENT, each, exclude_limits=True),
            *largest_component(known, INSTRUMENTS_CURRENT, each, exclude_limits=True),
        ]
        total = known.instant("debt_long_term", each)
        if total is not None and sum_values(notes) > (1 + CARRYING_TOLERANCE) * total.value:
            return True
    return False


def includes_notes(lines: DebtLines) -> bool:
    """Return whether total = noncurrent + current portion + a separately reported note."""
    rest = value_of(lines.total) - sum_values(filed(lines.noncurrent, lines.portion))
    notes = lines.positive_instruments()
    return any(is_close(fact.value, rest, value_of(lines.total)) for fact in notes)

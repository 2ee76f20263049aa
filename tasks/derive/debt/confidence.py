"""How sure a total is: whether a second figure confirms it, or another contradicts it."""

from collections.abc import Iterable
from dataclasses import replace

from tasks.derive.debt.components import (
    INSTRUMENT_CONCEPTS,
    NET_GROSS_TOLERANCE,
    is_close,
    is_same_carrying,
    sum_values,
)
from tasks.derive.debt.debt import Debt
from tasks.derive.debt.lines import DebtLines
from tasks.derive.debt.long_term_total import ladder_first_year, ladder_total
from tasks.derive.xbrl.concepts import concepts, kinds, limit_tags
from tasks.derive.xbrl.facts import Fact

# a figure above the total by more than this share is debt that the total lacks
CONTRADICTING_SHARE = 0.1


def total_tags() -> tuple[str, ...]:
    """Return the tags of long-term debt including its current portion."""
    return concepts()["debt_long_term"]


def rate_confidence(found: Debt, lines: DebtLines) -> Debt:
    """Say whether figures of the day confirm or contradict a total."""
    is_contradicted = (
        any(amount > (1 + CONTRADICTING_SHARE) * found.value for amount in _amounts(lines))
        or _is_below_lines(found, lines)
        or _lacks_borrowings(found, lines)
        or _may_count_twice(found, lines)
        or _presumes_notes_in_portion(found, lines)
    )
    return replace(
        found,
        is_contradicted=found.is_contradicted or is_contradicted,
        is_confirmed=_is_confirmed(found, lines),
    )


def _amounts(lines: DebtLines) -> Iterable[float]:
    """Yield every amount that total debt includes or equals, in the filer's own figures."""
    known, day = lines.known, lines.day
    facts: list[Fact] = [
        fact
        for concept in ("debt_long_term", "debt_noncurrent", "debt_combined", *INSTRUMENT_CONCEPTS)
        for fact in known.instants(concept, day)
        if fact.tag not in limit_tags()
    ]
    yield from (fact.value for fact in facts)
    gross, ladder = known.instant("debt_gross", day), ladder_total(known, day)
    yield 0.0 if gross is None else gross.value
    yield ladder or 0.0


def _is_below_lines(found: Debt, lines: DebtLines) -> bool:
    """Return whether all debt combined, or long-term debt, is well below its lines."""
    known, day = lines.known, lines.day
    combined, total = known.instant("debt_combined", day), known.instant("debt_long_term", day)
    if combined is not None and combined.value < (1 - CONTRADICTING_SHARE) * found.value:
        return True
    return (
        total is not None
        and lines.noncurrent is not None
        and total.value < (1 - CONTRADICTING_SHARE) * lines.noncurrent.value
    )


def _lacks_borrowings(found: Debt, lines: DebtLines) -> bool:
    """Return whether short-term borrowings are neither in the total nor a current line of it."""
    current = [fact.value for fact in (lines.current, lines.portion) if fact is not None]
    if lines.noncurrent is not None and lines.total is not None:
        current.append(lines.total.value - lines.noncurrent.value)
    counted = [*(fact.value for fact in found.facts), *current]
    return any(
        fact not in found.facts
        and fact.value > CONTRADICTING_SHARE * found.value
        and not any(is_close(fact.value, each) for each in counted)
        and lines.current is None
        for fact in lines.borrowings
    )


def _may_count_twice(found: Debt, lines: DebtLines) -> bool:
    """Return whether borrowings in the total may be its current portion, net and gross."""
    current = lines.portion
    if current is None or current not in found.facts:
        return False
    paper = concepts()["debt_commercial_paper"]
    return any(
        0 < abs(fact.value - current.value) <= NET_GROSS_TOLERANCE * current.value
        for fact in found.facts
        if fact in lines.borrowings and fact.tag not in paper
    )


def _presumes_notes_in_portion(found: Debt, lines: DebtLines) -> bool:
    """Return whether typed notes due soon count as a part of a larger current line.

    Not where they are that line, or all that the maturity schedule has due.
    """
    current = [fact.value for fact in (lines.current, lines.portion) if fact is not None]
    current.append(ladder_first_year(lines.known, lines.day) or 0.0)
    return any(
        fact.value > CONTRADICTING_SHARE * found.value
        and kinds()[fact.tag] == "note"
        and not any(is_same_carrying(fact.value, each) for each in current)
        for fact in lines.instruments_current
        if fact not in found.facts
    )


def _is_confirmed(found: Debt, lines: DebtLines) -> bool:
    """Return whether both lines are filed, or one total and a figure that agrees with it."""
    known, day = lines.known, lines.day
    current = lines.current or lines.portion
    if lines.total in found.facts and lines.noncurrent in found.facts:
        # one beside the other is the likelier of two readings
        return False
    if lines.combined is not None and lines.combined in found.facts:
        # with a line of it, or long-term debt that is not above it
        return lines.noncurrent is not None or lines.total is not None
    if lines.noncurrent in found.facts and current in found.facts:
        # long-term debt that was read as noncurrent is confirmed by the maturity schedule
        schedule = ladder_total(known, day)
        is_read = lines.noncurrent is not None and lines.noncurrent.tag in total_tags()
        return not is_read or (schedule is not None and is_same_carrying(schedule, found.value))
    if lines.total not in found.facts:
        return False
    long_term = sum_values([lines.total]) if lines.total else 0.0
    others = [ladder_total(known, day)]
    if lines.noncurrent is not None and current is not None:
        others.append(lines.noncurrent.value + current.value)
    gross = known.instant("debt_gross", day)
    others += [None if gross is None else gross.value]
    return any(other is not None and is_same_carrying(other, long_term) for other in others)

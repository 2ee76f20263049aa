"""How sure a total is: whether a second figure confirms it, or another contradicts it."""

from collections.abc import Iterable
from dataclasses import replace

from tasks.derive.debt.components import INSTRUMENT_CONCEPTS, is_same_carrying, sum_values
from tasks.derive.debt.debt import Debt
from tasks.derive.debt.lines import DebtLines
from tasks.derive.debt.long_term_total import ladder_total
from tasks.derive.xbrl.concepts import limit_tags
from tasks.derive.xbrl.facts import Fact

# a figure above the total by more than this share is debt that the total lacks
CONTRADICTING_SHARE = 0.1


def rate_confidence(found: Debt, lines: DebtLines) -> Debt:
    """Say whether figures of the day confirm or contradict a total."""
    is_contradicted = any(
        amount > (1 + CONTRADICTING_SHARE) * found.value for amount in _amounts(lines)
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


def _is_confirmed(found: Debt, lines: DebtLines) -> bool:
    """Return whether both lines are filed, or one total and a figure that agrees with it."""
    known, day = lines.known, lines.day
    current = lines.current or lines.portion
    if lines.total in found.facts and lines.noncurrent in found.facts:
        # one beside the other is the likelier of two readings
        return False
    if lines.combined in found.facts or (
        lines.noncurrent in found.facts and current in found.facts
    ):
        return True
    if lines.total not in found.facts:
        return False
    long_term = sum_values([lines.total]) if lines.total else 0.0
    others = [ladder_total(known, day)]
    if lines.noncurrent is not None and current is not None:
        others.append(lines.noncurrent.value + current.value)
    gross = known.instant("debt_gross", day)
    others += [None if gross is None else gross.value]
    return any(other is not None and is_same_carrying(other, long_term) for other in others)

"""Total debt of a company on a balance-sheet day, nothing counted twice.

Current debt alone is not a total. Negative values are filing errors and void the total. If a total
is smaller than one of its parts, one of the two is excluded, and the basis says which. A type of
debt far above the total is not part of it and is added.
"""

from dataclasses import dataclass, replace
from datetime import date

from tasks.derive.debt.components import (
    INSTRUMENTS,
    INSTRUMENTS_CURRENT,
    INSTRUMENTS_NONCURRENT,
    is_close,
    largest_component,
    sum_values,
)
from tasks.derive.debt.lines import ADDITIVE_RATIO, DebtLines, read_lines
from tasks.derive.debt.ways import (
    INSTRUMENT_WAYS,
    LINE_WAYS,
    NONCURRENT_INSTRUMENT_WAYS,
    Way,
    first_way,
)
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts

# principal and carrying amount of one debt mostly differ by no more than this share
CARRYING_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Debt:
    """Total debt on one day.

    Attributes:
        value: USD.
        method: The text of `total_debt_basis`.
        facts: The facts that it is made of.
        is_lower_bound: Other instruments are filed that it may not include.
    """

    value: float
    method: str
    facts: tuple[Fact, ...]
    is_lower_bound: bool = False

    @property
    def accessions(self) -> tuple[str, ...]:
        """The filings that it is made of, in order."""
        return tuple(sorted({fact.accession for fact in self.facts}))


def total_debt(known: PointInTimeFacts, day: date) -> Debt | None:
    """Return total debt on a balance-sheet day; None where the facts make no total."""
    if day not in known.cache:
        known.cache[day] = _compute_total(known, day)
    found: Debt | None = known.cache[day]
    return found


def _compute_total(known: PointInTimeFacts, day: date) -> Debt | None:
    lines, unfiltered = read_lines(known, day), _unreconciled(known, day)
    way = first_way(LINE_WAYS, lines)
    if way is None:
        found = _debt_from_instruments(unfiltered)
    else:
        found = _name_excluded(_apply(way, lines), lines)
        if found.value:
            found = _add_separate_notes(lines, found)
        else:
            # an empty line of the balance sheet: debt may be on lines of its own
            notes = _debt_from_instruments(replace(unfiltered, exclude_limits=True))
            if notes is not None and not lines.exceeds_liabilities(notes.value):
                found = notes
    has_negative = found is not None and any(fact.value < 0 for fact in found.facts)
    return None if has_negative else found


def _unreconciled(known: PointInTimeFacts, day: date) -> DebtLines:
    """Return the current lines as filed: instruments include neither of them."""
    return DebtLines(
        known,
        day,
        current=known.instant("debt_current", day),
        portion=known.instant("debt_long_term_current", day),
    )


def _apply(way: Way, lines: DebtLines) -> Debt:
    facts = tuple(way.parts(lines))
    value = sum_values(facts) if way.value is None else way.value(lines)
    return Debt(value, way.basis, facts, way.is_lower_bound)


def _name_excluded(found: Debt, lines: DebtLines) -> Debt:
    """Add the tags that were excluded to the basis."""
    if not lines.excluded:
        return found
    tags = " ".join(sorted(fact.tag for fact in lines.excluded))
    return replace(found, method=f"{found.method}; excluded as inconsistent: {tags}")


def _add_separate_notes(lines: DebtLines, found: Debt) -> Debt:
    """Add notes far above the total, which are on lines of their own.

    Where only two kinds together are far above it, the total may be one of them, or include one.
    """
    most = ADDITIVE_RATIO * found.value
    groups = [
        group
        for concept in (INSTRUMENTS_NONCURRENT, INSTRUMENTS_CURRENT)
        if sum_values(group := largest_component(lines.known, concept, lines.day)) > most
    ]
    if not groups:
        whole = largest_component(lines.known, INSTRUMENTS, lines.day, exclude_limits=True)
        groups = [whole] if sum_values(whole) > most else []
    separate = [fact for group in groups for fact in group if fact.value > most]
    smaller = [[fact for fact in group if fact.value <= most] for group in groups]
    replacing = [fact for group in smaller if sum_values(group) > most for fact in group]
    value = sum_values((*replacing, *separate)) if replacing else found.value + sum_values(separate)
    if not groups or lines.exceeds_liabilities(value):
        return found
    basis = "notes that are more than the total" if replacing else found.method
    others = [fact.value for group in smaller for fact in group]
    return Debt(
        value,
        f"{basis} + notes beside it" if separate else basis,
        (*(replacing or found.facts), *separate),
        is_lower_bound=bool(others) and not any(is_close(each, found.value) for each in others),
    )


def _debt_from_instruments(lines: DebtLines) -> Debt | None:
    """Add up instruments: balance-sheet lines, unless the whole instruments are far above them."""
    ways = (first_way(NONCURRENT_INSTRUMENT_WAYS, lines), first_way(INSTRUMENT_WAYS, lines))
    noncurrent, whole = (None if way is None else _apply(way, lines) for way in ways)
    if noncurrent is None or whole is None or not lines.instruments:
        best = noncurrent or whole
    else:
        best = whole if whole.value > ADDITIVE_RATIO * noncurrent.value else noncurrent
    if best is None or best.is_lower_bound:
        return best
    return replace(best, is_lower_bound=_has_other_instruments(lines, best))


def _has_other_instruments(lines: DebtLines, best: Debt) -> bool:
    """Return whether an instrument is filed whose amount is neither the total's nor a part's."""
    without_borrowings = [fact for fact in best.facts if fact not in lines.borrowings]
    amounts = [sum_values(best.facts), sum_values(without_borrowings)]
    amounts += [fact.value for fact in best.facts]
    return any(
        all(abs(each.value - amount) > CARRYING_TOLERANCE * amount for amount in amounts)
        for each in lines.positive_instruments()
        if each not in best.facts
    )

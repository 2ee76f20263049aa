"""Total debt of a company on a balance-sheet day, nothing counted twice.

Current debt alone is not a total. Negative values are filing errors and void the total. If a total
is smaller than one of its parts, one of the two is excluded, and the basis says which. A type of
debt far above the total is not part of it and is added. No total is above total liabilities.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from tasks.derive.debt.components import (
    CARRYING_TOLERANCE,
    INSTRUMENTS,
    INSTRUMENTS_CURRENT,
    INSTRUMENTS_NONCURRENT,
    is_close,
    largest_component,
    sum_values,
)
from tasks.derive.debt.confidence import rate_confidence
from tasks.derive.debt.day_cache import cached_by_balance_date
from tasks.derive.debt.debt import Debt
from tasks.derive.debt.lines import ADDITIVE_RATIO, DebtLines, read_lines
from tasks.derive.debt.related_parties import add_related_parties
from tasks.derive.debt.ways import (
    INSTRUMENT_WAYS,
    LINE_WAYS,
    NONCURRENT_INSTRUMENT_WAYS,
    Way,
    applicable_ways,
)
from tasks.derive.xbrl.concepts import concepts, lease_tags
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import MAX_REPORT_AGE

# of total debt: a smaller instrument beside it does not make it a lower bound
LEAST_SHARE = 0.02
LINES_BESIDE_NONCURRENT = (
    "debt_long_term",
    "debt_combined",
    "debt_long_term_current",
    "debt_current",
)


def total_debt(known: PointInTimeFacts, day: date) -> Debt | None:
    """Return total debt on a balance-sheet day; None where the facts make no total."""
    is_of_day_alone = not _depends_on_other_days(known, day)
    found = _cached_total(known, day) if is_of_day_alone else _compute_total(known, day)
    if found is not None and _is_noncurrent_alone(found) and _lacked_other_debt(known, day):
        return replace(found, is_lower_bound=True)
    return found


def _is_noncurrent_alone(found: Debt) -> bool:
    return [fact.tag in concepts()["debt_noncurrent"] for fact in found.facts] == [True]


def _lacked_other_debt(known: PointInTimeFacts, day: date) -> bool:
    """Return whether noncurrent debt was only a part on the last day with another line of debt.

    Debt due soon or to affiliates may be filed for some days only: not even the annual report of
    2017 has all of T-Mobile's. So debt that was repaid since leaves a lower bound, for 15 months.
    """
    since = day - MAX_REPORT_AGE
    ends = (end for spans in known.series("debt_noncurrent") for end in spans)
    days = {end for end in ends if since <= end < day}
    for before in sorted(days, reverse=True):
        line = known.instant("debt_noncurrent", before)
        beside = (known.instant(concept, before) for concept in LINES_BESIDE_NONCURRENT)
        if line is not None and any(fact is not None for fact in beside):
            owed = total_debt(known, before)
            return owed is not None and owed.value > (1 + CARRYING_TOLERANCE) * line.value
    return False


@cached_by_balance_date
def _depends_on_other_days(known: PointInTimeFacts, day: date) -> bool:
    """Return whether earlier days decide what long-term debt includes; the cache is by day."""
    if known.instant("debt_long_term", day) is None or known.instant("debt_noncurrent", day):
        return False
    beside = ("debt_long_term_current", "debt_current", INSTRUMENTS_CURRENT)
    return any(known.instant(concept, day) is not None for concept in beside)


def _compute_total(known: PointInTimeFacts, day: date) -> Debt | None:
    lines, unfiltered = read_lines(known, day), _unreconciled(known, day)
    found = _first_within_liabilities(LINE_WAYS, lines)
    if found is None:
        found = _debt_from_instruments(unfiltered)
    else:
        found = _name_excluded(found, lines)
        if found.value:
            found = _add_separate_notes(lines, found)
        else:
            # an empty line of the balance sheet: debt may be on lines of its own
            notes = _debt_from_instruments(replace(unfiltered, exclude_limits=True))
            found = notes or found
    found = _question_zero(lines, _raise_to_gross(lines, add_related_parties(lines, found)))
    if found is None or any(fact.value < 0 for fact in found.facts):
        return None
    return rate_confidence(found, lines)


_cached_total = cached_by_balance_date(_compute_total)


def _unreconciled(known: PointInTimeFacts, day: date) -> DebtLines:
    """Return the current lines as filed: instruments include neither of them."""
    return DebtLines(
        known,
        day,
        current=known.instant("debt_current", day),
        portion=known.instant("debt_long_term_current", day),
    )


def _first_within_liabilities(ways: Sequence[Way], lines: DebtLines) -> Debt | None:
    """Return the first way's total that is not above total liabilities.

    A way above them counts as a lower bound without its notes and borrowings, where it has some;
    after it noncurrent debt alone is only a part.
    """
    is_first = True
    for way in applicable_ways(ways, lines):
        found = _apply(way, lines)
        if not lines.exceeds_liabilities(found.value):
            is_part = not is_first and found.facts == (lines.noncurrent,)
            is_lower_bound = found.is_lower_bound or is_part
            return replace(found, is_lower_bound=is_lower_bound, is_contradicted=not is_first)
        kept = [fact for fact in found.facts if fact in (lines.noncurrent, lines.portion)]
        if len(kept) > 1 and not lines.exceeds_liabilities(sum_values(kept)):
            return Debt(sum_values(kept), found.method, tuple(kept), True, True)
        is_first = False
    return None


def _apply(way: Way, lines: DebtLines) -> Debt:
    facts = tuple(way.parts(lines))
    value = sum_values(facts) if way.value is None else way.value(lines)
    return Debt(value, way.basis, facts, way.is_lower_bound)


def _name_excluded(found: Debt, lines: DebtLines) -> Debt:
    """Add the tags that were excluded to the basis."""
    if not lines.excluded:
        return found
    tags = " ".join(sorted(fact.tag for fact in lines.excluded))
    method = f"{found.method}; excluded as inconsistent: {tags}"
    return replace(found, method=method, is_contradicted=True)


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
        is_lower_bound=found.is_lower_bound
        or (bool(others) and not any(is_close(each, found.value) for each in others)),
        is_contradicted=True,
    )


def _question_zero(lines: DebtLines, found: Debt | None) -> Debt | None:
    """Take current notes in place of a total of 0, or mark it as a lower bound beside any debt."""
    if found is None or found.value:
        return found
    notes = largest_component(lines.known, INSTRUMENTS_CURRENT, lines.day, exclude_limits=True)
    amount = sum_values(notes)
    if amount > 0 and not lines.exceeds_liabilities(amount):
        return Debt(amount, "current notes", tuple(notes), is_lower_bound=True)
    concepts_of_debt = (name for name in concepts() if name.startswith("debt_"))
    debts = (fact for name in concepts_of_debt for fact in lines.known.instants(name, lines.day))
    is_beside_debt = any(
        fact.value > 0 and not lines.exceeds_liabilities(fact.value)
        for fact in debts
        if fact.tag not in lease_tags()
    )
    return replace(found, is_lower_bound=is_beside_debt)


def _raise_to_gross(lines: DebtLines, found: Debt | None) -> Debt | None:
    """Take gross long-term debt that is far above the total as a lower bound.

    It is of all long-term debt, or of one instrument that the total lacks.
    """
    gross = lines.known.instant("debt_gross", lines.day)
    if found is None or gross is None or lines.liabilities_usd is None:
        return found
    if gross.value <= ADDITIVE_RATIO * found.value or lines.exceeds_liabilities(gross.value):
        return found
    return Debt(gross.value, "long-term debt, gross", (gross,), is_lower_bound=True)


def _debt_from_instruments(lines: DebtLines) -> Debt | None:
    """Add up instruments: balance-sheet lines, unless the whole instruments are far above them.

    None where they add up to 0: an instrument of 0 says nothing of the others.
    """
    noncurrent, whole = (
        _first_within_liabilities(ways, lines)
        for ways in (NONCURRENT_INSTRUMENT_WAYS, INSTRUMENT_WAYS)
    )
    if noncurrent is None or whole is None or not lines.instruments:
        best = noncurrent or whole
    else:
        best = whole if whole.value > ADDITIVE_RATIO * noncurrent.value else noncurrent
    if best is None or best.value == 0:
        return None
    if best.is_lower_bound:
        return best
    return replace(best, is_lower_bound=_has_other_instruments(lines, best))


def _has_other_instruments(lines: DebtLines, best: Debt) -> bool:
    """Return whether an instrument is filed whose amount is neither the total's nor a part's."""
    without_borrowings = [fact for fact in best.facts if fact not in lines.borrowings]
    amounts = [sum_values(best.facts), sum_values(without_borrowings)]
    amounts += [fact.value for fact in best.facts]
    return any(
        all(abs(each.value - amount) > CARRYING_TOLERANCE * amount for amount in amounts)
        for each in (*lines.positive_instruments(), *_other_current_notes(lines, best))
        if each not in best.facts
    )


def _other_current_notes(lines: DebtLines, best: Debt) -> list[Fact]:
    """Return the current notes that are more than rounding of a total of noncurrent lines."""
    if not lines.instruments_noncurrent or lines.current or lines.portion:
        return []
    notes = lines.known.instants(INSTRUMENTS_CURRENT, lines.day)
    return [fact for fact in notes if fact.value > LEAST_SHARE * best.value]

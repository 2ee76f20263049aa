"""A company's total debt on a balance-sheet day, nothing counted twice.

`LongTermDebt` includes the current portion by its definition, but some filers leave it out, and
`ShortTermBorrowings` holds the current portion at some and other loans at others. Where several
tags stand side by side, the identities between them say which it is. What falls due soon is no
total by itself, and a figure below zero is a slip that no sum may hold. Nor may a total be below
what it holds: of two that contradict each other so, one is left out, and the basis says which; a
kind of debt that is far above a total is no part of it and stands beside it.
"""

from dataclasses import dataclass, replace
from datetime import date
from math import fsum

from tasks.derive.debt.components import (
    CREDIT_LINE_TAG,
    TOLERANCE,
    current_debt,
    drop_same_amount,
    is_close,
    largest_component,
    other_short_term_debt,
    short_term_borrowings,
    short_term_debt_excluding_notes,
    sum_values,
)
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts

# principal and carrying amount of one debt differ by discounts, of convertible notes by a third
ADDITIVE_RATIO = 1.5
# and mostly by no more than this: the same debt under two tags
CARRYING_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Debt:
    """Total debt on one day.

    Attributes:
        value: USD.
        method: What it is made of, in words.
        facts: The facts behind it.
        is_lower_bound: Other kinds of debt are filed that may be beside it: at least that much is
            owed.
    """

    value: float
    method: str
    facts: tuple[Fact, ...]
    is_lower_bound: bool = False

    @property
    def accessions(self) -> tuple[str, ...]:
        """The filings behind it, in order."""
        return tuple(sorted({fact.accession for fact in self.facts}))


def total_debt(known: PointInTimeFacts, day: date) -> Debt | None:
    """What a company owes on a balance-sheet day; None where no total can be made of the facts."""
    if day not in known.cache:
        known.cache[day] = _compute_total(known, day)
    found: Debt | None = known.cache[day]
    return found


def _compute_total(known: PointInTimeFacts, day: date) -> Debt | None:
    found = _debt_from_totals(known, day)
    if found is None:
        found = _debt_from_notes(known, day)
    elif found.value == 0:
        # a line of the balance sheet that is empty, beside debt of a kind of its own
        notes = _debt_from_notes(known, day, but=CREDIT_LINE_TAG)
        if notes is not None and not _is_beyond_liabilities(known, day, notes.value):
            found = notes
    else:
        found = _add_separate_notes(known, day, found)
    if found is not None and any(fact.value < 0 for fact in found.facts):
        return None
    return found


def _add_separate_notes(known: PointInTimeFacts, day: date, found: Debt) -> Debt:
    """With the notes that are far above the totals, so on lines of their own.

    Where two kinds are so only together, the total may be one of them, or hold one.
    """
    most = ADDITIVE_RATIO * found.value
    lines = ("debt_notes_noncurrent", "debt_notes_current")
    kinds = [
        each for name in lines if sum_values(each := largest_component(known, name, day)) > most
    ]
    if not kinds:
        whole = largest_component(known, "debt_notes", day, exclude_tag=CREDIT_LINE_TAG)
        kinds = [whole] if sum_values(whole) > most else []
    beside = [fact for each in kinds for fact in each if fact.value > most]
    others = [[fact for fact in each if fact.value <= most] for each in kinds]
    holding = [fact for each in others if sum_values(each) > most for fact in each]
    value = sum_values((*holding, *beside)) if holding else found.value + sum_values(beside)
    if not kinds or _is_beyond_liabilities(known, day, value):
        return found
    basis = "notes that are more than the total" if holding else found.method
    near = [fact.value for each in others for fact in each]
    return Debt(
        value,
        f"{basis} + notes beside it" if beside else basis,
        (*(holding or found.facts), *beside),
        is_lower_bound=bool(near) and not any(is_close(each, found.value) for each in near),
    )


def _is_beyond_liabilities(known: PointInTimeFacts, day: date, value: float) -> bool:
    """Whether so much can't be owed: a figure in it is a slip of the units."""
    liabilities = known.instant("liabilities", day)
    assets, equity = known.instant("assets", day), known.instant("equity", day)
    if liabilities is not None:
        owed = liabilities.value
    elif assets is not None and equity is not None:
        owed = assets.value - equity.value
    else:
        return False
    return value > owed * (1 + TOLERANCE)


@dataclass(frozen=True, slots=True)
class _Totals:
    """What is filed of totals and their parts; `left_out`: what contradicts the others."""

    total: Fact | None
    noncurrent: Fact | None
    portion: Fact | None
    current: Fact | None
    combined: Fact | None
    excluded: tuple[Fact, ...] = ()


def _reconcile_totals(known: PointInTimeFacts, day: date) -> _Totals:
    """No total below a part, no part above a total that includes it."""
    noncurrent, portion = _matching_lines(known, day)
    filed = _Totals(
        total=_preferred_fact(known.instants("debt_long_term", day)),
        noncurrent=noncurrent,
        portion=portion,
        current=known.instant("debt_current", day),
        combined=known.instant("debt_combined", day),
    )
    soon = filed.portion or filed.current
    if filed.noncurrent is None and filed.combined is None and _is_above(soon, filed.total):
        sides = [fact for fact in (filed.total, soon) if fact is not None]
        if not _is_beyond_liabilities(known, day, sum_values(sides)):
            # a current part above it can't be in it: it is the balance sheet's line without it
            filed = replace(filed, total=None, noncurrent=filed.total)
    total, noncurrent, combined = filed.total, filed.noncurrent, filed.combined
    out: list[Fact | None] = []
    if _is_above(total, combined) or _is_above(noncurrent, combined):
        out.append(combined)
        combined = None
    # one that is no more than what is not current leaves the current portion out
    whole = total if noncurrent is None or _is_above(total, noncurrent) else None
    if _is_above(filed.portion, whole) or _is_above(filed.portion, combined):
        out.append(filed.portion)
    if filed.portion not in out and _is_above(filed.portion, filed.current):
        # all that is current can't be less than a part of it; which of the two is the slip?
        sides = [fact for fact in (noncurrent, filed.portion) if fact is not None]
        is_slip = _is_beyond_liabilities(known, day, sum_values(sides))
        out.append(filed.portion if is_slip else filed.current)
    if _is_above(filed.current, combined):
        out.append(filed.current)
    left_out = tuple(fact for fact in out if fact is not None)
    return replace(
        filed,
        portion=None if filed.portion in out else filed.portion,
        current=None if filed.current in out else filed.current,
        combined=combined,
        excluded=left_out,
    )


def _matching_lines(known: PointInTimeFacts, day: date) -> tuple[Fact | None, Fact | None]:
    """What is not current and the current portion, both with leases or both without, if filed."""
    lines = known.instants("debt_noncurrent", day)
    portions = known.instants("debt_long_term_current", day)
    line = _preferred_fact(lines)
    if line is None:
        return None, next(iter(portions), None)
    pairs = [
        (each, portion)
        for each in sorted(lines, key=lambda fact: fact is not line)
        for portion in portions
        if _has_leases(each) == _has_leases(portion) and each.value * ADDITIVE_RATIO >= line.value
    ]
    return pairs[0] if pairs else (line, next(iter(portions), None))


def _preferred_fact(facts: list[Fact]) -> Fact | None:
    """The best tag's, unless with leases it is so much more that the best is but a part of it."""
    if not facts:
        return None
    most = max(facts, key=lambda fact: fact.value)
    return most if most.value > ADDITIVE_RATIO * facts[0].value > 0 else facts[0]


def _has_leases(fact: Fact) -> bool:
    return "CapitalLease" in fact.tag


def _is_above(part: Fact | None, whole: Fact | None) -> bool:
    if part is None or whole is None:
        return False
    return part.value > whole.value and not is_close(part.value, whole.value)


def _debt_from_totals(known: PointInTimeFacts, day: date) -> Debt | None:
    filed = _reconcile_totals(known, day)
    found = _add_totals(known, day, filed)
    if found is None or not filed.excluded:
        return found
    tags = " ".join(sorted(fact.tag for fact in filed.excluded))
    return replace(found, method=f"{found.method}; left out as contradicted: {tags}")


def _add_totals(known: PointInTimeFacts, day: date, filed: _Totals) -> Debt | None:
    total, noncurrent, combined = filed.total, filed.noncurrent, filed.combined
    portion, current = filed.portion, filed.current
    if noncurrent is not None and current is not None:
        later, others = (
            _exclude_if_reclassified(noncurrent, current),
            short_term_borrowings(known, day),
        )
        if sum_values(others) > current.value * (1 + TOLERANCE):
            # less than the short-term borrowings by themselves: the current portion, it seems
            return _sum("noncurrent + current portion", *later, current, *others)
        return _sum("noncurrent + all current", *later, current)
    if noncurrent is not None and portion is not None:
        later = _exclude_if_reclassified(noncurrent, portion)
        other = other_short_term_debt(known, day, portion.value)
        if total is not None and _includes_notes(known, day, total, noncurrent, portion):
            return _sum("long-term debt with its current portion", total, *other)
        return _sum("noncurrent + current portion", *later, portion, *other)
    if combined is not None:
        return _sum("long and short combined", combined)
    if noncurrent is not None and total is not None and not is_close(total.value, noncurrent.value):
        rest = total.value - noncurrent.value
        if rest > 0:
            loans = known.instant("debt_short_term", day)
            # within the current portion, as far as one can see: adding it could count it twice
            if loans is not None and loans.value <= rest + TOLERANCE * total.value:
                return _sum("long-term debt with its current portion", total)
            other = other_short_term_debt(known, day, rest)
            return _sum("long-term debt with its current portion", total, *other)
        return _noncurrent_plus_short_term(known, day, noncurrent)
    if total is not None:
        if current is not None and noncurrent is None and portion is not None:
            # what else falls due soon than the portion that the total has already
            more = current.value - portion.value
            value = fsum((total.value, max(more, 0.0)))
            return Debt(value, "long-term debt + other current", (total, current, portion))
        other = (
            other_short_term_debt(known, day, portion.value)
            if portion
            else short_term_borrowings(known, day)
        )
        return _sum("long-term debt with its current portion", total, *other)
    if noncurrent is not None:
        return _noncurrent_plus_short_term(known, day, noncurrent)
    return None


def _exclude_if_reclassified(noncurrent: Fact, soon: Fact) -> list[Fact]:
    """What is not current, unless a later report of the day has moved all of it to what is."""
    if soon.value_known_since <= noncurrent.filed:
        return [noncurrent]
    before, was = [0.0], soon.superseded
    while was is not None:
        before.append(was.value)
        was = was.superseded
    is_moved = any(is_close(each + noncurrent.value, soon.value) for each in before)
    return [] if is_moved else [noncurrent]


def _noncurrent_plus_short_term(known: PointInTimeFacts, day: date, line: Fact) -> Debt:
    """What is not current, with what falls due soon under names of its own."""
    soon = current_debt(known, day)
    return _sum("noncurrent + short-term" if soon else "noncurrent only", line, *soon)


def _includes_notes(known: PointInTimeFacts, day: date, total: Fact, *lines: Fact) -> bool:
    """Whether a total is what its lines are together with notes on a line of their own."""
    rest = total.value - sum_values(lines)
    notes = [
        fact
        for concept in ("debt_notes", "debt_notes_noncurrent")
        for fact in known.instants(concept, day)
    ]
    return any(fact.value > 0 and is_close(fact.value, rest, total.value) for fact in notes)


def _debt_from_notes(known: PointInTimeFacts, day: date, but: str | None = None) -> Debt | None:
    """From the kinds of debt, where no total is filed: the largest, as one may be in another."""
    notes = largest_component(known, "debt_notes", day, exclude_tag=but)
    later = largest_component(known, "debt_notes_noncurrent", day)
    soon = largest_component(known, "debt_notes_current", day)
    current = known.instant("debt_current", day)
    portion = known.instant("debt_long_term_current", day)
    loans = short_term_borrowings(known, day)
    found = []
    if later and current is not None:
        found.append(_sum("notes, noncurrent + all current", *later, current))
    elif later:
        parts = [*soon, *short_term_debt_excluding_notes(known, day, soon)]
        if portion is not None:
            parts = [portion, *other_short_term_debt(known, day, portion.value)]
        found.append(_sum("notes, noncurrent + current", *later, *parts))
    if notes:
        found.append(_sum("notes", *notes, *drop_same_amount(loans, notes)))
    if not found:
        if not loans or current is not None or portion is not None or soon:
            return None
        # what is long-term may be told by segment, so not here
        return replace(_sum("short-term borrowings only", *loans), is_lower_bound=True)
    # the balance sheet's lines, unless they hold but a part of the notes
    best = found[-1] if found[-1].value > ADDITIVE_RATIO * found[0].value else found[0]
    others = [
        fact
        for concept in ("debt_notes", "debt_notes_noncurrent")
        for fact in known.instants(concept, day)
        if fact.value > 0 and fact.tag != but and fact not in best.facts
    ]
    but_loans = [fact for fact in best.facts if fact not in loans]
    of_best = [sum_values(best.facts), sum_values(but_loans)]
    of_best += [fact.value for fact in best.facts]
    is_least = any(
        all(abs(each.value - part) > CARRYING_TOLERANCE * part for part in of_best)
        for each in others
    )
    return replace(best, is_lower_bound=is_least)


def _sum(basis: str, *facts: Fact) -> Debt:
    return Debt(sum_values(facts), basis, facts)

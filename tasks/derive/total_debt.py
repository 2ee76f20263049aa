"""A company's total debt on a balance-sheet day, nothing counted twice.

`LongTermDebt` includes the current portion by its definition, but some filers leave it out, and
`ShortTermBorrowings` holds the current portion at some and other loans at others. Where several
tags stand side by side, the identities between them say which it is. What falls due soon is no
total by itself, and a figure below zero is a slip that no sum may hold. Nor may a total be below
what it holds: of two that contradict each other so, one is left out, and the basis says which.
"""

from dataclasses import dataclass, replace
from datetime import date
from math import fsum

from tasks.derive.facts import Fact, Knowledge

# totals in different notes are rounded, and differ by unamortised costs
TOLERANCE = 0.005


@dataclass(frozen=True, slots=True)
class Debt:
    """Total debt on one day.

    Attributes:
        value: USD.
        basis: What it is made of, in words.
        facts: The facts behind it.
    """

    value: float
    basis: str
    facts: tuple[Fact, ...]

    @property
    def accessions(self) -> tuple[str, ...]:
        """The filings behind it, in order."""
        return tuple(sorted({fact.accession for fact in self.facts}))


def total_debt(known: Knowledge, day: date) -> Debt | None:
    """What a company owes on a balance-sheet day; None where no total can be made of the facts."""
    if day not in known.remembered:
        known.remembered[day] = _add_up(known, day)
    found: Debt | None = known.remembered[day]
    return found


def _add_up(known: Knowledge, day: date) -> Debt | None:
    found = _of_totals(known, day)
    if found is None or found.value == 0:
        # a line of the balance sheet that is empty, beside debt of a kind of its own
        found = _notes(known, day) or found
    if found is not None and any(fact.value < 0 for fact in found.facts):
        return None
    return found


@dataclass(frozen=True, slots=True)
class _Totals:
    """What is filed of totals and their parts; `left_out`: what contradicts the others."""

    total: Fact | None
    noncurrent: Fact | None
    portion: Fact | None
    current: Fact | None
    combined: Fact | None
    left_out: tuple[Fact, ...] = ()


def _read_totals(known: Knowledge, day: date) -> _Totals:
    """No total below a part, no part above a total that includes it."""
    filed = _Totals(
        total=known.instant("debt_long_term", day),
        noncurrent=known.instant("debt_noncurrent", day),
        portion=known.instant("debt_long_term_current", day),
        current=known.instant("debt_current", day),
        combined=known.instant("debt_combined", day),
    )
    total, noncurrent, combined = filed.total, filed.noncurrent, filed.combined
    out: list[Fact | None] = []
    if _is_above(total, combined) or _is_above(noncurrent, combined):
        out.append(combined)
        combined = None
    # one that is no more than what is not current leaves the current portion out
    whole = total if noncurrent is None or _is_above(total, noncurrent) else None
    if _is_above(filed.portion, whole) or _is_above(filed.portion, combined):
        out.append(filed.portion)
    if _is_above(filed.current, combined):
        out.append(filed.current)
    left_out = tuple(fact for fact in out if fact is not None)
    return replace(
        filed,
        portion=None if filed.portion in out else filed.portion,
        current=None if filed.current in out else filed.current,
        combined=combined,
        left_out=left_out,
    )


def _is_above(part: Fact | None, whole: Fact | None) -> bool:
    if part is None or whole is None:
        return False
    return part.value > whole.value and not _equal(part.value, whole.value)


def _of_totals(known: Knowledge, day: date) -> Debt | None:
    filed = _read_totals(known, day)
    found = _add_totals(known, day, filed)
    if found is None or not filed.left_out:
        return found
    tags = " ".join(sorted(fact.tag for fact in filed.left_out))
    return replace(found, basis=f"{found.basis}; left out as contradicted: {tags}")


def _add_totals(known: Knowledge, day: date, filed: _Totals) -> Debt | None:
    total, noncurrent, combined = filed.total, filed.noncurrent, filed.combined
    portion, current = filed.portion, filed.current
    if noncurrent is not None and current is not None:
        others = _loans(known, day)
        if fsum(fact.value for fact in others) > current.value * (1 + TOLERANCE):
            # less than the short-term borrowings by themselves: the current portion, it seems
            return _sum("noncurrent + current portion", noncurrent, current, *others)
        return _sum("noncurrent + all current", noncurrent, current)
    if noncurrent is not None and portion is not None:
        other = _other_loans(known, day, portion)
        return _sum("noncurrent + current portion", noncurrent, portion, *other)
    if combined is not None:
        return _sum("long and short combined", combined)
    if noncurrent is not None and total is not None and not _equal(total.value, noncurrent.value):
        rest = total.value - noncurrent.value
        if rest > 0:
            loans = known.instant("debt_short_term", day)
            # within the current portion, as far as one can see: adding it could count it twice
            if loans is not None and loans.value <= rest + TOLERANCE * total.value:
                return _sum("long-term debt with its current portion", total)
            return _sum("long-term debt with its current portion", total, *_loans(known, day))
        return _sum("noncurrent only", noncurrent, *_loans(known, day))
    if total is not None:
        if current is not None and noncurrent is None and portion is not None:
            # what else falls due soon than the portion that the total has already
            more = current.value - portion.value
            value = fsum((total.value, max(more, 0.0)))
            return Debt(value, "long-term debt + other current", (total, current, portion))
        other = _other_loans(known, day, portion) if portion else _loans(known, day)
        return _sum("long-term debt with its current portion", total, *other)
    if noncurrent is not None:
        return _sum("noncurrent only", noncurrent, *_loans(known, day))
    return None


def _notes(known: Knowledge, day: date) -> Debt | None:
    """From the kinds of debt, where no total is filed: the largest, as one may be in another."""
    notes = _largest(known, "debt_notes", day)
    later = _largest(known, "debt_notes_noncurrent", day)
    soon = _largest(known, "debt_notes_current", day)
    current = known.instant("debt_current", day)
    portion = known.instant("debt_long_term_current", day)
    loans = _loans(known, day)
    if later is not None and current is not None:
        return _sum("notes, noncurrent + all current", later, current)
    if later is not None:
        parts = [fact for fact in (later, portion or soon) if fact is not None]
        return _sum("notes, noncurrent + current", *parts, *loans)
    if notes is not None:
        return _sum("notes", notes, *loans)
    if loans and current is None and portion is None:
        return _sum("short-term borrowings only", *loans)
    return None


def _largest(known: Knowledge, concept: str, day: date) -> Fact | None:
    return max(known.instants(concept, day), key=lambda fact: fact.value, default=None)


def _loans(known: Knowledge, day: date) -> list[Fact]:
    """Short-term borrowings beside long-term debt: their total, else its kinds."""
    total = known.instant("debt_short_term", day)
    kinds = [
        known.instant(concept, day)
        for concept in ("debt_commercial_paper", "debt_other_short_term")
    ]
    found = [fact for fact in kinds if fact is not None]
    # a total that is less than one of its kinds is not their total
    if total is not None and all(fact.value <= total.value for fact in found):
        return [total]
    return found if total is None else [total, *found]


def _other_loans(known: Knowledge, day: date, portion: Fact) -> list[Fact]:
    """Short-term borrowings beside the current portion; one of the same size is the same debt."""
    loans = _loans(known, day)
    if len(loans) == 1 and portion.value and _equal(loans[0].value, portion.value):
        return []
    return loans


def _equal(one: float, other: float, of: float = 0.0) -> bool:
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), abs(of))


def _sum(basis: str, *facts: Fact) -> Debt:
    return Debt(fsum(fact.value for fact in facts), basis, facts)

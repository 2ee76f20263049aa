"""Whether `LongTermDebt` is a total with the current portion, or the noncurrent column alone.

By definition it is the total. Some filers tag the noncurrent line of the balance sheet with it,
beside a current line. The newest earlier day with evidence decides: the maturity schedule, a
noncurrent line under its own tag, or debt that moved from the one line to the other.
"""

from datetime import date
from enum import Enum
from functools import cache
from itertools import pairwise
from math import fsum

from tasks.derive.debt.day_cache import cached_by_balance_date
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import ANNUAL_FORMS, Fact, PointInTimeFacts

LADDERS = ("ladder_fiscal_", "ladder_rolling_", "ladder_with_leases_")
# a schedule states principal, a balance sheet the carrying amount
LADDER_TOLERANCE = 0.1
# a smaller current line does not tell the two readings apart
LEAST_CURRENT_SHARE = 0.03
SAME_DEBT_TOLERANCE = 0.01
# of long-term debt, between two balance sheets
MOVED_SHARE = 0.05
CURRENT_CONCEPTS = ("debt_long_term_current", "debt_current")


class Reading(Enum):
    """What long-term debt includes."""

    TOTAL = "total"
    TOTAL_BESIDE_CURRENT = "total, and current debt is more than its first year"
    NONCURRENT = "noncurrent"
    UNKNOWN = "unknown"


@cache
def _buckets(prefix: str) -> tuple[str, ...]:
    """Return the concepts of the buckets of a family."""
    return tuple(name for name in concepts() if name.startswith(prefix))


@cached_by_balance_date
def _ladder(known: PointInTimeFacts, day: date) -> dict[str, Fact]:
    """Return the buckets of the first family that has its first two years."""
    for prefix in LADDERS:
        if all(known.instant(f"{prefix}{name}", day) for name in ("year_1", "year_2")):
            return {
                name.removeprefix(prefix): fact
                for name in _buckets(prefix)
                if (fact := known.instant(name, day)) is not None
            }
    return {}


def ladder_total(known: PointInTimeFacts, day: date) -> float | None:
    """Return the principal of a maturity schedule of a day.

    Buckets may be missing: their debt makes it equal to no other figure.
    """
    filed = _ladder(known, day)
    return fsum(fact.value for fact in filed.values()) if filed else None


def ladder_first_year(known: PointInTimeFacts, day: date) -> float | None:
    """Return the principal due within a year of an annual report; others may count otherwise."""
    first = _ladder(known, day).get("year_1")
    return first.value if first is not None and first.form.startswith(ANNUAL_FORMS) else None


def read_long_term_total(known: PointInTimeFacts, day: date) -> Reading:
    """Decide by the newest day with evidence, up to a balance-sheet day.

    Debt that moved between lines counts where no day has a schedule or a noncurrent line.
    """
    days = [each for each in _balance_days(known) if each <= day]
    found = [
        *(_by_lines(known, each) for each in days),
        *(_by_moved_debt(known, before, each) for each, before in pairwise(days)),
    ]
    return next((each for each in found if each is not Reading.UNKNOWN), Reading.UNKNOWN)


def _balance_days(known: PointInTimeFacts) -> list[date]:
    """Return the days with long-term debt and a current line, newest first."""
    days = {end for spans in known.series("debt_long_term") for end in spans}
    return sorted((end for end in days if _current(known, end) is not None), reverse=True)


def _current(known: PointInTimeFacts, day: date) -> float | None:
    facts = (known.instant(concept, day) for concept in CURRENT_CONCEPTS)
    return next((fact.value for fact in facts if fact is not None), None)


@cached_by_balance_date
def _amounts(known: PointInTimeFacts, day: date) -> tuple[float, float]:
    total = known.instant("debt_long_term", day)
    return 0.0 if total is None else total.value, _current(known, day) or 0.0


@cached_by_balance_date
def _by_lines(known: PointInTimeFacts, day: date) -> Reading:
    """Compare with the noncurrent line and the maturity schedule of the same day."""
    total, current = _amounts(known, day)
    if current < LEAST_CURRENT_SHARE * total:
        return Reading.UNKNOWN
    noncurrent, ladder = known.instant("debt_noncurrent", day), ladder_total(known, day)
    if noncurrent is not None:
        candidates, tolerance = (noncurrent.value + current, noncurrent.value), SAME_DEBT_TOLERANCE
        return _closest(candidates, total, tolerance)
    if ladder is not None:
        # the schedule is the total, or the total and the current line together
        found, first = _closest((total, total + current), ladder, LADDER_TOLERANCE), None
        if found is Reading.TOTAL:
            first = ladder_first_year(known, day)
        is_other = first is not None and first < (1 - LADDER_TOLERANCE) * current
        return Reading.TOTAL_BESIDE_CURRENT if is_other else found
    return Reading.UNKNOWN


def _by_moved_debt(known: PointInTimeFacts, before: date, day: date) -> Reading:
    """Compare two days: a noncurrent column falls by what becomes current, a total does not.

    An unchanged amount proves no total: current debt may have grown by commercial paper.
    """
    (total_before, current_before), (total, current) = _amounts(known, before), _amounts(known, day)
    moved = current - current_before
    most = max(total, total_before)
    if moved < MOVED_SHARE * most or abs(total_before - moved - total) > SAME_DEBT_TOLERANCE * most:
        return Reading.UNKNOWN
    return Reading.NONCURRENT


def _closest(candidates: tuple[float, float], value: float, tolerance: float) -> Reading:
    """Return which of the readings total and noncurrent an amount fits."""
    gaps = [abs(each - value) for each in candidates]
    if min(gaps) > tolerance * max(abs(value), *map(abs, candidates)):
        return Reading.UNKNOWN
    return Reading.TOTAL if gaps[0] <= gaps[1] else Reading.NONCURRENT

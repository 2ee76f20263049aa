"""Agreement of two maturity ladders of one filer by calendar period."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import log10

from tasks.derive.debt.ladder_windows import DAY, WEEK, Window

# principal repeats in the next report unless repaid; rounding and issuance costs change it a little
MATCH_TOLERANCE, EXACT_TOLERANCE = 0.02, 0.001

# bucket to USD and its dates
DatedBuckets = Mapping[str, tuple[float, Window]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two ladders agree.

    Attributes:
        digits: Mean number of leading digits, up to 3, in which amounts of the same periods agree.
        matches: Periods whose amounts agree within 2 %.
        exact: Periods whose amounts above 0 agree within 0.1 %.
    """

    digits: float = 0.0
    matches: int = 0
    exact: int = 0


def compare_ladders(here: DatedBuckets, there: DatedBuckets) -> Agreement:
    """Compare the amounts of the periods that both ladders have, open ends included.

    One refinanced bucket changes the mean by its share of the periods, not by its amount.
    """
    pairs = [*_common_periods(here, there)]
    above_zero = [(one, other) for one, other in pairs if one or other]
    digits = [_agreeing_digits(one, other) for one, other in above_zero]
    return Agreement(
        sum(digits) / len(digits) if digits else 0.0,
        sum(is_match(one, other, MATCH_TOLERANCE) for one, other in pairs),
        sum(is_match(one, other, EXACT_TOLERANCE) for one, other in above_zero),
    )


def is_match(one: float, other: float, tolerance: float = MATCH_TOLERANCE) -> bool:
    """Return whether two amounts differ by no more than a share of the larger."""
    return abs(one - other) <= tolerance * max(abs(one), abs(other))


def _agreeing_digits(one: float, other: float) -> float:
    """Return the digits in which two amounts agree: 3 for 0.1 % apart, 1 for 10 %, at least 0."""
    apart = abs(one - other) / max(abs(one), abs(other))
    return max(-log10(max(apart, EXACT_TOLERANCE)), 0.0)


def _common_periods(here: DatedBuckets, there: DatedBuckets) -> Iterable[tuple[float, float]]:
    """Yield both amounts of each period between days at which both ladders have a boundary."""
    others = _boundaries(there)
    common = [cut for cut in _boundaries(here) if any(_is_near(cut, other) for other in others)]
    for first, after in pairwise([*common, None]):
        assert first is not None
        amounts = (_amount_between(each, first, after) for each in (here, there))
        one, other = amounts
        if one is not None and other is not None:
            yield one, other


def _boundaries(ladder: DatedBuckets) -> list[date]:
    """Return the days on which a bucket begins, or begins after another's end, a week apart."""
    windows = [window for _, window in ladder.values()]
    days = sorted(
        {
            *(window.start for window in windows),
            *(window.end + DAY for window in windows if window.end is not None),
        }
    )
    kept: list[date] = []
    for day in days:
        if not kept or not _is_near(day, kept[-1]):
            kept.append(day)
    return kept


def _amount_between(ladder: DatedBuckets, first: date, after: date | None) -> float | None:
    """Return the amount of the buckets from a day to another; None if they leave a part out."""
    parts = sorted(
        (
            (window, amount)
            for amount, window in ladder.values()
            if window.start >= first - WEEK * DAY
            and (after is None or window.start < after - WEEK * DAY)
        ),
        key=lambda part: part[0].start,
    )
    total, reached = 0.0, first
    for window, amount in parts:
        if not _is_near(window.start, reached):
            return None
        total += amount
        if window.end is None:
            return total if after is None else None
        reached = window.end + DAY
    return total if after is not None and parts and _is_near(reached, after) else None


def _is_near(one: date, other: date) -> bool:
    return abs((one - other).days) <= WEEK

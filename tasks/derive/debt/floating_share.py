"""Floating-rate share of debt: as disclosed, and as implied by interest and the policy rate."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum

from tasks.derive.debt.interest import quarterly_interest
from tasks.derive.debt.rates import Rates
from tasks.derive.debt.total_debt import total_debt
from tasks.derive.xbrl.facts import PointInTimeFacts
from tasks.derive.xbrl.periods import DAY

QUARTERS, MIN_QUARTERS = 12, 8
# shares disclosed twice differ by rounding to whole percents and by issuance costs
SHARE_TOLERANCE = 0.05
MAX_AGE = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class FloatingRegression:
    """The slope of the quarterly effective rate on the quarter's mean policy rate.

    Attributes:
        share: The slope, clipped to [0, 1].
        r2: The squared correlation.
        quarters: Number of quarters used.
    """

    share: float
    r2: float
    quarters: int


def implied_share(
    known: PointInTimeFacts, end: date, rates: Rates, day: date
) -> FloatingRegression | None:
    """Estimate the floating-rate share from up to 12 quarters; None under 8."""
    quarters = quarterly_interest(known, end, QUARTERS, MIN_QUARTERS)
    if len(quarters) < MIN_QUARTERS:
        return None
    points = []
    for part in quarters:
        policy = rates.mean_policy_rate(part.start, part.end, day)
        if policy is None:
            continue
        before, after = total_debt(known, part.start - DAY), total_debt(known, part.end)
        if before is None or after is None:
            continue
        if before.is_lower_bound or after.is_lower_bound:
            continue
        average = (before.value + after.value) / 2
        if average > 0:
            points.append((policy, part.value * 365 / part.days / average))
    if len(points) < MIN_QUARTERS:
        return None
    x_mean = fsum(x for x, _ in points) / len(points)
    y_mean = fsum(y for _, y in points) / len(points)
    covariance = fsum((x - x_mean) * (y - y_mean) for x, y in points)
    x_square = fsum((x - x_mean) ** 2 for x, _ in points)
    y_square = fsum((y - y_mean) ** 2 for _, y in points)
    # a constant policy rate has no slope; the sum is not exactly 0, by rounding
    if x_square < 1e-12 * len(points):
        return None
    share = min(max(covariance / x_square, 0.0), 1.0)
    r2 = min(covariance**2 / (x_square * y_square), 1.0) if y_square > 0 else 0.0
    return FloatingRegression(share, r2, len(points))


def disclosed_share(known: PointInTimeFacts, end: date) -> float | None:
    """Return the disclosed variable-rate share of debt, where a second figure confirms it.

    Some filers state a rate under the tag of the share, so a share alone does not count.
    """
    newest = known.newest_instant("variable_rate_share", end)
    amount = known.newest_instant("variable_rate_amount", end)
    days = [fact.end for fact in (newest, amount) if fact is not None]
    if not days or max(days) < end - MAX_AGE:
        return None
    day = max(days)
    variable = known.instant("variable_rate_share", day)
    fixed = known.instant("fixed_rate_share", day)
    of_amounts = _share_of_amounts(known, day)
    if variable is not None and 0 <= variable.value <= 1:
        if of_amounts is not None and abs(variable.value - of_amounts) <= SHARE_TOLERANCE:
            return variable.value
        if fixed is not None and abs(variable.value + fixed.value - 1) <= SHARE_TOLERANCE:
            return variable.value
        return None
    return of_amounts if variable is None else None


def _share_of_amounts(known: PointInTimeFacts, day: date) -> float | None:
    variable = known.instant("variable_rate_amount", day)
    fixed = known.instant("fixed_rate_amount", day)
    if variable is None or variable.value < 0:
        return None
    if fixed is not None and fixed.value >= 0 and variable.value + fixed.value > 0:
        return variable.value / (variable.value + fixed.value)
    debt = total_debt(known, day)
    if debt is not None and 0 < debt.value >= variable.value and not debt.is_lower_bound:
        return variable.value / debt.value
    return None

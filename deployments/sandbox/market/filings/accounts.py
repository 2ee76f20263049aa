"""The true quarterly accounts of a debtor: debt, interest, earnings and cash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.filings.calendar import Period
from deployments.sandbox.market.filings.debt_lines import has_short_term
from deployments.sandbox.market.filings.debtors import Debtor
from deployments.sandbox.market.sessions import Days

Values = NDArray[np.float64]

#: Amounts are in thousands of USD, as in filings.
UNIT = 1_000.0
_YEAR_DAYS = 365.0
_INTEREST_NOISE = 0.004
_TAX = 0.21

#: Yearly coverage (EBIT over interest), lowest and highest, by years before the newest reported
#: year: the first pair holds for it and for the ones since, the last for all the older ones.
_COVERAGE = {
    "healthy": ((2.0, 9.0),),
    "zombie": ((0.1, 0.85),),
    "unprofitable": ((-3.0, -0.5), (-3.0, -0.5), (1.5, 4.0)),
    "recovering": ((1.6, 2.5), (0.2, 0.8), (0.2, 0.8), (0.2, 0.8), (1.5, 3.0)),
}


@dataclass(frozen=True)
class Accounts:
    """One element per quarter in every field, in USD; flows are those of the quarter.

    Attributes:
        periods: the quarters.
        total_debt, short_term: all debt at the quarter's end, and the part outside the ladder.
        interest: interest expense; of a financial company its cost of funds.
        paid: interest paid.
        ebit, pretax, net_income, revenue: as named.
        cash: at the quarter's end.
        dff_pct: mean federal funds rate over the quarter's days, percent.
    """

    periods: list[Period]
    total_debt: Values
    short_term: Values
    interest: Values
    paid: Values
    ebit: Values
    pretax: Values
    net_income: Values
    revenue: Values
    cash: Values
    dff_pct: Values

    def over_year(self, flow: Values, at: int) -> float | None:
        """Return the sum of a flow over four quarters; None if one is missing."""
        return float(flow[at - 3 : at + 1].sum()) if at >= 3 else None

    def years_below_one(self, at: int) -> int:
        """Return the consecutive fiscal years with EBIT < interest, up to the newest."""
        last = at - self.periods[at].quarter % 4
        count = 0
        while last >= 3:
            interest = self.interest[last - 3 : last + 1].sum()
            if not interest or self.ebit[last - 3 : last + 1].sum() >= interest:
                break
            count, last = count + 1, last - 4
        return count


class FundsRate:
    """The federal funds rate of a tape, with means over periods."""

    def __init__(self, days: Days, percent: Values) -> None:
        """Store the rate of consecutive days, in percent."""
        self._first: date = days[0].item()
        self._total = np.concatenate([[0.0], np.cumsum(percent)])

    def mean(self, start: date, end: date) -> float:
        """Return the mean of the available days from `start` to `end`, percent."""
        low, high = (start - self._first).days, (end - self._first).days + 1
        low, high = max(low, 0), min(high, len(self._total) - 1)
        return float((self._total[high] - self._total[low]) / (high - low))


def draw_accounts(
    debtor: Debtor,
    market_value: float,
    is_burning: bool,
    periods: list[Period],
    newest: int,
    funds: FundsRate,
    rng: np.random.Generator,
) -> Accounts:
    """Draw the accounts of one company.

    Args:
        debtor: the company.
        market_value: at its listing, USD; gives its size.
        is_burning: whether it earns nothing yet.
        periods: its quarters.
        newest: the newest fiscal year that it has reported.
        funds: the rate that floating debt follows.
        rng: source of the draws.

    Returns:
        The accounts. A quarter's interest is the mean of the debt at its two ends, times the
        debtor's rate for the share of the year, within the noise.
    """
    count = len(periods)
    level = debtor.debt_usd * np.exp(np.cumsum(rng.normal(0.004, 0.02, count + 1)))
    level = np.round(level / UNIT) * UNIT
    debt = level[1:]
    share = rng.uniform(0.05, 0.15) if has_short_term(debtor.debt_tags) else 0.0
    dff = np.array([funds.mean(each.start, each.end) for each in periods])
    floating = debtor.floating_share
    rate = (1 - floating) * debtor.fixed_rate + floating * (dff / 100 + debtor.spread)
    part = np.array([each.days for each in periods]) / _YEAR_DAYS
    noise = 1 + _INTEREST_NOISE * rng.standard_normal(count)
    interest = (level[:-1] + level[1:]) / 2 * rate * part * noise
    if debtor.is_financial:
        # Banks pay depositors too, which is most of the interest.
        interest += 5 * market_value * (0.001 + 0.5 * dff / 100) * part
    paid = interest * (1 + 0.02 * rng.standard_normal(count))
    revenue = market_value * rng.uniform(0.3, 1.1) / 4 * (1 + 0.05 * rng.standard_normal(count))
    if debtor.debt_usd and not debtor.is_financial:
        ebit = interest * _coverage(debtor.earnings, periods, newest, rng)
    else:
        margin = -0.3 if is_burning else rng.uniform(0.08, 0.25)
        ebit = np.abs(revenue) * margin * (1 + 0.1 * rng.standard_normal(count))
        ebit += interest if debtor.is_financial else 0.0
    interest, ebit = _whole(interest), _whole(ebit)
    pretax = ebit - interest
    cash = market_value * rng.uniform(0.02, 0.2)
    return Accounts(
        periods=periods,
        total_debt=debt,
        short_term=_whole(share * debt),
        interest=interest,
        paid=_whole(paid),
        ebit=ebit,
        pretax=pretax,
        net_income=_whole(np.where(pretax > 0, (1 - _TAX) * pretax, pretax)),
        revenue=_whole(revenue),
        cash=_whole(cash * np.exp(np.cumsum(rng.normal(0, 0.08, count)))),
        dff_pct=dff,
    )


def _coverage(
    earnings: str, periods: list[Period], newest: int, rng: np.random.Generator
) -> Values:
    """Return the interest coverage of each quarter, near the level of its year."""
    bounds = _COVERAGE[earnings]
    yearly = {}
    for year in range(periods[0].year, periods[-1].year + 1):
        low, high = bounds[min(max(newest - year, 0), len(bounds) - 1)]
        yearly[year] = rng.uniform(low, high)
    noise = 1 + 0.04 * rng.standard_normal(len(periods))
    return np.array([yearly[each.year] for each in periods]) * noise


def _whole(value: Values) -> Values:
    rounded: Values = np.round(value / UNIT) * UNIT
    return rounded

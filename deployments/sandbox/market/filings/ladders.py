"""Maturities of a debtor's debt, and the maturity tables in its filings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from deployments.sandbox.market.filings.accounts import UNIT
from deployments.sandbox.market.filings.calendar import Period, years_after
from deployments.sandbox.market.filings.debtors import Debtor

_LONG_TERM = "LongTermDebtMaturitiesRepaymentsOfPrincipalIn"
_LEASES = "LongTermDebtAndCapitalLeaseObligations"
YEARS = ("Two", "Three", "Four", "Five")

#: The tag of each bucket, by family.
TAGS = {
    "fiscal": {
        "remainder": "LongTermDebtMaturitiesRepaymentsOfPrincipalRemainderOfFiscalYear",
        "year_1": f"{_LONG_TERM}NextTwelveMonths",
        **{f"year_{at}": f"{_LONG_TERM}Year{name}" for at, name in enumerate(YEARS, start=2)},
        "after_5": "LongTermDebtMaturitiesRepaymentsOfPrincipalAfterYearFive",
    },
    "rolling": {
        "year_1": f"{_LONG_TERM}NextRollingTwelveMonths",
        **{f"year_{at}": f"{_LONG_TERM}RollingYear{name}" for at, name in enumerate(YEARS, 2)},
        "after_5": f"{_LONG_TERM}RollingAfterYearFive",
    },
    "with_leases": {
        "year_1": f"{_LEASES}RepaymentsOfPrincipalInNextTwelveMonths",
        **{
            f"year_{at}": f"{_LEASES}MaturitiesRepaymentsOfPrincipalInYear{name}"
            for at, name in enumerate(YEARS, start=2)
        },
        "after_5": f"{_LEASES}MaturitiesRepaymentsOfPrincipalAfterYearFive",
    },
}
_STALE_YEARS = 3

#: What the first version of an amended report has of its largest figure.
_MISTAKE = 0.6
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bucket:
    """Amount due in one window of a maturity table.

    Attributes:
        name: year_1 to year_5, after_5 or remainder, after the tag.
        amount: truly owed, USD.
        filed: as the filing has it; None where the filing leaves it out.
        start, end: first and last day of the window; no end for after_5.
    """

    name: str
    amount: float
    filed: float | None
    start: date
    end: date | None


class Maturities:
    """The tranches of one company's long-term debt; each is refinanced as it falls due."""

    def __init__(self, since: date, rng: np.random.Generator) -> None:
        """Draw the tranches outstanding on a day."""
        count = int(rng.integers(5, 10))
        self._weights = rng.dirichlet(np.full(count, 2.0))
        self._due = np.sort(since.toordinal() + rng.integers(120, 9 * 365, count))
        self._terms = rng.integers(3 * 365, 9 * 365, (count, 8))
        self._renewed = np.zeros(count, dtype=np.int64)

    def owed(self, day: date, total: float) -> list[tuple[date, float]]:
        """Return due dates and amounts that sum to `total`; call in ascending day order."""
        for at in range(len(self._due)):
            while self._due[at] <= day.toordinal():
                self._due[at] += self._terms[at, self._renewed[at] % self._terms.shape[1]]
                self._renewed[at] += 1
        amounts = np.round(self._weights * total / UNIT) * UNIT
        # The largest tranche takes the rounding remainder of the others.
        amounts[np.argmax(self._weights)] += total - amounts.sum()
        days = [date.fromordinal(int(due)) for due in self._due]
        return list(zip(days, amounts.tolist(), strict=True))


def due_within(owed: list[tuple[date, float]], day: date, years: int) -> float:
    """Return the amount due within a number of years of a day."""
    limit = years_after(day, years)
    return sum(amount for due, amount in owed if due <= limit)


def family_of(debtor: Debtor) -> str:
    """Return the tag family of a debtor's ladders."""
    return debtor.ladder if debtor.ladder in ("rolling", "with_leases") else "fiscal"


def build_maturity_table(
    debtor: Debtor,
    period: Period,
    newest_year: int,
    owed: list[tuple[date, float]],
    *,
    is_wrong: bool,
) -> list[Bucket]:
    """Build the maturity table at the end of a quarter.

    Args:
        debtor: whose it is.
        period: the quarter.
        newest_year: newest fiscal year on the tape; old habits are counted back from it.
        owed: due dates and amounts.
        is_wrong: whether an amendment will correct the largest figure.

    Returns:
        The buckets, with what the filing has of each. None where no table is due: yearly
        reports have one, quarterly ones only of companies that keep one up.
    """
    yearly = period.quarter == 4
    if not yearly and debtor.ladder not in ("rolling", "remainder", "remainder_next"):
        return []
    start = period.end
    if yearly or debtor.ladder == "rolling":
        names = [f"year_{at}" for at in range(1, 6)]
        ends = [years_after(start, at) for at in range(1, 6)]
    else:
        # Some call the next fiscal year the second one, and some the next twelve months.
        first = 2 if debtor.ladder == "remainder" else 1
        names = ["remainder", *(f"year_{at}" for at in range(first, first + 4))]
        ends = [years_after(period.year_end, at) for at in range(5)]
    buckets = []
    for name, end in [*zip(names, ends, strict=True), ("after_5", None)]:
        amount = sum(due_usd for due, due_usd in owed if start < due <= (end or date.max))
        filed = _as_filed(debtor, period, newest_year, name, amount, owed)
        buckets.append(Bucket(name, amount, filed, start + _DAY, end))
        start = end or start
    if is_wrong:
        largest = max(range(len(buckets)), key=lambda at: buckets[at].filed or 0.0)
        mistaken = round((buckets[largest].filed or 0.0) * _MISTAKE, -3)
        buckets[largest] = replace(buckets[largest], filed=mistaken)
    return buckets


def _as_filed(
    debtor: Debtor,
    period: Period,
    newest_year: int,
    name: str,
    amount: float,
    owed: list[tuple[date, float]],
) -> float | None:
    if debtor.ladder == "none" or (debtor.ladder == "partial" and name == "after_5"):
        return None
    if debtor.ladder == "stale" and period.year > newest_year - _STALE_YEARS:
        return None
    if debtor.ladder == "remainder_next" and name == "after_5" and period.quarter < 4:
        return None
    if debtor.ladder == "overstated" and name == "year_2":
        # One figure is in units where the others are in thousands.
        return max(amount, sum(usd for _, usd in owed) / 10) * 1_000
    return amount

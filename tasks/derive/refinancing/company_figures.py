"""Figures of a company by quarter-end that valuation and zombie_status need of its filings.

They are stored with the company's rows of company_refinancing, so that its facts are read once.
"""

from datetime import date
from math import fsum
from typing import Any

import polars as pl

from tasks.derive.debt.interest import (
    INTEREST_CONCEPTS,
    annual_ebit,
    annual_interest,
    latest_fiscal_year,
)
from tasks.derive.refinancing import share_count
from tasks.derive.xbrl.basis import is_one_company
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import DAY, PeriodAmount, fiscal_year, trailing_twelve_months

TABLE_NAME = "derived.company_figures"
YEARS = 3
EBIT_BELOW_INTEREST = tuple(f"is_ebit_below_interest_{n}" for n in range(1, YEARS + 1))
SCHEMA = pl.Schema(
    {"cik": pl.Int32(), "as_of_date": pl.Date(), "first_filed_date": pl.Date()}
    | dict.fromkeys(("assets_usd", "liabilities_usd", "revenue_ttm_usd"), pl.Float64())
    | share_count.COLUMNS
    | dict.fromkeys(EBIT_BELOW_INTEREST, pl.Boolean())
    | dict.fromkeys(("ebitda_less_interest_3y_usd", "revenue_change_3y_usd"), pl.Float64())
)


def company_figures(known: PointInTimeFacts, period_end: date, day: date) -> dict[str, Any]:
    """Return the figures of one company on a day.

    Args:
        known: Its facts as known on the day.
        period_end: The period end of its newest report.
        day: The quarter-end.
    """
    revenue = trailing_twelve_months(known.series("revenue"), period_end)
    return {
        "revenue_ttm_usd": None if revenue is None else revenue.value,
        **share_count.read_shares(known, day),
        **read_balance(known, period_end),
        **read_years(known, period_end),
    }


def read_years(known: PointInTimeFacts, period_end: date) -> dict[str, Any]:
    """Return the columns on the last fiscal years of one company."""
    end = latest_fiscal_year(known, ("net_income", "revenue", *INTEREST_CONCEPTS), period_end)
    is_below, cushions, sales = (
        list[bool | None](),
        list[float | None](),
        list[PeriodAmount | None](),
    )
    facts = list[Fact]()
    while end is not None and len(sales) <= YEARS:
        interest = annual_interest(known, end)
        ebit = annual_ebit(known, end)
        depreciation = fiscal_year(known.series("depreciation_amortization"), end)
        revenue = fiscal_year(known.series("revenue"), end)
        year = revenue or interest or fiscal_year(known.series("net_income"), end)
        facts += [] if year is None else year.facts
        if not is_one_company(facts, known.company):
            break
        both = interest is not None and ebit is not None
        is_below.append(
            ebit.value < interest.value and interest.value > 0
            if interest is not None and ebit is not None
            else None
        )
        cushions.append(
            ebit.value + depreciation.value - interest.value
            if both and interest is not None and ebit is not None and depreciation is not None
            else None
        )
        sales.append(revenue)
        end = None if year is None else year.start - DAY
    last_three = [value for value in cushions[:YEARS] if value is not None]
    first, last = (sales[0], sales[YEARS]) if len(sales) > YEARS else (None, None)
    return {
        **dict.fromkeys(EBIT_BELOW_INTEREST),
        **dict(zip(EBIT_BELOW_INTEREST, is_below, strict=False)),
        "ebitda_less_interest_3y_usd": fsum(last_three) if len(last_three) == YEARS else None,
        "revenue_change_3y_usd": first.value - last.value
        if first is not None and last is not None
        else None,
    }


def read_balance(known: PointInTimeFacts, end: date) -> dict[str, float | None]:
    """Return assets, where above 0, and liabilities on a balance-sheet day.

    Liabilities that are not filed as a total are assets less equity.
    """
    assets = known.instant("assets", end)
    owed = known.instant("liabilities", end)
    equity = known.instant("equity", end)
    liabilities = None if owed is None else owed.value
    if liabilities is None and assets is not None and equity is not None:
        liabilities = assets.value - equity.value
    return {
        "assets_usd": assets.value if assets is not None and assets.value > 0 else None,
        "liabilities_usd": liabilities,
    }

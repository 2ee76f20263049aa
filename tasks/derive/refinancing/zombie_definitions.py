"""Published definitions of zombie companies, tested against a company's profile."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import fsum
from statistics import median
from typing import Any

from tasks.derive.debt.interest import (
    INTEREST_CONCEPTS,
    annual_ebit,
    annual_interest,
    latest_fiscal_year,
)
from tasks.derive.debt.total_debt import total_debt
from tasks.derive.refinancing.company_row import FINANCIALS
from tasks.derive.xbrl.basis import is_one_company
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import DAY, PeriodAmount, fiscal_year

YEARS = 3
AGE_YEARS = 10
# a median of fewer says nothing about a sector
MIN_PEERS = 5

TestResult = tuple[bool | None, str | None]


@dataclass(frozen=True, slots=True)
class CompanyProfile:
    """Inputs of the definitions for a company on a day; None where unknown.

    Attributes:
        sector: Its sector.
        index_code: The index whose members its return is measured against.
        ebit_below_interest: EBIT below interest, by fiscal year, the newest first.
        ebitda_less_interest_3y: EBITDA less interest of the last three fiscal years, USD.
        age_years: Years since its first filing.
        leverage: Debt over assets.
        sales_change: Revenue of the last fiscal year less that of three years before, USD.
        tobins_q: Market value of the shares plus liabilities, over assets.
        total_return: Gross total return over two years.
        net_income: Of the last four quarters, USD.
    """

    sector: str | None
    index_code: str | None
    ebit_below_interest: tuple[bool | None, ...]
    ebitda_less_interest_3y: float | None
    age_years: float | None
    leverage: float | None
    sales_change: float | None
    tobins_q: float | None
    total_return: float | None
    net_income: float | None


def read_years(known: PointInTimeFacts, period_end: date) -> dict[str, Any]:
    """Return the fields of `CompanyProfile` of the last fiscal years of one company."""
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
        "ebit_below_interest": tuple(is_below[:YEARS]),
        "ebitda_less_interest_3y": fsum(last_three) if len(last_three) == YEARS else None,
        "sales_change": first.value - last.value
        if first is not None and last is not None
        else None,
    }


def read_balance(known: PointInTimeFacts, end: date) -> dict[str, float | None]:
    """Return leverage (debt over assets), assets and liabilities on a balance-sheet day.

    Liabilities that are not filed as a total are assets less equity.
    """
    assets = known.instant("assets", end)
    debt = total_debt(known, end)
    if debt is not None and debt.is_lower_bound:
        debt = None
    owed = known.instant("liabilities", end)
    equity = known.instant("equity", end)
    liabilities = None if owed is None else owed.value
    if liabilities is None and assets is not None and equity is not None:
        liabilities = assets.value - equity.value
    has_assets = assets is not None and assets.value > 0
    return {
        "leverage": debt.value / assets.value if has_assets and assets and debt else None,
        "assets": assets.value if has_assets and assets else None,
        "liabilities": liabilities,
    }


def classify(
    profiles: Mapping[int, CompanyProfile],
) -> Iterable[tuple[int, str, bool | None, str | None]]:
    """Yield company, definition, result and reason, for every company but Financials."""
    peers = {cik: each for cik, each in profiles.items() if each.sector != FINANCIALS}
    leverage = _median_or_none(each.leverage for each in peers.values())
    q = _medians(peers, lambda each: each.sector, lambda each: each.tobins_q)
    returns = _medians(peers, lambda each: each.index_code, lambda each: each.total_return)
    for cik, each in peers.items():
        three, two, one = (_ebit_below_interest(each, years) for years in (3, 2, 1))
        aged = _test_if_known(
            each.age_years, lambda age: age >= AGE_YEARS, "the day of its first filing"
        )
        old = _all_of(three, aged)
        cheap = _compare(each.tobins_q, q.get(each.sector), "Tobin's q", is_above=False)
        indebted = _compare(each.leverage, leverage, "debt over assets", is_above=True)
        shrinking = _test_if_known(
            each.sales_change, lambda x: x < 0, "revenue of three years apart"
        )
        lagging = _compare(
            each.total_return, returns.get(each.index_code), "two years' return", is_above=False
        )
        drained = _test_if_known(
            each.ebitda_less_interest_3y, lambda x: x < 0, "EBITDA or interest of three years"
        )
        losing = _test_if_known(each.net_income, lambda x: x < 0, "net income of four quarters")
        results = {
            "coverage_3y": three,
            "coverage_3y_age_10": old,
            "bis_tobins_q": _all_of(old, cheap),
            "fed_leverage_sales": _all_of(one, indebted, shrinking),
            "goldman_coverage_return": _all_of(two, lagging),
            "de_jonghe_ebitda": drained,
            "unprofitable": losing,
        }
        for definition, (result, reason) in results.items():
            yield cik, definition, result, reason


def _ebit_below_interest(each: CompanyProfile, years: int) -> TestResult:
    """Return whether EBIT was below interest in each of the last years; one above decides."""
    results = each.ebit_below_interest[:years]
    if False in results:
        return False, None
    if len(results) < years or None in results:
        return None, f"EBIT or interest of {years} fiscal years"
    return True, None


def _test_if_known(value: float | None, test: Callable[[float], bool], name: str) -> TestResult:
    return (None, name) if value is None else (test(value), None)


def _compare(value: float | None, middle: float | None, name: str, *, is_above: bool) -> TestResult:
    if value is None:
        return None, name
    if middle is None:
        return None, f"the median of {name}: fewer than {MIN_PEERS} peers"
    return (value > middle if is_above else value < middle), None


def _all_of(*parts: TestResult) -> TestResult:
    """Combine tests: one known to be false decides, even where others are unknown."""
    if any(result is False for result, _ in parts):
        return False, None
    missing = [reason for result, reason in parts if result is None and reason is not None]
    return (None, "; ".join(missing)) if missing else (True, None)


def _median_or_none(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return median(found) if len(found) >= MIN_PEERS else None


def _medians(
    peers: Mapping[int, CompanyProfile],
    group: Callable[[CompanyProfile], str | None],
    value: Callable[[CompanyProfile], float | None],
) -> dict[str | None, float | None]:
    groups = {group(each) for each in peers.values()} - {None}
    return {
        name: _median_or_none(value(each) for each in peers.values() if group(each) == name)
        for name in groups
    }

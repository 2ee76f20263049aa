"""Published definitions of zombie companies, tested against a company's profile."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from tasks.derive.debt.debt import Confidence
from tasks.derive.refinancing.company_row import FINANCIALS

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


def debt_over_assets(
    total_debt_usd: float | None, confidence: str | None, assets_usd: float | None
) -> float | None:
    """Return debt over assets; None where one is unknown or debt is a lower bound."""
    is_lower_bound = confidence == Confidence.LOWER_BOUND.value
    if total_debt_usd is None or is_lower_bound or assets_usd is None:
        return None
    return total_debt_usd / assets_usd


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

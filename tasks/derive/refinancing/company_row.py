"""Rows of `company_refinancing`: debt, interest and maturities by quarter-end."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tasks.derive.debt.debt import Debt
from tasks.derive.debt.floating_share import (
    FloatingRegression,
    disclosed_share,
    implied_share,
)
from tasks.derive.debt.interest import (
    ZOMBIE_YEARS,
    SourcedValue,
    add_amounts,
    pretax_income,
    trailing_interest,
    years_below_one,
)
from tasks.derive.debt.ladders import Ladder, build_ladders
from tasks.derive.debt.merged_ladders import ladders_as_of
from tasks.derive.debt.rates import Rates
from tasks.derive.debt.short_term import ShortTermDebt, add_short_term
from tasks.derive.debt.total_debt import total_debt
from tasks.derive.refinancing.choose_ladder import choose_ladders, ladder_metrics
from tasks.derive.refinancing.company_figures import company_figures
from tasks.derive.refinancing.missing_reasons import missing_reasons
from tasks.derive.xbrl.basis import has_new_company
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import DAY, MAX_REPORT_AGE, PeriodAmount, trailing_twelve_months

FINANCIALS = "Financials"
REIT_SIC = "6798"


@dataclass(frozen=True, slots=True)
class IndexListing:
    """A company's line in an index on a day."""

    index_code: str | None
    ticker: str | None
    name: str | None
    sector: str | None
    is_backcast: bool
    instrument_id: int | None = None


UNLISTED = IndexListing(None, None, None, None, False)


def is_financial(sector: str | None, sic: str | None) -> bool:
    """Return whether a company is a Financial: by its sector, else by its SIC code.

    The SEC's codes of finance, without real estate trusts, which are a sector of their own.
    """
    if sector is not None or sic is None:
        return sector == FINANCIALS
    return "6000" <= sic <= "6799" and sic != REIT_SIC


def company_rows(
    facts: Iterable[Fact],
    quarter_ends: Sequence[date],
    member_on: Callable[[date], IndexListing],
    rates: Rates,
    fiscal_year_end: str | None = None,
    sic: str | None = None,
) -> list[dict[str, Any]]:
    """Build one row per quarter-end on which a current report of the company was known.

    Each has the columns of `company_refinancing` and of `company_figures`.

    Args:
        facts: All facts of the company.
        quarter_ends: In order; facts known by then are used, nothing later.
        member_on: The company's line in an index on a day.
        rates: DFF and market rates as known.
        fiscal_year_end: MMDD, where known.
        sic: The SEC's code of its industry, for days on which no index lists it.
    """
    facts = list(facts)
    first_filed = min((fact.filed for fact in facts), default=None)
    known = PointInTimeFacts(facts)
    pending, ladders = deque(build_ladders(facts, fiscal_year_end)), list[Ladder]()
    short_term = ShortTermDebt(known)
    unbelieved, rows = known.unbelieved, []
    for day in quarter_ends:
        while pending and pending[0].filing.known_from <= day:
            ladders.append(short_term.add_to(pending.popleft()))
        known.advance_to(day)
        if known.unbelieved != unbelieved:
            unbelieved = known.unbelieved
            believed = [fact for fact in facts if fact.accession not in unbelieved]
            ladders = add_short_term(build_ladders(believed, fiscal_year_end), believed)
            pending.clear()
        end = known.latest_period_end()
        if end is not None and end >= day - MAX_REPORT_AGE:
            member = member_on(day)
            metrics = _filing_metrics(known, end, ladders, day)
            is_lender = is_financial(member.sector, sic)
            implied = None if is_lender else implied_share(known, end, rates, day)
            row = _row(metrics | _implied_columns(implied), day, member, rates, is_lender)
            figures = company_figures(known, end, day) | {"first_filed_date": first_filed}
            rows.append(row | figures)
    return rows


def _filing_metrics(
    known: PointInTimeFacts, end: date, ladders: Sequence[Ladder], day: date
) -> dict[str, Any]:
    """Return the columns that depend on the filings alone."""
    filing = known.latest_filing_for(end)
    assert filing is not None
    debt = total_debt(known, end)
    interest = trailing_interest(known, end)
    pretax = pretax_income(known, end, trailing_twelve_months)
    ebit, basis = _operating_income(known, end, pretax, interest)
    income = trailing_twelve_months(known.series("net_income"), end)
    cash = known.instant("cash", end)
    below = years_below_one(known, end)
    rate = _effective_rate(known, interest, debt, filing)
    metrics: dict[str, Any] = {
        "period_end": end,
        "filed_date": filing.filed,
        "accession_number": filing.accession,
        "total_debt_usd": None if debt is None else debt.value,
        "total_debt_basis": None if debt is None else debt.method,
        "total_debt_confidence": None if debt is None else debt.confidence.value,
        "cash_usd": None if cash is None else cash.value,
        "interest_expense_ttm_usd": None if interest is None else interest.value,
        "interest_tags": None if interest is None else " ".join(interest.tags),
        "pretax_income_ttm_usd": None if pretax is None else pretax.value,
        "ebit_ttm_usd": None if ebit is None else ebit.value,
        "ebit_basis": basis,
        "net_income_ttm_usd": None if income is None else income.value,
        "is_unprofitable": None if income is None else income.value < 0,
        "years_below_one": None if below is None else below.value,
        "floating_share_disclosed": disclosed_share(known, end),
        "effective_rate": None if rate is None else rate.value,
    }
    metrics["sources"] = {
        "total_debt_usd": debt,
        "cash_usd": None if cash is None else SourcedValue(cash.value, (cash.accession,)),
        "interest_expense_ttm_usd": interest,
        "pretax_income_ttm_usd": pretax,
        "ebit_ttm_usd": ebit,
        "net_income_ttm_usd": income,
        "years_below_one": below,
        "effective_rate": rate,
    }
    metrics["missing_reasons"] = missing_reasons(known, end, metrics)
    chosen = choose_ladders(known, ladders_as_of(ladders, day), day)
    return metrics | ladder_metrics(known, chosen, day)


def _implied_columns(implied: FloatingRegression | None) -> dict[str, Any]:
    return {
        "implied_floating_share": None if implied is None else implied.share,
        "implied_floating_r2": None if implied is None else implied.r2,
        "implied_floating_quarters": None if implied is None else implied.quarters,
    }


def _row(
    metrics: dict[str, Any], day: date, member: IndexListing, rates: Rates, is_lender: bool
) -> dict[str, Any]:
    """Add the columns that depend on the day: index listing, coverage, market rate."""
    row = metrics | {
        "as_of_date": day,
        "index_code": member.index_code,
        "ticker": member.ticker,
        "name": member.name,
        "sector": member.sector,
        "is_backcast": member.is_backcast,
        "interest_coverage": None,
        "is_zombie": None,
    }
    interest, ebit = row["interest_expense_ttm_usd"], row["ebit_ttm_usd"]
    if is_lender:
        # their interest is the cost of deposits and funds, not only of debt
        row["years_below_one"] = row["effective_rate"] = None
    else:
        if interest and ebit is not None:
            row["interest_coverage"] = ebit / interest
        if row["years_below_one"] is not None:
            row["is_zombie"] = row["years_below_one"] >= ZOMBIE_YEARS
    market = rates.market_rate(member.index_code, day)
    row["market_rate"], row["market_rate_series"] = market or (None, None)
    row["uplift_usd"] = row["coverage_after_uplift"] = None
    if None not in (row["due_12m_usd"], row["market_rate"], row["effective_rate"]):
        row["uplift_usd"] = row["due_12m_usd"] * (row["market_rate"] - row["effective_rate"])
        if interest and ebit is not None and interest + row["uplift_usd"] > 0:
            row["coverage_after_uplift"] = ebit / (interest + row["uplift_usd"])
    row["sources"] = _format_sources(row)
    return row


def _effective_rate(
    known: PointInTimeFacts, interest: PeriodAmount | None, debt: Debt | None, filing: Fact
) -> SourcedValue | None:
    """Return interest over mean total debt at the start and the end of its twelve months."""
    before = None if interest is None else total_debt(known, interest.start - DAY)
    if interest is None or debt is None or before is None:
        return None
    first = known.latest_filing_for(interest.start - DAY)
    if first is not None and has_new_company(known.company, first.filed, filing.filed):
        return None
    # a lower bound of debt would make the rate too high
    if before.is_lower_bound or debt.is_lower_bound or before.value + debt.value == 0:
        return None
    filings = {*interest.accessions, *before.accessions, *debt.accessions}
    value = interest.value / ((before.value + debt.value) / 2)
    return SourcedValue(value, tuple(sorted(filings)))


def _format_sources(row: dict[str, Any]) -> str | None:
    """List the accession numbers behind each amount."""
    parts = [
        f"{name}: {' '.join(part.accessions)}"
        for name, part in row["sources"].items()
        if row[name] is not None
    ]
    return "; ".join(parts) or None


def _operating_income(
    known: PointInTimeFacts, end: date, pretax: PeriodAmount | None, interest: PeriodAmount | None
) -> tuple[PeriodAmount | None, str | None]:
    """Return EBIT of twelve months and its basis: operating income, else pretax plus interest."""
    direct = trailing_twelve_months(known.series("operating_income"), end)
    if direct is not None:
        return direct, "operating income"
    if pretax is None or interest is None:
        return None, None
    is_paid = set(interest.tags) <= set(concepts()["interest_paid"])
    kind = "interest paid" if is_paid else "interest expense"
    return add_amounts(pretax, interest), f"pretax income + {kind}"

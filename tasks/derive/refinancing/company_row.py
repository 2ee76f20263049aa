"""What refinancing means for one company by quarter-end: debt, interest, what falls due."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tasks.derive.debt.floating_share import disclosed_share, implied_share
from tasks.derive.debt.interest import (
    ZOMBIE_YEARS,
    SourcedValue,
    add_flows,
    pretax_income,
    trailing_interest,
    years_below_one,
)
from tasks.derive.debt.ladder_windows import add_months, due_within
from tasks.derive.debt.ladders import Ladder, LadderAsOf, build_ladders, ladders_as_of
from tasks.derive.debt.rates import Rates
from tasks.derive.debt.total_debt import Debt, total_debt
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tasks.derive.xbrl.periods import DAY, MAX_REPORT_AGE, PeriodAmount, trailing_twelve_months

FINANCIALS = "Financials"
REIT_SIC = "6798"
# carrying amounts are below principal by discounts and costs, and leases may be in one of the two
MAX_LADDER_GAP_PCT = 30
MAX_DEBT_GROWTH_PCT = 900


@dataclass(frozen=True, slots=True)
class IndexListing:
    """Whom an index lists on a day: the company's line in it."""

    index_code: str | None
    ticker: str | None
    name: str | None
    sector: str | None
    is_backcast: bool
    instrument_id: int | None = None


def is_financial(sector: str | None, sic: str | None) -> bool:
    """Whether a company is a Financial: by its sector, else by its industry.

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
    """One row per quarter-end on which a report of the company was known that is not stale.

    Args:
        facts: All facts of the company.
        quarter_ends: In order; what was known by then is used, nothing later.
        member_on: The company's line in an index on a day.
        rates: DFF and market rates as known.
        fiscal_year_end: MMDD, where the company says it.
        sic: The SEC's code of its industry, for days on which no index says its sector.
    """
    facts = list(facts)
    known, ladders = PointInTimeFacts(facts), build_ladders(facts, fiscal_year_end)
    rows = []
    for day in quarter_ends:
        known.advance_to(day)
        end = known.latest_period_end()
        if end is not None and end >= day - MAX_REPORT_AGE:
            found = _filing_metrics(known, end, ladders, rates, day)
            rows.append(_row(found, day, member_on(day), rates, sic))
    return rows


def _filing_metrics(
    known: PointInTimeFacts, end: date, ladders: Sequence[Ladder], rates: Rates, day: date
) -> dict[str, Any]:
    """What follows from the filings alone."""
    filing = known.latest_filing_for(end)
    assert filing is not None
    debt = total_debt(known, end)
    interest = trailing_interest(known, end)
    pretax = pretax_income(known, end, trailing_twelve_months)
    ebit, basis = _operating_income(known, end, pretax, interest)
    income = trailing_twelve_months(known.series("net_income"), end)
    cash = known.instant("cash", end)
    below = years_below_one(known, end)
    rate = _effective_rate(known, interest, debt)
    metrics: dict[str, Any] = {
        "period_end": end,
        "filed_date": filing.filed,
        "accession_number": filing.accession,
        "total_debt_usd": None if debt is None else debt.value,
        "total_debt_basis": None if debt is None else debt.method,
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
    implied = implied_share(known, end, rates, day)
    metrics["implied_floating_share"] = None if implied is None else implied.share
    metrics["implied_floating_r2"] = None if implied is None else implied.r2
    metrics["implied_floating_quarters"] = None if implied is None else implied.quarters
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
    return metrics | _ladder_metrics(
        known, _choose_ladder(known, ladders_as_of(ladders, day), day), day
    )


def _choose_ladder(
    known: PointInTimeFacts, ladders: Iterable[LadderAsOf], day: date
) -> LadderAsOf | None:
    """The newest ladder that is not stale, has no amount below 0 and explains the debt of its day.

    Else the newest that explains less; else the newest. Quarterly ladders often end with the
    fourth year: the annual one before says more then.
    """
    newest = less = None
    for ladder in ladders:
        newest = newest or ladder
        if _is_stale(known, ladder.ladder.period_end, day):
            break
        if _is_negative(ladder):
            continue
        gap = _gap_or_by_last_report(known, ladder)
        if gap is None or abs(gap) <= MAX_LADDER_GAP_PCT:
            return ladder
        if gap < 0 and not _is_unit_error(gap):
            less = less or ladder
    return less or newest


def _gap_or_by_last_report(known: PointInTimeFacts, ladder: LadderAsOf) -> float | None:
    """Or against the debt of the last annual report, where that of the ladder's day is unknown.

    Debt may have grown since then, though hardly to ten times as much.
    """
    gap, report = _gap(known, ladder), known.annual_report
    if gap is not None or report is None or report.end < ladder.ladder.period_end - MAX_REPORT_AGE:
        return gap
    gap = _gap_to(known, report.accession, report.end, ladder)
    return None if gap is not None and MAX_LADDER_GAP_PCT < gap <= MAX_DEBT_GROWTH_PCT else gap


def _is_stale(known: PointInTimeFacts, end: date, day: date) -> bool:
    """Whether a ladder is too old, or a later annual report came without one."""
    report = known.annual_report
    later = report is not None and report.end > end + timedelta(days=300)
    return later or end < day - MAX_REPORT_AGE


def _gap(known: PointInTimeFacts, ladder: LadderAsOf) -> float | None:
    """Percent by which a ladder's total is above the debt of its day."""
    return _gap_to(known, ladder.accession, ladder.ladder.period_end, ladder)


def _gap_to(known: PointInTimeFacts, accession: str, end: date, ladder: LadderAsOf) -> float | None:
    """Against what is owed by all reports, or by one of them alone, whichever is more.

    A later report may state a part of the debt under the same tag, an amendment only a part.
    """
    found = (total_debt(known, end), total_debt(known.facts_of_filing(accession), end))
    debts = [debt for debt in found if debt is not None and debt.value > 0]
    if not debts:
        return None
    owed = max(debts, key=lambda debt: debt.value)
    gap = 100 * (sum(ladder.amounts.values()) / 100 / owed.value - 1)
    # more than the least that is owed is no contradiction
    return None if owed.is_lower_bound and gap > 0 else gap


def _is_unit_error(gap: float) -> bool:
    """Whether a ladder is a thousandth or a millionth of the debt, as near as others are to it."""
    return any(abs((1 + gap / 100) * units - 1) <= MAX_LADDER_GAP_PCT / 100 for units in (1e3, 1e6))


def _is_negative(ladder: LadderAsOf) -> bool:
    """Whether an amount is below 0: a slip of the filer's sign, that no sum may hold."""
    return any(amount < 0 for amount in ladder.amounts.values())


def _ladder_metrics(
    known: PointInTimeFacts, newest: LadderAsOf | None, day: date
) -> dict[str, Any]:
    if newest is None:
        return dict.fromkeys(LADDER_COLUMNS)
    end = newest.ladder.period_end
    stale = _is_stale(known, end, day)
    own, gap = _gap(known, newest), _gap_or_by_last_report(known, newest)
    excessive = _is_negative(newest) or (
        gap is not None and (gap > MAX_LADDER_GAP_PCT or _is_unit_error(gap))
    )
    due = {
        months: None
        if stale or excessive
        else due_within(newest.amounts, newest.windows, end, add_months(end, months))
        for months in (12, 36)
    }
    return {
        "ladder_period_end": end,
        "ladder_family": newest.ladder.family,
        "ladder_accession_number": newest.accession,
        "ladder_total_usd": sum(newest.amounts.values()) / 100,
        "is_ladder_partial": newest.ladder.is_partial,
        "is_ladder_stale": stale,
        "is_ladder_implausible": excessive,
        "ladder_gap_pct": own,
        "due_12m_usd": None if due[12] is None else due[12] / 100,
        "due_36m_usd": None if due[36] is None else due[36] / 100,
    }


LADDER_COLUMNS = (
    "ladder_period_end",
    "ladder_family",
    "ladder_accession_number",
    "ladder_total_usd",
    "is_ladder_partial",
    "is_ladder_stale",
    "is_ladder_implausible",
    "ladder_gap_pct",
    "due_12m_usd",
    "due_36m_usd",
)


def _row(
    found: dict[str, Any], day: date, member: IndexListing, rates: Rates, sic: str | None
) -> dict[str, Any]:
    """What follows from the filings and the day: staleness, sector, market."""
    row = found | {
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
    if is_financial(member.sector, sic):
        # interest is what their funds cost them, not what their debt does
        for name in ("years_below_one", "effective_rate", *IMPLIED):
            row[name] = None
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


IMPLIED = ("implied_floating_share", "implied_floating_r2", "implied_floating_quarters")


def _effective_rate(
    known: PointInTimeFacts, interest: PeriodAmount | None, debt: Debt | None
) -> SourcedValue | None:
    """Interest over the mean of the debt before and after its year."""
    before = None if interest is None else total_debt(known, interest.start - DAY)
    if interest is None or debt is None or before is None:
        return None
    # on the least that is owed interest would seem dearer than it is
    if before.is_lower_bound or debt.is_lower_bound or before.value + debt.value == 0:
        return None
    filings = {*interest.accessions, *before.accessions, *debt.accessions}
    value = interest.value / ((before.value + debt.value) / 2)
    return SourcedValue(value, tuple(sorted(filings)))


def _format_sources(row: dict[str, Any]) -> str | None:
    """What each known amount is made of, in words."""
    parts = [
        f"{name}: {' '.join(part.accessions)}"
        for name, part in row["sources"].items()
        if row[name] is not None
    ]
    return "; ".join(parts) or None


def _operating_income(
    known: PointInTimeFacts, end: date, pretax: PeriodAmount | None, interest: PeriodAmount | None
) -> tuple[PeriodAmount | None, str | None]:
    """EBIT over the last year, and what it is: operating income, else pretax plus interest."""
    direct = trailing_twelve_months(known.series("operating_income"), end)
    if direct is not None:
        return direct, "operating income"
    if pretax is None or interest is None:
        return None, None
    is_paid = set(interest.tags) <= set(concepts()["interest_paid"])
    kind = "interest paid" if is_paid else "interest expense"
    return add_flows(pretax, interest), f"pretax income + {kind}"

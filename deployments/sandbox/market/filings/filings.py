"""Write the companies' SEC filings and their ground truth.

Files as the SEC serves them: ``companyfacts/CIK##########.json.gz``,
``submissions/CIK##########.json.gz`` and ``company_tickers.json.gz``, whose rows carry, besides the
SEC's own fields, ``exchange`` and, where a symbol was not borne throughout, ``first_session`` or
``last_session``. All companies file, those that left the market up to their last session.

Tables of the truth, which no provider serves; amounts in USD, shares and rates as fractions
unless they end in ``_pct``:

``truth_companies_debt.csv``, one row per cik: ticker (the symbol at its end), name, sector,
is_financial, floating_share, fixed_rate, spread, ladder (fiscal, rolling, with_leases, remainder,
remainder_next, partial, stale, overstated, none), is_whole (its yearly ladders hold all of its
long-term debt), debt_tags, interest_tags, earnings, income_tags, calendar, event, disclosure,
is_zombie (as of its last report), first_filed, last_filed, anomalies (all names that
apply, joined by semicolons). ``filings_debtors.Debtor`` says what each word stands for.

``truth_refinancing.csv``, one row per report (cik, accession_number), 10-K/A included and NT 10-K
not: ticker, period_end, fiscal_year, fiscal_quarter, filed, form, total_debt_usd, short_term_usd
(the part of it that no ladder covers), due_12m_usd, due_36m_usd (long-term debt due within so many
months of period_end), cash_usd; of the quarter interest_expense_usd, ebit_usd, pretax_usd,
net_income_usd, mean_dff_pct; of the last four quarters interest_expense_ttm_usd, ebit_ttm_usd,
pretax_ttm_usd, net_income_ttm_usd; interest_expense_ttm_filed_usd (what this very report makes of
it: another figure where an amendment followed); years_below_one (fiscal years in a row, up to the
newest whole one, with EBIT below interest; of financial companies too), is_zombie (three and more;
empty for financial companies).

``truth_ladders.csv``, one row per (cik, accession_number, bucket), of every 10-K and 10-K/A of a
company with debt, and of the 10-Qs that carry a ladder: ticker, period_end, family (fiscal,
rolling, with_leases), bucket (year_1 to year_5, after_5, remainder: after the tag), amount_usd
(truly owed), amount_filed_usd (what the report says; empty where it says nothing), window_start,
window_end (first and last day; empty for after_5), filed, form. The buckets of a report add up to
its long-term debt: total_debt_usd less short_term_usd. Windows count from period_end in whole
years; in a 10-Q with a remainder, from the end of the fiscal year. There, ladder ``remainder``
calls the next fiscal year YearTwo, and ``remainder_next`` calls it NextTwelveMonths and files
nothing for after_5.

Interest of a quarter = mean of the debt at its two ends x ((1 - floating_share) x fixed_rate +
floating_share x (mean DFF + spread)) x days / 365, within 0.4 percent of noise.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from deployments.sandbox.market.companies.actions import Prices
from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.universe import Universe
from deployments.sandbox.market.filings.accounts import FundsRate, draw_accounts
from deployments.sandbox.market.filings.calendar import (
    DECEMBER,
    JUNE,
    SATURDAY,
    Period,
    fiscal_periods,
)
from deployments.sandbox.market.filings.debtors import FIRST_CIK, Debtor, draw_debtors
from deployments.sandbox.market.filings.facts import CompanyFactsBuilder
from deployments.sandbox.market.filings.ladders import (
    Bucket,
    Maturities,
    build_maturity_table,
    due_within,
)
from deployments.sandbox.market.filings.reports import LEAD_IN_QUARTERS, Report, schedule_reports
from deployments.sandbox.market.filings.truth import Truth
from deployments.sandbox.market.sessions import Timeline, years_before

#: Filings begin this many years before the bars, so that trailing years and three fiscal years in
#: a row are there from the tape's first session; but a long tape's begin with its last ones.
_YEARS_BEFORE, _LEAST_YEARS, _MOST_YEARS = 3, 5, 8

_FOLDERS = ("companyfacts", "submissions")
_PACKED = 4

#: A year that ended this long ago has been reported.
_REPORTED = timedelta(days=90)

#: The forerun ends before the first filing by more than a report can take.
_NO_FILING = timedelta(days=400)


def filing_years(years: int) -> int:
    """Return the number of years of filings for a number of years of bars."""
    return min(max(years + _YEARS_BEFORE, _LEAST_YEARS), _MOST_YEARS)


def clear_filings(out: Path) -> None:
    """Remove the filings of an earlier tape."""
    for folder in _FOLDERS:
        for file in out.glob(f"{folder}/*.json.gz"):
            file.unlink()


def write_filings(
    out: Path,
    universe: Universe,
    events: CompanyEvents,
    prices: Prices,
    timeline: Timeline,
    funds_rate: pl.DataFrame,
    years: int,
    rng: np.random.Generator,
) -> None:
    """Write the filings of all companies and the truth tables to a tape folder.

    Args:
        out: the folder.
        universe: the companies.
        events: when each is listed, and under which symbol.
        prices: give the shares outstanding.
        timeline: the tape's days.
        funds_rate: publications of DFF, whose observation_date and value are read.
        years: length of the bars.
        rng: source of every draw.
    """
    rate = funds_rate.sort("observation_date")
    funds = FundsRate(
        rate["observation_date"].to_numpy().astype("datetime64[D]"), rate["value"].to_numpy()
    )
    for folder in _FOLDERS:
        (out / folder).mkdir(exist_ok=True)
    office = _FilingsWriter(universe, events, prices, timeline, funds, filing_years(years))
    truth = Truth()
    streams = rng.spawn(len(universe))
    for debtor, stream in zip(draw_debtors(universe, rng), streams, strict=True):
        office.file(out, debtor, truth, stream)
    truth.write(out)
    rows = {str(at): row for at, row in enumerate(office.symbols())}
    _write(out / "company_tickers.json.gz", rows)


class _FilingsWriter:
    """Writes the filings of one company after another."""

    def __init__(
        self,
        universe: Universe,
        events: CompanyEvents,
        prices: Prices,
        timeline: Timeline,
        funds: FundsRate,
        years: int,
    ) -> None:
        self.universe, self.events, self.prices = universe, events, prices
        self.timeline, self.funds = timeline, funds
        self.sessions = [each.item() for each in timeline.sessions]
        self.last = self.sessions[-1]
        self.start = years_before(self.last, years)

    def file(self, out: Path, debtor: Debtor, truth: Truth, rng: np.random.Generator) -> None:
        """Write the filings of one company and record its ground truth."""
        company = debtor.company
        listed = int(self.events.first[company])
        first = self.sessions[listed] if listed else self.start
        last = self.sessions[int(self.events.last[company])]
        since = years_before(first - _NO_FILING, LEAD_IN_QUARTERS // 4)
        periods = fiscal_periods(debtor.calendar, since, last)
        reported = [each.year for each in periods if each.end <= last - _REPORTED]
        newest = max(reported) - 1 + (periods[len(reported) - 1].quarter == 4)
        is_burning = self.universe.industry[company] == "Biotechnology"
        value = float(self.universe.cap[company])
        accounts = draw_accounts(debtor, value, is_burning, periods, newest, self.funds, rng)
        reports = schedule_reports(
            debtor, periods, newest, first, last, self.timeline.bank_holidays, rng
        )
        long_term = accounts.total_debt - accounts.short_term
        maturities = Maturities(periods[0].start, rng)
        owed = [
            maturities.owed(period.end, float(total))
            for period, total in zip(periods, long_term, strict=True)
        ]
        due = [due_within(each, period.end, 1) for each, period in zip(owed, periods, strict=True)]
        sheet = CompanyFactsBuilder(debtor, accounts, newest)
        symbol = self.symbol(company)
        for report in reports:
            if report.form.startswith("NT"):
                continue
            period = periods[report.at]
            buckets = self._ladder(debtor, period, newest, owed[report.at], report)
            sheet.add(report, buckets, due, self._shares(company, report.filed))
            truth.add_report(debtor, symbol, accounts, report, owed[report.at])
            truth.add_ladder(debtor, symbol, period, report, buckets)
        name = self.universe.name[company]
        truth.add_company(debtor, symbol, name, accounts, reports)
        if reports:
            file = f"CIK{debtor.cik:010d}.json.gz"
            _write(out / "companyfacts" / file, sheet.content(name))
            ends = [periods[report.at].end for report in reports]
            _write(out / "submissions" / file, _submissions(debtor, name, reports, ends))

    @staticmethod
    def _ladder(
        debtor: Debtor,
        period: Period,
        newest: int,
        owed: list[tuple[date, float]],
        report: Report,
    ) -> list[Bucket]:
        if not debtor.debt_usd:
            return []
        return build_maturity_table(debtor, period, newest, owed, is_wrong=report.is_wrong)

    def symbol(self, company: int) -> str:
        """Return a company's last symbol."""
        renamed, _, symbol = self.events.renamed
        return symbol if company == renamed else self.universe.ticker[company]

    def symbols(self) -> Iterator[dict[str, Any]]:
        """Yield rows of the SEC's symbol file, with their first and last sessions."""
        renamed, since, symbol = self.events.renamed
        dead, heir = self.events.reused
        for company, ticker in enumerate(self.universe.ticker):
            row: dict[str, Any] = {
                "cik_str": FIRST_CIK + company,
                "ticker": ticker,
                "title": self.universe.name[company],
                "exchange": "NYSE" if self.universe.exchange[company] == "NYSE" else "Nasdaq",
            }
            first = int(self.events.first[company])
            if first:
                row["first_session"] = self.sessions[first].isoformat()
            if company == dead:
                end = self.sessions[int(self.events.first[heir])] - timedelta(days=1)
                row["last_session"] = end.isoformat()
            if company == renamed:
                turn = self.sessions[since]
                new = row | {"ticker": symbol, "first_session": turn.isoformat()}
                row["last_session"] = (turn - timedelta(days=1)).isoformat()
                yield new
            yield row
            if company < 2:
                yield row | {"ticker": f"{ticker}-PA"}  # a preferred share of the same company

    def _shares(self, company: int, day: date) -> int:
        low, high = int(self.events.first[company]), int(self.events.last[company])
        session = int(np.searchsorted(self.timeline.sessions, np.datetime64(day), side="right"))
        session = min(max(session - 1, low), high)
        issued = self.universe.cap[company] / self.prices.per_original_share[low, company]
        return round(float(issued * self.prices.shares[session, company]))


def _submissions(
    debtor: Debtor, name: str, reports: list[Report], ends: list[date]
) -> dict[str, Any]:
    """Return a company's metadata and filings, newest first, as the SEC serves them."""
    newest = sorted(zip(reports, ends, strict=True), key=lambda row: row[0].filed, reverse=True)
    forms = [report.form for report, _ in newest]
    is_report = [int(not form.startswith("NT")) for form in forms]
    recent: dict[str, list[Any]] = {
        "accessionNumber": [report.accession_number for report, _ in newest],
        "filingDate": [report.filed.isoformat() for report, _ in newest],
        "reportDate": [end.isoformat() for _, end in newest],
        "acceptanceDateTime": [f"{report.filed}T21:30:00.000Z" for report, _ in newest],
        "act": ["34"] * len(newest),
        "form": forms,
        "items": [""] * len(newest),
        "size": [0] * len(newest),
        "isXBRL": is_report,
        "isInlineXBRL": is_report,
        "primaryDocument": [f"report-{end:%Y%m%d}.htm" for _, end in newest],
        "primaryDocDescription": forms,
    }
    year_end = {DECEMBER: "1231", JUNE: "0630", SATURDAY: "0131"}[debtor.calendar]
    return {
        "cik": f"{debtor.cik:010d}",
        "entityType": "operating",
        "sic": debtor.sic,
        "sicDescription": debtor.sector,
        "name": name.upper(),
        "tickers": [],
        "exchanges": [],
        "fiscalYearEnd": year_end,
        "filings": {"recent": recent, "files": []},
    }


def _write(file: Path, content: dict[str, Any]) -> None:
    # Without a time in the header, so that the same tape has the same bytes.
    file.write_bytes(gzip.compress(orjson.dumps(content), _PACKED, mtime=0))

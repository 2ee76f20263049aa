"""Ground-truth tables of the filers; ``filings`` describes their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date
from pathlib import Path

import polars as pl

from deployments.sandbox.market.filings.accounts import Accounts
from deployments.sandbox.market.filings.calendar import Period
from deployments.sandbox.market.filings.debtors import Debtor
from deployments.sandbox.market.filings.facts import WRONG_INTEREST
from deployments.sandbox.market.filings.ladders import Bucket, due_within, family_of
from deployments.sandbox.market.filings.reports import Report

_TEXT, _USD, _DAY = pl.String, pl.Float64, pl.Date
_REPORT = {"cik": pl.Int64, "ticker": _TEXT, "period_end": _DAY}
_FILING = {"filed": _DAY, "accession_number": _TEXT, "form": _TEXT}

LADDER_COLUMNS = {
    **_REPORT,
    "family": _TEXT,
    "bucket": _TEXT,
    "amount_usd": _USD,
    "amount_filed_usd": _USD,
    "window_start": _DAY,
    "window_end": _DAY,
    **_FILING,
}
_FLOWS = ("interest_expense", "ebit", "pretax", "net_income")
_AMOUNTS = ("total_debt", "short_term", "due_12m", "due_36m", "cash", *_FLOWS)
REFINANCING_COLUMNS = {
    **_REPORT,
    "fiscal_year": pl.Int64,
    "fiscal_quarter": pl.Int64,
    **_FILING,
    **dict.fromkeys((f"{name}_usd" for name in _AMOUNTS), _USD),
    "mean_dff_pct": pl.Float64,
    **dict.fromkeys((f"{name}_ttm_usd" for name in _FLOWS), _USD),
    "interest_expense_ttm_filed_usd": _USD,
    "years_below_one": pl.Int64,
    "is_zombie": pl.Boolean,
}
COMPANY_COLUMNS = {
    "cik": pl.Int64,
    "ticker": _TEXT,
    "name": _TEXT,
    "sector": _TEXT,
    "is_financial": pl.Boolean,
    "floating_share": pl.Float64,
    "fixed_rate": pl.Float64,
    "spread": pl.Float64,
    "ladder": _TEXT,
    "is_whole": pl.Boolean,
    "debt_tags": _TEXT,
    "interest_tags": _TEXT,
    "earnings": _TEXT,
    "income_tags": _TEXT,
    "calendar": _TEXT,
    "event": _TEXT,
    "disclosure": _TEXT,
    "is_zombie": pl.Boolean,
    "first_filed": _DAY,
    "last_filed": _DAY,
    "anomalies": _TEXT,
}

#: Fiscal years in a row below one that make a zombie.
_ZOMBIE_YEARS = 3


class Truth:
    """Collects the truth tables, company by company."""

    def __init__(self) -> None:
        """Start without rows."""
        self._ladders: list[tuple[object, ...]] = []
        self._refinancing: list[tuple[object, ...]] = []
        self._companies: list[tuple[object, ...]] = []

    def add_ladder(
        self,
        debtor: Debtor,
        symbol: str,
        period: Period,
        report: Report,
        buckets: Sequence[Bucket],
    ) -> None:
        """Record the maturity table of one report."""
        family = family_of(debtor)
        filing = (report.filed, report.accession_number, report.form)
        self._ladders += [
            (debtor.cik, symbol, period.end, family, *astuple(each), *filing) for each in buckets
        ]

    def add_report(
        self,
        debtor: Debtor,
        symbol: str,
        accounts: Accounts,
        report: Report,
        owed: list[tuple[date, float]],
    ) -> None:
        """Record the true values at the end of a report's last quarter."""
        at = report.at
        period = accounts.periods[at]
        flows = (accounts.interest, accounts.ebit, accounts.pretax, accounts.net_income)
        yearly = [accounts.over_year(flow, at) for flow in flows]
        below = accounts.years_below_one(at)
        self._refinancing.append(
            (
                debtor.cik,
                symbol,
                period.end,
                period.year,
                period.quarter,
                report.filed,
                report.accession_number,
                report.form,
                float(accounts.total_debt[at]),
                float(accounts.short_term[at]),
                due_within(owed, period.end, 1),
                due_within(owed, period.end, 3),
                float(accounts.cash[at]),
                *(float(flow[at]) for flow in flows),
                float(accounts.dff_pct[at]),
                *yearly,
                _filed_interest(debtor, report, yearly[0]),
                below,
                None if debtor.is_financial else below >= _ZOMBIE_YEARS,
            )
        )

    def add_company(
        self, debtor: Debtor, symbol: str, name: str, accounts: Accounts, reports: list[Report]
    ) -> None:
        """Record the attributes of a company."""
        below = accounts.years_below_one(reports[-1].at) if reports else 0
        days = [report.filed for report in reports]
        known = {
            "ticker": symbol,
            "name": name,
            "is_zombie": None if debtor.is_financial else below >= _ZOMBIE_YEARS,
            "first_filed": min(days, default=None),
            "last_filed": max(days, default=None),
        }
        self._companies.append(
            tuple(
                known[each] if each in known else getattr(debtor, each) for each in COMPANY_COLUMNS
            )
        )

    def write(self, out: Path) -> None:
        """Write the tables to a tape folder."""
        tables = (
            ("truth_ladders", self._ladders, LADDER_COLUMNS),
            ("truth_refinancing", self._refinancing, REFINANCING_COLUMNS),
            ("truth_companies_debt", self._companies, COMPANY_COLUMNS),
        )
        for name, rows, columns in tables:
            pl.DataFrame(rows, schema=columns, orient="row").write_csv(out / f"{name}.csv")


def _filed_interest(debtor: Debtor, report: Report, true: float | None) -> float | None:
    if true is None or not debtor.debt_usd or debtor.interest_tags == "paid_only":
        return None
    interest = round(true * WRONG_INTEREST, -3) if report.is_wrong else true
    return -interest if debtor.interest_tags == "negative" else interest

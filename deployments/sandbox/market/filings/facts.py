"""The facts of a company's reports, tagged and laid out as the SEC serves them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from deployments.sandbox.market.filings.accounts import Accounts, Values
from deployments.sandbox.market.filings.calendar import Period, frame_of
from deployments.sandbox.market.filings.debt_lines import debt_lines
from deployments.sandbox.market.filings.debtors import Debtor
from deployments.sandbox.market.filings.ladders import TAGS, Bucket, family_of
from deployments.sandbox.market.filings.reports import Report

PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest"
)
REVENUE = "RevenueFromContractWithCustomerExcludingAssessedTax"
CASH = "CashAndCashEquivalentsAtCarryingValue"
_COVER_DAYS = timedelta(days=10)

#: Share of the year's interest in the first version of an amended report.
WRONG_INTEREST = 1.15

#: A tag that drifts does so with the first report of the year so many years before the newest.
_DRIFTED_YEARS = 1

#: A rate that some companies file in place of the share of debt at that rate.
MISTAKEN_RATE = 0.0612

_Key = tuple[str, str, str]
_Row = tuple[str, str, str, str, float, int, str, str]


class CompanyFactsBuilder:
    """Collects the facts of one company, report by report."""

    def __init__(self, debtor: Debtor, accounts: Accounts, newest: int) -> None:
        """Start without reports; `newest` is the newest reported fiscal year."""
        self._debtor, self._accounts = debtor, accounts
        self._rows: dict[_Key, list[_Row]] = defaultdict(list)
        self._drift_year = newest - _DRIFTED_YEARS

    def add(
        self, report: Report, buckets: Sequence[Bucket], due_12m: Sequence[float], shares: int
    ) -> None:
        """Add the facts of one report.

        Args:
            report: a 10-K, 10-K/A or 10-Q.
            buckets: its table of maturities.
            due_12m: long-term debt due within a year of each quarter's end.
            shares: outstanding on its cover.
        """
        accounts, debtor = self._accounts, self._debtor
        periods = accounts.periods
        flows = {"NetIncomeLoss": accounts.net_income, PRETAX: accounts.pretax}
        if debtor.income_tags == "operating":
            flows |= {"OperatingIncomeLoss": accounts.ebit, REVENUE: accounts.revenue}
        for tag, flow in flows.items():
            self._add_flow(report, tag, flow, to_date=False)
        if debtor.debt_usd:
            self._add_interest(report)
        year_end = report.at - periods[report.at].quarter
        for at in (year_end, report.at):
            period = periods[at]
            self._add(report, CASH, accounts.cash[at], None, period)
            for tag, value in self._debts(at, due_12m[at]).items():
                self._add(report, tag, value, None, period)
        for bucket in buckets:
            if bucket.filed is not None:
                tag = TAGS[family_of(debtor)][bucket.name]
                self._add(report, tag, bucket.filed, None, periods[report.at])
        self._disclose(report)
        cover = (report.filed - _COVER_DAYS).isoformat()
        self._add_row(
            report, ("dei", "EntityCommonStockSharesOutstanding", "shares"), "", cover, shares
        )

    def _add_interest(self, report: Report) -> None:
        debtor, accounts = self._debtor, self._accounts
        self._add_flow(report, "InterestPaidNet", accounts.paid, to_date=True)
        tag, interest = debtor.interest_tags, accounts.interest
        if tag == "paid_only":
            return
        if tag == "drift":
            is_new = accounts.periods[report.at].year >= self._drift_year
            tag = "InterestExpenseNonoperating" if is_new else "InterestExpense"
        elif tag == "negative":
            tag, interest = "InterestExpense", -interest
        self._add_flow(report, tag, interest, to_date=False, wrong=WRONG_INTEREST)

    def _add_flow(
        self, report: Report, tag: str, flow: Values, *, to_date: bool, wrong: float = 1.0
    ) -> None:
        """Add a flow for the year to date, and for the quarter except in a 10-K.

        Statements of cash flows know the year to date alone.
        """
        periods = self._accounts.periods
        at, quarter = report.at, periods[report.at].quarter
        first = at - quarter + 1
        spans = [(first, at)]
        if quarter > 1 and quarter < 4 and not to_date:
            spans.append((at, at))
        years = 3 if quarter == 4 else 2
        for back in range(years):
            for begin, end in spans:
                low, high = begin - 4 * back, end - 4 * back
                value = float(flow[low : high + 1].sum())
                if report.is_wrong and back == 0:
                    value = round(value * wrong, -3)
                self._add(report, tag, value, periods[low], periods[high])

    def _debts(self, at: int, current: float) -> dict[str, float]:
        """Add the balance sheet's debt lines and the totals of the debt note."""
        debtor, accounts = self._debtor, self._accounts
        if not debtor.debt_usd:
            return {}
        short = float(accounts.short_term[at])
        long = float(accounts.total_debt[at]) - short
        return {
            line.tag: line.amount(long - current, current, short)
            for line in debt_lines()[debtor.debt_tags]
        }

    def _disclose(self, report: Report) -> None:
        debtor, accounts = self._debtor, self._accounts
        if not debtor.disclosure or accounts.periods[report.at].quarter < 4:
            return
        period, stem = accounts.periods[report.at], "ongtermDebtPercentageBearing"
        total, floating = float(accounts.total_debt[report.at]), debtor.floating_share
        rate = floating if debtor.disclosure == "share" else MISTAKEN_RATE
        share = ("us-gaap", "LongTermDebtPercentageBearingVariableInterestRate", "pure")
        self._add_row(report, share, "", period.end.isoformat(), rate)
        variable = round(total * floating, -3)
        self._add(report, f"L{stem}VariableInterestAmount", variable, None, period)
        self._add(report, f"L{stem}FixedInterestAmount", total - variable, None, period)

    def _add(
        self, report: Report, tag: str, value: float, begin: Period | None, end: Period
    ) -> None:
        start = begin.start.isoformat() if begin else ""
        self._add_row(report, ("us-gaap", tag, "USD"), start, end.end.isoformat(), round(value))

    def _add_row(self, report: Report, key: _Key, start: str, end: str, value: float) -> None:
        period = self._accounts.periods[report.at]
        part = "FY" if period.quarter == 4 else f"Q{period.quarter}"
        filing = (report.filed.isoformat(), report.accession_number)
        self._rows[key].append((end, start, *filing, value, period.year, part, report.form))

    def content(self, name: str) -> dict[str, Any]:
        """Return the company facts as the SEC serves them, sorted by tag and dates.

        Args:
            name: of the company.

        Returns:
            What the JSON holds.
        """
        facts: dict[str, dict[str, Any]] = {"dei": {}, "us-gaap": {}}
        for taxonomy, tag, unit in sorted(self._rows):
            rows = sorted(self._rows[taxonomy, tag, unit])
            facts[taxonomy][tag] = {
                "label": tag,
                "description": f"{tag} of a simulated company.",
                "units": {unit: _facts(rows)},
            }
        return {"cik": self._debtor.cik, "entityName": name.upper(), "facts": facts}


def _facts(rows: list[_Row]) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []
    for at, (end, start, filed, accession, value, year, part, form) in enumerate(rows):
        fact: dict[str, Any] = {"start": start} if start else {}
        fact |= {"end": end, "val": value, "accn": accession, "fy": year, "fp": part}
        fact |= {"form": form, "filed": filed}
        # The frame is on the fact that was filed last for its period.
        if at + 1 == len(rows) or rows[at + 1][:2] != (end, start):
            begin = date.fromisoformat(start) if start else None
            frame = frame_of(begin, date.fromisoformat(end))
            if frame:
                fact["frame"] = frame
        facts.append(fact)
    return facts

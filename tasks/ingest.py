"""Ingest batches: extract, validate and load, each once.

If a critical rule fails, the batch's fetch log and rule results are stored, its rows are not;
other batches continue.

Example:
    source = yahoo_prices(settings)
    for batch in plan_prices(tickers, full_history, only_stale, run).batches():
        ingest(source, batch, run)
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

import pandas as pd
from prefect import get_run_logger

from expectations.calendars.trading import new_york_date
from expectations.contract import Contract
from expectations.tables import (
    company,
    company_fact,
    company_ticker,
    corporate_action,
    daily_price,
    index_membership,
    macro_observation,
)
from tasks.extract.fred.extract import (
    MacroExtract,
    SeriesRequest,
    extract_macro,
)
from tasks.extract.ishares.client import start_session
from tasks.extract.ishares.extract import (
    HoldingsExtract,
    excluded_equity_rows,
    extract_holdings,
)
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.sec.bulk_facts import CompanyFactsZip, download_archive
from tasks.extract.sec.client import SecSession
from tasks.extract.sec.extract import (
    CompanyBatch,
    CompanyRequest,
    SecExtract,
    extract_companies,
    extract_company_tickers,
    extract_filing_index,
)
from tasks.extract.sec.fund_reports import ReportExtract, extract_fund_report
from tasks.extract.sec.parse import changed_ticker_mappings
from tasks.extract.yahoo.extract import PriceExtract, extract_prices, yahoo_request_policy
from tasks.load.load import load
from tasks.load.pending_filings import PendingFilingUpdate, reconcile_pending
from tasks.plan.batched import Plan
from tasks.plan.filings import CompanyRequestBatch, should_use_bulk_file
from tasks.plan.holdings import HoldingsBatch
from tasks.plan.past_holdings import ReportBatch
from tasks.plan.prices import PriceBatch
from tasks.run.context import RunContext
from tasks.validate.validate import Checked, Refused, add_quarantined_rows, validate_batch
from warehouse.settings import Settings


class Reply(Protocol):
    """Reply of an extraction: frames of rows, and the fetch log."""

    @property
    def fetches(self) -> pd.DataFrame:
        """One row per requested item."""
        ...


B = TypeVar("B")
Q = TypeVar("Q")
R = TypeVar("R", bound=Reply)
Frame = Callable[[R, B, datetime, Sequence[Checked]], pd.DataFrame]


@dataclass(frozen=True)
class Source(Generic[B, R]):
    """How to request a dataset of a provider, and which tables its replies fill.

    Attributes:
        extract: Requests a batch, at a logical time.
        tables: The contract of each table, and the function that makes its frame from the reply,
            the batch, the logical time and the tables checked before.
        excluded_rows: Rows of the first table that the extraction excluded, to be quarantined.
        pending_filings: Filings that a reply discovers or completes.
    """

    extract: Callable[[B, datetime], R]
    tables: Sequence[tuple[Contract, Frame[R, B]]]
    excluded_rows: Callable[[R], pd.DataFrame] | None = None
    pending_filings: Callable[[R, B, datetime], PendingFilingUpdate] | None = None

    def validate(self, reply: R, batch: B, now: datetime) -> Sequence[Checked] | Refused:
        """Validate a reply table by table; one refused table refuses the batch."""
        tables: list[Checked] = []
        for contract, frame in self.tables:
            checked = validate_batch(contract, frame(reply, batch, now, tables))
            if isinstance(checked, Refused):
                return checked
            tables.append(checked)
        if self.excluded_rows is not None:
            tables[0] = add_quarantined_rows(tables[0], self.excluded_rows(reply))
        return tables


def ingest(source: Source[B, R], batch: B, run: RunContext) -> None:
    """Extract, validate and load one batch, and add its totals to the run."""
    reply = source.extract(batch, run.now)
    checked = source.validate(reply, batch, run.now)
    pending = source.pending_filings(reply, batch, run.now) if source.pending_filings else None
    run.add(load(reply.fetches, checked, run.writer, pending))


def ingest_plan(source: Source[B, R], plan: Plan[Q, B], run: RunContext) -> None:
    """Ingest a plan batch by batch, and log the progress."""
    run.message = run.message or plan.message
    done_count = 0
    for batch in plan.batches():
        ingest(source, batch, run)
        done_count = min(done_count + plan.batch_size, len(plan.requests))
        get_run_logger().info("%d of %d requests ingested", done_count, len(plan.requests))


def yahoo_prices(settings: Settings) -> Source[PriceBatch, PriceExtract]:
    """Return the source of daily bars and corporate actions, under one request policy."""
    policy = yahoo_request_policy(settings)
    return Source(
        lambda batch, now: extract_prices(batch.requests, now, settings, policy),
        (
            (
                daily_price.CONTRACT,
                lambda reply, batch, now, _: daily_price.add_context(
                    reply.bars, now, batch.stored_closes
                ),
            ),
            (
                corporate_action.CONTRACT,
                lambda reply, batch, now, tables: corporate_action.add_context(
                    reply.actions,
                    now,
                    tables[0].valid_rows,
                    batch.stored_closes,
                    batch.stored_yields,
                ),
            ),
        ),
    )


def fred_macro(
    settings: Settings, policy: RequestPolicy
) -> Source[Sequence[SeriesRequest], MacroExtract]:
    """Return the source of macro observations, under one request policy."""
    return Source(
        lambda batch, now: extract_macro(batch, now, settings, policy),
        (
            (
                macro_observation.CONTRACT,
                lambda reply, _, now, __: macro_observation.add_context(reply.observations, now),
            ),
        ),
    )


def ishares_holdings(settings: Settings) -> Source[HoldingsBatch, HoldingsExtract]:
    """Return the source of index members, with one session."""
    session = start_session(settings)

    def members(
        reply: HoldingsExtract, batch: HoldingsBatch, _: datetime, __: Sequence[Checked]
    ) -> pd.DataFrame:
        dates = reply.members["as_of_date"]
        previous = None if dates.empty else batch.previous_member_count(dates.iloc[0].date())
        is_live = settings.origin == "live"
        return index_membership.add_context(reply.members, previous, is_live)

    return Source(
        lambda batch, now: extract_holdings(batch.requests, now, settings, session),
        ((index_membership.CONTRACT, members),),
        excluded_rows=lambda reply: excluded_equity_rows(reply.excluded),
    )


def sec_fund_reports(sec: SecSession, settings: Settings) -> Source[ReportBatch, ReportExtract]:
    """Return the source of past index members; unmatched positions are quarantined."""
    return Source(
        lambda batch, _: extract_fund_report(batch.request, batch.known, sec),
        (
            (
                index_membership.CONTRACT,
                lambda reply, batch, _, __: index_membership.add_context(
                    reply.members,
                    batch.previous_members,
                    settings.origin == "live",
                    len(reply.unmatched),
                    reply.unmatched["weight_pct_filed"].sum(),
                ),
            ),
        ),
        excluded_rows=lambda reply: reply.unmatched,
    )


def sec_company_tickers(sec: SecSession) -> Source[Mapping[str, int], SecExtract]:
    """Return the source of the SEC's ticker list; only changed mappings are loaded."""
    return Source(
        lambda _, now: extract_company_tickers(now, sec),
        (
            (
                company_ticker.CONTRACT,
                lambda reply, stored_ciks, _, __: changed_ticker_mappings(reply.rows, stored_ciks),
            ),
        ),
    )


def sec_filing_index(sec: SecSession) -> Source[date, SecExtract]:
    """Return the source of the daily filing index, which discovers pending filings."""
    return Source(
        lambda day, now: extract_filing_index(day, now, sec),
        (),
        pending_filings=lambda reply, _, now: PendingFilingUpdate(new_york_date(now), reply.rows),
    )


def sec_companies(
    sec: SecSession, bulk_facts: CompanyFactsZip | None = None
) -> Source[CompanyRequestBatch, CompanyBatch]:
    """Return the source of company facts and profiles, which completes pending filings.

    Of a refused batch, the filings stay pending: the next run requests its companies again.
    """
    return Source(
        lambda batch, now: extract_companies(batch.requests, now, sec, bulk_facts),
        (
            (
                company_fact.CONTRACT,
                lambda reply, _, now, __: company_fact.add_context(reply.facts, now),
            ),
            (company.CONTRACT, lambda reply, *_: reply.companies),
        ),
        pending_filings=lambda reply, batch, now: reconcile_pending(
            reply.completed_ciks, reply.filings, batch.pending_filings, new_york_date(now)
        ),
    )


def open_bulk_facts(
    requests: Sequence[CompanyRequest], run: RunContext, sec: SecSession
) -> AbstractContextManager[CompanyFactsZip | None]:
    """Download and open the SEC's bulk file of facts; None for few requests, or if it fails."""
    if not should_use_bulk_file(requests, run.settings):
        return nullcontext()
    bulk_facts, fetches = download_archive(run.now, sec)
    run.add(load(fetches, (), run.writer))
    return nullcontext() if bulk_facts is None else bulk_facts

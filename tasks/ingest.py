"""Ingest batches: extract, validate and load, each once.

If a critical rule fails, the batch's fetch log and rule results are stored, its rows are not;
other batches continue.

Example:
    source = yahoo_prices(settings)
    ingest_plan(source, plan_prices(tickers, full_history, only_stale, run), run)
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
    HoldingsRequest,
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
from tasks.extract.sec.fund_reports import ReportExtract, ReportRequest, extract_fund_report
from tasks.extract.sec.parse import changed_ticker_mappings
from tasks.extract.yahoo.extract import (
    PriceExtract,
    PriceRequest,
    extract_prices,
    yahoo_request_policy,
)
from tasks.load.load import load
from tasks.load.pending_filings import PendingFilingUpdate, reconcile_pending
from tasks.plan.batched import Plan
from tasks.plan.filings import (
    read_current_ticker_ciks,
    read_pending_filings,
    should_use_bulk_file,
)
from tasks.plan.holdings import StoredSnapshots, read_stored_snapshots
from tasks.plan.past_holdings import read_known_securities, read_previous_member_count
from tasks.plan.prices import StoredPrices, read_stored_prices
from tasks.run.context import RunContext
from tasks.run.overlap import extract_ahead
from tasks.validate.validate import Checked, Refused, add_quarantined_rows, validate_batch
from warehouse.settings import Settings


class Reply(Protocol):
    """Reply of an extraction: frames of rows, and the fetch log."""

    @property
    def fetches(self) -> pd.DataFrame:
        """One row per requested item."""
        ...


Item = TypeVar("Item")
Requests = TypeVar("Requests")
Stored = TypeVar("Stored")
AnyReply = TypeVar("AnyReply", bound=Reply)
MakeFrame = Callable[[AnyReply, Stored, datetime, Sequence[Checked]], pd.DataFrame]


@dataclass(frozen=True)
class Source(Generic[Requests, Stored, AnyReply]):
    """How to request a dataset of a provider, and which tables its replies fill.

    Attributes:
        extract: Sends the requests of a batch, at a logical time.
        read_stored: Reads the stored rows that the replies are compared with, when all batches
            before are loaded.
        tables: The contract of each table, and the function that makes its frame from the reply,
            the stored rows, the logical time and the tables checked before.
        excluded_rows: Rows of the first table that the extraction excluded, to be quarantined.
        pending_filings: Filings that a reply discovers or completes.
        extracts_ahead: Whether a batch may be extracted before the one before it is loaded.
    """

    extract: Callable[[Requests, datetime], AnyReply]
    read_stored: Callable[[Requests], Stored]
    tables: Sequence[tuple[Contract, MakeFrame[AnyReply, Stored]]]
    excluded_rows: Callable[[AnyReply], pd.DataFrame] | None = None
    pending_filings: Callable[[AnyReply, Stored, datetime], PendingFilingUpdate] | None = None
    extracts_ahead: bool = True

    def validate(
        self, reply: AnyReply, stored: Stored, now: datetime
    ) -> Sequence[Checked] | Refused:
        """Validate a reply table by table; one refused table refuses the batch."""
        tables: list[Checked] = []
        for contract, make_frame in self.tables:
            checked = validate_batch(contract, make_frame(reply, stored, now, tables))
            if isinstance(checked, Refused):
                return checked
            tables.append(checked)
        if self.excluded_rows is not None:
            tables[0] = add_quarantined_rows(tables[0], self.excluded_rows(reply))
        return tables

    def store(self, requests: Requests, reply: AnyReply, run: RunContext) -> None:
        """Validate and load a reply, and add its totals to the run."""
        stored = self.read_stored(requests)
        checked = self.validate(reply, stored, run.now)
        pending = self.pending_filings(reply, stored, run.now) if self.pending_filings else None
        run.add(load(reply.fetches, checked, run.writer, pending))


def ingest(source: Source[Requests, Stored, AnyReply], requests: Requests, run: RunContext) -> None:
    """Extract, validate and load one batch, and add its totals to the run."""
    source.store(requests, source.extract(requests, run.now), run)


def ingest_plan(
    source: Source[Sequence[Item], Stored, AnyReply], plan: Plan[Item], run: RunContext
) -> None:
    """Ingest a plan batch by batch, each extracted while the one before is loaded.

    Batches are loaded in order, each in its own transaction.
    """
    run.message = run.message or plan.message
    done_count = 0

    def store(requests: Sequence[Item], reply: AnyReply) -> None:
        nonlocal done_count
        source.store(requests, reply, run)
        done_count += len(requests)
        get_run_logger().info("%d of %d requests ingested", done_count, len(plan.requests))

    extract_ahead(
        plan.batches(),
        lambda requests: source.extract(requests, run.now),
        store,
        ahead=source.extracts_ahead,
    )


def yahoo_prices(
    settings: Settings,
) -> Source[Sequence[PriceRequest], StoredPrices, PriceExtract]:
    """Return the source of daily bars and corporate actions, under one request policy."""
    policy = yahoo_request_policy(settings)
    return Source(
        lambda requests, now: extract_prices(requests, now, settings, policy),
        lambda requests: read_stored_prices(requests, settings),
        (
            (
                daily_price.CONTRACT,
                lambda reply, stored, now, _: daily_price.add_context(
                    reply.bars, now, stored.closes
                ),
            ),
            (
                corporate_action.CONTRACT,
                lambda reply, stored, now, tables: corporate_action.add_context(
                    reply.actions,
                    now,
                    tables[0].valid_rows,
                    stored.closes,
                    stored.yields,
                ),
            ),
        ),
    )


def fred_macro(
    settings: Settings, policy: RequestPolicy
) -> Source[Sequence[SeriesRequest], None, MacroExtract]:
    """Return the source of macro observations, under one request policy."""
    return Source(
        lambda requests, now: extract_macro(requests, now, settings, policy),
        lambda _: None,
        (
            (
                macro_observation.CONTRACT,
                lambda reply, _, now, __: macro_observation.add_context(reply.observations, now),
            ),
        ),
    )


def ishares_holdings(
    settings: Settings,
) -> Source[Sequence[HoldingsRequest], StoredSnapshots, HoldingsExtract]:
    """Return the source of index members, with one session."""
    session = start_session(settings)

    def members(
        reply: HoldingsExtract, stored: StoredSnapshots, _: datetime, __: Sequence[Checked]
    ) -> pd.DataFrame:
        dates = reply.members["as_of_date"]
        previous = None if dates.empty else stored.previous_member_count(dates.iloc[0].date())
        is_live = settings.origin == "live"
        return index_membership.add_context(reply.members, previous, is_live)

    return Source(
        lambda requests, now: extract_holdings(requests, now, settings, session),
        lambda requests: read_stored_snapshots(requests, settings),
        ((index_membership.CONTRACT, members),),
        excluded_rows=lambda reply: excluded_equity_rows(reply.excluded),
    )


def sec_fund_reports(
    sec: SecSession, settings: Settings
) -> Source[Sequence[ReportRequest], int | None, ReportExtract]:
    """Return the source of past index members; unmatched positions are quarantined.

    A batch is one report, matched with what the reports before it tell of securities.
    """
    return Source(
        lambda requests, _: extract_fund_report(
            _only(requests), read_known_securities(_only(requests), settings), sec
        ),
        lambda requests: read_previous_member_count(_only(requests), settings),
        (
            (
                index_membership.CONTRACT,
                lambda reply, previous, _, __: index_membership.add_context(
                    reply.members,
                    previous,
                    settings.origin == "live",
                    len(reply.unmatched),
                    reply.unmatched["weight_pct_filed"].sum(),
                ),
            ),
        ),
        excluded_rows=lambda reply: reply.unmatched,
        extracts_ahead=False,
    )


def _only(requests: Sequence[ReportRequest]) -> ReportRequest:
    (request,) = requests
    return request


def sec_company_tickers(
    sec: SecSession,
) -> Source[Sequence[date], Mapping[str, int], SecExtract]:
    """Return the source of the SEC's ticker list; only changed mappings are loaded."""
    return Source(
        lambda _, now: extract_company_tickers(now, sec),
        lambda _: read_current_ticker_ciks(sec.settings),
        (
            (
                company_ticker.CONTRACT,
                lambda reply, stored_ciks, _, __: changed_ticker_mappings(reply.rows, stored_ciks),
            ),
        ),
    )


def sec_filing_index(sec: SecSession) -> Source[date, None, SecExtract]:
    """Return the source of the daily filing index, which discovers pending filings."""
    return Source(
        lambda day, now: extract_filing_index(day, now, sec),
        lambda _: None,
        (),
        pending_filings=lambda reply, _, now: PendingFilingUpdate(new_york_date(now), reply.rows),
    )


def sec_companies(
    sec: SecSession, bulk_facts: CompanyFactsZip | None = None
) -> Source[Sequence[CompanyRequest], pd.DataFrame, CompanyBatch]:
    """Return the source of company facts and profiles, which completes pending filings.

    Of a refused batch, the filings stay pending: the next run requests its companies again.
    """
    return Source(
        lambda requests, now: extract_companies(requests, now, sec, bulk_facts),
        lambda requests: read_pending_filings(requests, sec.settings),
        (
            (
                company_fact.CONTRACT,
                lambda reply, _, now, __: company_fact.add_context(reply.facts, now),
            ),
            (company.CONTRACT, lambda reply, *_: reply.companies),
        ),
        pending_filings=lambda reply, pending, now: reconcile_pending(
            reply.completed_ciks, reply.filings, pending, new_york_date(now)
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

"""One batch through its verbs: extract, validate, load.

A batch that breaks a critical rule leaves its ledger and what refused it; the others go on.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date

from expectations.calendars.trading import new_york_date
from expectations.tables import (
    company,
    company_fact,
    company_ticker,
    corporate_action,
    daily_price,
    index_membership,
    macro_observation,
)
from tasks.extract.fred.extract import SeriesRequest, extract_macro
from tasks.extract.ishares.extract import HoldingsRequest, excluded_equity_rows, extract_holdings
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.sec.bulk_facts import CompanyFactsZip, download_archive
from tasks.extract.sec.client import SecSession
from tasks.extract.sec.extract import (
    CompanyRequest,
    extract_companies,
    extract_company_tickers,
    extract_filing_index,
)
from tasks.extract.sec.parse import changed_ticker_mappings
from tasks.extract.yahoo.extract import PriceRequest, extract_prices
from tasks.load.load import LoadBatch, load
from tasks.load.pending_filings import PendingFilingUpdate, read_pending_filings, reconcile_pending
from tasks.plan.filings import plan_company_tickers, read_current_ticker_ciks, should_use_bulk_file
from tasks.plan.prices import read_previous_member_count, read_stored_closes
from tasks.run.context import RunContext
from tasks.validate.validate import ValidationFailed, add_quarantined_rows, validate_batch


def ingest_prices(requests: Sequence[PriceRequest], run: RunContext, policy: RequestPolicy) -> None:
    """Extracts, validates and loads one batch of tickers."""
    settings, instant = run.settings, run.now
    reply = extract_prices(requests, instant, settings, policy)
    held = read_stored_closes(requests, settings)
    try:
        bars = validate_batch(
            daily_price.CONTRACT, daily_price.add_context(reply.bars, instant, held)
        )
        actions = validate_batch(
            corporate_action.CONTRACT,
            corporate_action.with_context(reply.actions, instant, bars.valid_rows, held),
        )
    except ValidationFailed as error:
        load(LoadBatch(reply.fetches, validation_error=error), run)
        return
    validated = ((daily_price.CONTRACT, bars), (corporate_action.CONTRACT, actions))
    load(LoadBatch(reply.fetches, validated), run)


def ingest_macro(
    asked: Sequence[SeriesRequest], this_run: RunContext, dealings: RequestPolicy
) -> None:
    """Extracts, validates and loads some series."""
    reply = extract_macro(asked, this_run.now, this_run.settings, dealings)
    try:
        observations = validate_batch(
            macro_observation.CONTRACT,
            macro_observation.with_context(reply.observations, this_run.now),
        )
    except ValidationFailed as refusal:
        load(LoadBatch(reply.fetches, validation_error=refusal), this_run)
    else:
        load(LoadBatch(reply.fetches, ((macro_observation.CONTRACT, observations),)), this_run)


def ingest_holdings(asked: HoldingsRequest, this_run: RunContext, dealings: RequestPolicy) -> None:
    """Extracts, validates and loads one fund's file."""
    settings = this_run.settings
    reply = extract_holdings([asked], this_run.now, settings, dealings)
    previous = read_previous_member_count(reply.members, settings)
    try:
        members = validate_batch(
            index_membership.CONTRACT, index_membership.with_context(reply.members, previous)
        )
    except ValidationFailed as refusal:
        load(LoadBatch(reply.fetches, validation_error=refusal), this_run)
        return
    members = add_quarantined_rows(
        index_membership.CONTRACT, members, excluded_equity_rows(reply.excluded)
    )
    load(LoadBatch(reply.fetches, ((index_membership.CONTRACT, members),)), this_run)


def ingest_company_tickers(this_run: RunContext, sec: SecSession) -> None:
    """Extracts, validates and loads the SEC's list of tickers, unless today's was read."""
    settings, instant = this_run.settings, this_run.now
    if not plan_company_tickers(instant, settings):
        return
    reply = extract_company_tickers(instant, sec)
    found = changed_ticker_mappings(reply.rows, read_current_ticker_ciks(settings))
    tickers = validate_batch(company_ticker.CONTRACT, found)
    load(LoadBatch(reply.fetches, ((company_ticker.CONTRACT, tickers),)), this_run)


def ingest_filing_index(day: date, this_run: RunContext, sec: SecSession) -> None:
    """Extracts a day's index of filings and notes those that it names as due."""
    reply = extract_filing_index(day, this_run.now, sec)
    dues = PendingFilingUpdate(new_york_date(this_run.now), reply.rows)
    load(LoadBatch(reply.fetches, pending_filings=dues), this_run)


def open_bulk_facts(
    asked: Sequence[CompanyRequest], this_run: RunContext, sec: SecSession
) -> AbstractContextManager[CompanyFactsZip | None]:
    """The archive of all companies' facts; None where so few are asked, or it can't be had."""
    if not should_use_bulk_file(asked, this_run.settings):
        return nullcontext()
    archive, fetches = download_archive(this_run.now, sec)
    load(LoadBatch(fetches), this_run)
    return nullcontext() if archive is None else archive


def ingest_companies(
    asked: Sequence[CompanyRequest],
    this_run: RunContext,
    sec: SecSession,
    archive: CompanyFactsZip | None = None,
) -> None:
    """Extracts, validates and loads one batch of companies.

    The filings that came are no longer due. A refused batch stays due as a whole: its companies
    are asked again by the next run.
    """
    settings, instant = this_run.settings, this_run.now
    reply = extract_companies(asked, instant, sec, archive)
    try:
        facts = validate_batch(
            company_fact.CONTRACT, company_fact.with_context(reply.facts, instant)
        )
        companies = validate_batch(company.CONTRACT, reply.companies)
    except ValidationFailed as refusal:
        load(LoadBatch(reply.fetches, validation_error=refusal), this_run)
        return
    due = read_pending_filings(reply.completed_ciks, settings)
    dues = reconcile_pending(reply.completed_ciks, reply.filings, due, new_york_date(instant))
    validated = ((company_fact.CONTRACT, facts), (company.CONTRACT, companies))
    load(LoadBatch(reply.fetches, validated, pending_filings=dues), this_run)

"""One batch through its verbs: extract, validate, load.

A batch that breaks a critical rule leaves its ledger and what refused it; the others go on.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date

from expectations import (
    company,
    company_fact,
    company_ticker,
    corporate_action,
    daily_price,
    index_membership,
    macro_observation,
)
from expectations.sessions import new_york_date
from tasks.extract.fred import SeriesRequest, extract_macro
from tasks.extract.ishares import HoldingsRequest, extract_holdings, no_shares
from tasks.extract.politeness import Dealings
from tasks.extract.sec import (
    CompanyRequest,
    extract_companies,
    extract_company_tickers,
    extract_filing_index,
)
from tasks.extract.sec_archive import Archive, download_archive
from tasks.extract.sec_client import Sec
from tasks.extract.sec_replies import new_mappings
from tasks.extract.yahoo import PriceWindow, extract_prices
from tasks.filing_dues import Dues, read_due, settle
from tasks.load import Batch, load
from tasks.plan import read_held_closes, read_previous_members
from tasks.plan_filings import plan_company_tickers, read_held_ciks, wants_archive
from tasks.record import Run
from tasks.validate import BatchRefused, set_aside, validate_batch


def bring_prices(asked: Sequence[PriceWindow], this_run: Run, dealings: Dealings) -> None:
    """Extracts, validates and loads one batch of tickers."""
    settings, instant = this_run.settings, this_run.instant
    reply = extract_prices(asked, instant, settings, dealings)
    held = read_held_closes(asked, settings)
    try:
        bars = validate_batch(
            daily_price.CONTRACT, daily_price.with_context(reply.bars, instant, held)
        )
        actions = validate_batch(
            corporate_action.CONTRACT,
            corporate_action.with_context(reply.actions, instant, bars.good, held),
        )
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), this_run)
        return
    validated = ((daily_price.CONTRACT, bars), (corporate_action.CONTRACT, actions))
    load(Batch(reply.fetches, validated), this_run)


def bring_macro(asked: Sequence[SeriesRequest], this_run: Run, dealings: Dealings) -> None:
    """Extracts, validates and loads some series."""
    reply = extract_macro(asked, this_run.instant, this_run.settings, dealings)
    try:
        observations = validate_batch(
            macro_observation.CONTRACT,
            macro_observation.with_context(reply.observations, this_run.instant),
        )
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), this_run)
    else:
        load(Batch(reply.fetches, ((macro_observation.CONTRACT, observations),)), this_run)


def bring_holdings(asked: HoldingsRequest, this_run: Run, dealings: Dealings) -> None:
    """Extracts, validates and loads one fund's file."""
    settings = this_run.settings
    reply = extract_holdings([asked], this_run.instant, settings, dealings)
    previous = read_previous_members(reply.members, settings)
    try:
        members = validate_batch(
            index_membership.CONTRACT, index_membership.with_context(reply.members, previous)
        )
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), this_run)
        return
    members = set_aside(index_membership.CONTRACT, members, no_shares(reply.excluded))
    load(Batch(reply.fetches, ((index_membership.CONTRACT, members),)), this_run)


def bring_company_tickers(this_run: Run, sec: Sec) -> None:
    """Extracts, validates and loads the SEC's list of tickers, unless today's was read."""
    settings, instant = this_run.settings, this_run.instant
    if not plan_company_tickers(instant, settings):
        return
    reply = extract_company_tickers(instant, sec)
    found = new_mappings(reply.rows, read_held_ciks(settings))
    tickers = validate_batch(company_ticker.CONTRACT, found)
    load(Batch(reply.fetches, ((company_ticker.CONTRACT, tickers),)), this_run)


def bring_filing_index(day: date, this_run: Run, sec: Sec) -> None:
    """Extracts a day's index of filings and notes those that it names as due."""
    reply = extract_filing_index(day, this_run.instant, sec)
    dues = Dues(new_york_date(this_run.instant), reply.rows)
    load(Batch(reply.fetches, dues=dues), this_run)


def open_archive(
    asked: Sequence[CompanyRequest], this_run: Run, sec: Sec
) -> AbstractContextManager[Archive | None]:
    """The archive of all companies' facts; None where so few are asked, or it can't be had."""
    if not wants_archive(asked, this_run.settings):
        return nullcontext()
    archive, fetches = download_archive(this_run.instant, sec)
    load(Batch(fetches), this_run)
    return nullcontext() if archive is None else archive


def bring_companies(
    asked: Sequence[CompanyRequest], this_run: Run, sec: Sec, archive: Archive | None = None
) -> None:
    """Extracts, validates and loads one batch of companies.

    The filings that came are no longer due. A refused batch stays due as a whole: its companies
    are asked again by the next run.
    """
    settings, instant = this_run.settings, this_run.instant
    reply = extract_companies(asked, instant, sec, archive)
    try:
        facts = validate_batch(
            company_fact.CONTRACT, company_fact.with_context(reply.facts, instant)
        )
        companies = validate_batch(company.CONTRACT, reply.companies)
    except BatchRefused as refusal:
        load(Batch(reply.fetches, refusal=refusal), this_run)
        return
    due = read_due(reply.answered, settings)
    dues = settle(reply.answered, reply.filings, due, new_york_date(instant))
    validated = ((company_fact.CONTRACT, facts), (company.CONTRACT, companies))
    load(Batch(reply.fetches, validated, dues=dues), this_run)

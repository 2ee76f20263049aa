"""Facts of the indexes' companies, from their reports to the SEC.

Refreshes: `company_ticker`, `company` and `company_fact` of all that are or were in an index, or of
the tickers named.
When: at 06:00 New York on weekdays, when the index of the day before is there, and every evening.
Settings: `ROTATION_SEC_*`; without `ROTATION_SEC_USER_AGENT` nothing is asked: the run fails and
says why; one on schedule ends and says so. `warehouse/reference/concept.csv` lists the facts kept.
Degrades: a company or a day that brings nothing is in the ledger with its reason, and is asked
again by the next run; the others load. A block by the SEC pauses all requests to it, and a second
one ends the run. Where the SEC lists no company of the indexes, there is nothing to ask.
"""

from contextlib import ExitStack
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Failed
from pydantic import Field

from expectations.company_ticker import CONTRACT as TICKER
from expectations.sessions import new_york_date
from tasks.extract.sec import extract_companies, extract_company_tickers, extract_filing_index
from tasks.extract.sec_archive import download_archive
from tasks.extract.sec_client import NO_CONTACT, open_sec
from tasks.extract.sec_replies import new_mappings
from tasks.filing_dues import Dues
from tasks.load import Batch, load
from tasks.load_filings import load_companies
from tasks.plan_filings import (
    company_batches,
    plan_company_tickers,
    plan_filing_index,
    plan_filings,
    read_held_ciks,
    wants_archive,
)
from tasks.record import run
from tasks.report import leave_out_engine_traces
from tasks.validate import validate_batch
from warehouse.settings import Settings

Ticker = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9\-]{0,14}$")]


@flow(name="filings")
def refresh_filings(
    tickers: list[Ticker] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    whole_history: bool = False,
    only_due: bool = False,
) -> State:
    """Extracts, validates and loads companies and their facts.

    Args:
        tickers: Companies to ask again, by their tickers; none: all where something is due.
        whole_history: Ask all companies again, not only where something is due.
        only_due: Of a run on schedule: without a contact nothing is due, and that is said.
    """
    settings = Settings()
    if settings.sec_user_agent is None and not only_due:
        leave_out_engine_traces()
        return Failed(message=NO_CONTACT)
    with run("filings", settings, provider="sec") as this_run, ExitStack() as opened:
        if settings.sec_user_agent is None:
            this_run.note = NO_CONTACT
            return this_run.end_state()
        instant, sec = this_run.instant, opened.enter_context(open_sec(settings))
        if plan_company_tickers(instant, settings):
            listed = extract_company_tickers(instant, sec)
            found = new_mappings(listed.rows, read_held_ciks(settings))
            load(Batch(listed.fetches, ((TICKER, validate_batch(TICKER, found)),)), this_run)
        for day in plan_filing_index(instant, settings):
            index = extract_filing_index(day, instant, sec)
            load(Batch(index.fetches, dues=Dues(new_york_date(instant), index.rows)), this_run)
        asked, archive = plan_filings(tickers, whole_history, instant, settings), None
        if wants_archive(asked, settings):
            archive, fetches = download_archive(instant, sec)
            load(Batch(fetches), this_run)
            if archive is not None:
                opened.enter_context(archive)
        for number, batch in enumerate(company_batches(asked, settings.sec_batch_companies), 1):
            load_companies(extract_companies(batch, instant, sec, archive), instant, this_run)
            done = min(number * settings.sec_batch_companies, len(asked))
            get_run_logger().info("filings: %d of %d companies", done, len(asked))
    return this_run.end_state()

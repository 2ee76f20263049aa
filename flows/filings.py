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

from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Failed
from pydantic import Field

from tasks.bring import (
    bring_companies,
    bring_company_tickers,
    bring_filing_index,
    open_archive,
)
from tasks.extract.sec_client import NO_CONTACT, open_sec
from tasks.plan import in_batches
from tasks.plan_filings import plan_filing_index, plan_filings
from tasks.record import run
from tasks.report import leave_out_engine_traces
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
    with run("filings", settings, provider="sec") as this_run:
        if settings.sec_user_agent is None:
            this_run.note = NO_CONTACT
            return this_run.end_state()
        instant = this_run.instant
        with open_sec(settings) as sec:
            bring_company_tickers(this_run, sec)
            # before the companies: it names those to ask for
            for day in plan_filing_index(instant, settings):
                bring_filing_index(day, this_run, sec)
            asked = plan_filings(tickers, whole_history, instant, settings)
            with open_archive(asked, this_run, sec) as archive:
                batches = in_batches(asked, settings.sec_batch_companies)
                for number, batch in enumerate(batches, start=1):
                    bring_companies(batch, this_run, sec, archive)
                    done = min(number * settings.sec_batch_companies, len(asked))
                    get_run_logger().info("filings: %d of %d companies", done, len(asked))
    return this_run.end_state()

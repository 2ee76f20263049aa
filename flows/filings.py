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

from tasks.extract.sec.client import MISSING_USER_AGENT_MESSAGE, open_sec_session
from tasks.ingest import (
    ingest_companies,
    ingest_company_tickers,
    ingest_filing_index,
    open_bulk_facts,
)
from tasks.plan.filings import plan_filing_index, plan_filings
from tasks.plan.prices import batched
from tasks.run.artifact import suppress_engine_tracebacks
from tasks.run.context import open_run
from warehouse.settings import Settings

Ticker = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9\-]{0,14}$")]


@flow(name="filings")
def refresh_filings(
    tickers: list[Ticker] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    full_history: bool = False,
    only_stale: bool = False,
) -> State:
    """Extracts, validates and loads companies and their facts.

    Args:
        tickers: Companies to ask again, by their tickers; none: all where something is due.
        full_history: Ask all companies again, not only where something is due.
        only_stale: Of a run on schedule: without a contact nothing is due, and that is said.
    """
    settings = Settings()
    if settings.sec_user_agent is None and not only_stale:
        suppress_engine_tracebacks()
        return Failed(message=MISSING_USER_AGENT_MESSAGE)
    with open_run("filings", settings, provider="sec") as run:
        if settings.sec_user_agent is None:
            run.message = MISSING_USER_AGENT_MESSAGE
            return run.end_state()
        instant = run.now
        with open_sec_session(settings) as sec:
            ingest_company_tickers(run, sec)
            # before the companies: it names those to ask for
            for day in plan_filing_index(instant, settings):
                ingest_filing_index(day, run, sec)
            asked = plan_filings(tickers, full_history, instant, settings)
            with open_bulk_facts(asked, run, sec) as bulk_facts:
                batches = batched(asked, settings.sec_batch_companies)
                for number, batch in enumerate(batches, start=1):
                    ingest_companies(batch, run, sec, bulk_facts)
                    done = min(number * settings.sec_batch_companies, len(asked))
                    get_run_logger().info("filings: %d of %d companies", done, len(asked))
    return run.end_state()

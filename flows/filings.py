"""Refresh facts of the indexes' companies from their SEC filings.

Refreshes: `company_ticker`, `company` and `company_fact` of all that are or were in an index, or of
the tickers named.
When: at 06:00 New York on weekdays, when the previous day's index is published, and every evening.
Settings: `ROTATION_SEC_*`; without `ROTATION_SEC_USER_AGENT` nothing is requested: the run fails
with the reason; a scheduled run completes with it. `warehouse/reference/concept.csv` lists the
facts to load.
Degrades: a company or a day without data is in the fetch log with its reason and is requested
again by the next run; the others are loaded. A block by the SEC pauses all requests to it, and a
second one ends the run. If the SEC lists no company of the indexes, nothing is requested.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Failed
from pydantic import Field

from tasks.extract.sec.client import MISSING_USER_AGENT_MESSAGE, open_sec_session
from tasks.ingest import (
    ingest,
    ingest_plan,
    open_bulk_facts,
    sec_companies,
    sec_company_tickers,
    sec_filing_index,
)
from tasks.plan.filings import plan_company_tickers, plan_filing_index, plan_filings
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
    """Ingest companies and their facts.

    Args:
        tickers: Companies to request again, by ticker; none: all with something due.
        full_history: Request all companies again, not only those with something due.
        only_stale: For scheduled runs: without a SEC contact the run completes with a message.
    """
    settings = Settings()
    if settings.sec_user_agent is None and not only_stale:
        suppress_engine_tracebacks()
        return Failed(message=MISSING_USER_AGENT_MESSAGE)
    with open_run("filings", settings, provider="sec") as run:
        if settings.sec_user_agent is None:
            run.message = MISSING_USER_AGENT_MESSAGE
            return run.to_prefect_state()
        with open_sec_session(settings) as sec:
            ingest_plan(sec_company_tickers(sec), plan_company_tickers(run.now, settings), run)
            # before the companies: the index lists those to request
            for day in plan_filing_index(run.now, settings):
                ingest(sec_filing_index(sec), day, run)
            plan = plan_filings(tickers, full_history, run.now, settings)
            with open_bulk_facts(plan.requests, run, sec) as bulk_facts:
                ingest_plan(sec_companies(sec, bulk_facts), plan, run)
    return run.to_prefect_state()

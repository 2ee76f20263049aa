"""Load past index members from the funds' quarterly reports to the SEC, Form N-PORT.

Refreshes: `index_membership` of the funds that have a series in `warehouse/reference/fund.csv`, for
quarters since late 2019 of which no holdings file was known sooner.
When: on Saturdays; a report is public about 60 days after its quarter. The first run, or a run
after `start` was moved, loads all quarters: it is its own backfill.
Settings: `ROTATION_FUNDS`, `ROTATION_SEC_*`; without its user agent nothing is requested.
Degrades: a report without data is in the fetch log with its reason and is requested again by the
next run; the others are loaded. Positions of unknown companies are quarantined by name.
"""

from datetime import date
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Failed
from pydantic import Field

from tasks.extract.sec.client import MISSING_USER_AGENT_MESSAGE, open_sec_session
from tasks.extract.sec.fund_reports import extract_trust_filings, find_fund_reports
from tasks.ingest import ingest_plan, sec_fund_reports
from tasks.load.load import load
from tasks.plan.batched import Plan
from tasks.plan.past_holdings import (
    first_report_date,
    followed_series,
    select_due_reports,
)
from tasks.run.artifact import suppress_engine_tracebacks
from tasks.run.context import open_run
from warehouse.settings import Settings

Fund = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


@flow(name="past-holdings")
def refresh_past_holdings(
    funds: list[Fund] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    start: date | None = None,
    refetch: bool = False,
    only_stale: bool = False,
) -> State:
    """Ingest past index members.

    Args:
        funds: Funds to load; none: those of the settings.
        start: First report date; none: the first one of use for the stored history.
        refetch: Load stored reports again, for companies that have become known since.
        only_stale: For scheduled runs: without a SEC contact the run completes with a message.
    """
    settings = Settings()
    if settings.sec_user_agent is None and not only_stale:
        suppress_engine_tracebacks()
        return Failed(message=MISSING_USER_AGENT_MESSAGE)
    with open_run("past-holdings", settings, provider="sec") as run:
        if settings.sec_user_agent is None:
            run.message = MISSING_USER_AGENT_MESSAGE
            return run.to_prefect_state()
        with open_sec_session(settings) as sec:
            for trust, series in followed_series(funds or settings.funds).items():
                first = start or first_report_date(settings)
                listed = extract_trust_filings(trust, first, run.now, sec)
                run.add(load(listed.fetches, (), run.writer))
                due = select_due_reports(listed.filings, series, refetch, settings)
                requests, failed_fetches = find_fund_reports(trust, due, series, sec)
                run.add(load(failed_fetches, (), run.writer))
                ingest_plan(sec_fund_reports(sec, settings), Plan(requests, 1), run)
    return run.to_prefect_state()

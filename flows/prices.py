"""Refresh daily prices and corporate actions.

Refreshes: `daily_price` and `corporate_action` of the newest index members, the pairs' legs and
the watch list, or of the tickers named.
When: after the close of each session.
Settings: `ROTATION_YAHOO_*`, `ROTATION_HISTORY_START`, `ROTATION_OVERLAP_SESSIONS`.
Degrades: a ticker without data is in the fetch log with its reason; a batch that breaks a critical
rule is not loaded; all others are. Throttling, an outage or a refused batch ends the run as
Degraded; an unknown ticker does not.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.ingest import ingest_plan, yahoo_prices
from tasks.plan.prices import plan_prices
from tasks.run.context import open_run
from warehouse.settings import Settings

Ticker = Annotated[str, Field(pattern=r"^\^?[A-Z0-9][A-Z0-9.\-=]{0,14}$")]


@flow(name="prices")
def refresh_prices(
    tickers: list[Ticker] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    full_history: bool = False,
    only_stale: bool = False,
) -> State:
    """Ingest daily bars and corporate actions.

    Args:
        tickers: Yahoo tickers to refresh; none: the whole universe.
        full_history: Request everything since the first session again, not only new bars.
        only_stale: Skip tickers fetched since the newest close. On a day without a session, or
            after another run has done the work, there is nothing to do.
    """
    settings = Settings()
    with open_run("prices", settings, provider="yahoo") as run:
        plan = plan_prices(tickers, full_history, only_stale, run)
        ingest_plan(yahoo_prices(settings), plan, run)
    return run.to_prefect_state()

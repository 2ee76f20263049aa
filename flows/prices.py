"""Daily prices and corporate actions.

Refreshes: `daily_price` and `corporate_action` of the newest index members, the pairs' legs and
the watch list, or of the tickers named.
When: after the close of each session.
Settings: `ROTATION_YAHOO_*`, `ROTATION_HISTORY_START`, `ROTATION_OVERLAP_SESSIONS`.
Degrades: a ticker that brings nothing is in the ledger with its reason; a batch that breaks a
critical rule is left out; all others load. Throttling, an outage or a refused batch ends the run as
Degraded, a symbol that Yahoo does not know does not.
"""

from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.extract.yahoo.extract import yahoo_request_policy
from tasks.ingest import ingest_prices
from tasks.plan.prices import batched, plan_prices
from tasks.plan.release_times import skip_up_to_date
from tasks.run.context import open_run
from warehouse.settings import Settings

Ticker = Annotated[str, Field(pattern=r"^\^?[A-Z0-9][A-Z0-9.\-=]{0,14}$")]


@flow(name="prices")
def refresh_prices(
    tickers: list[Ticker] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    full_history: bool = False,
    only_stale: bool = False,
) -> State:
    """Extracts, validates and loads daily bars and corporate actions.

    Args:
        tickers: Yahoo symbols to refresh; none: the whole universe.
        full_history: Ask for everything since the first session again, not only for what is new.
        only_stale: Leave out what was asked for since the newest close. Nothing is left on a day
            without a session, or in a run that starts late, after another has done its work.
    """
    settings = Settings()
    with open_run("prices", settings, provider="yahoo") as run:
        windows = plan_prices(tickers, full_history, settings)
        if only_stale:
            windows = skip_up_to_date("daily_price", windows, full_history, run)
        dealings = yahoo_request_policy(settings)
        for number, asked in enumerate(batched(windows, settings.yahoo_batch_tickers), start=1):
            ingest_prices(asked, run, dealings)
            done = min(number * settings.yahoo_batch_tickers, len(windows))
            get_run_logger().info("prices: %d of %d tickers", done, len(windows))
    return run.end_state()

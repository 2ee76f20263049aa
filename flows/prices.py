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

from tasks.bring import bring_prices
from tasks.due import leave_out_asked
from tasks.extract.yahoo import dealings_with_yahoo
from tasks.plan import in_batches, plan_prices
from tasks.record import run
from warehouse.settings import Settings

Ticker = Annotated[str, Field(pattern=r"^\^?[A-Z0-9][A-Z0-9.\-=]{0,14}$")]


@flow(name="prices")
def refresh_prices(
    tickers: list[Ticker] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    whole_history: bool = False,
    only_due: bool = False,
) -> State:
    """Extracts, validates and loads daily bars and corporate actions.

    Args:
        tickers: Yahoo symbols to refresh; none: the whole universe.
        whole_history: Ask for everything since the first session again, not only for what is new.
        only_due: Leave out what was asked for since the newest close. Nothing is left on a day
            without a session, or in a run that starts late, after another has done its work.
    """
    settings = Settings()
    with run("prices", settings, provider="yahoo") as this_run:
        windows = plan_prices(tickers, whole_history, settings)
        if only_due:
            windows = leave_out_asked("daily_price", windows, whole_history, this_run)
        dealings = dealings_with_yahoo(settings)
        for number, asked in enumerate(in_batches(windows, settings.yahoo_batch_tickers), start=1):
            bring_prices(asked, this_run, dealings)
            done = min(number * settings.yahoo_batch_tickers, len(windows))
            get_run_logger().info("prices: %d of %d tickers", done, len(windows))
    return this_run.end_state()

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

from expectations import corporate_action, daily_price
from tasks.clock import now
from tasks.extract.yahoo import dealings_with_yahoo, extract_prices
from tasks.load import Batch, load
from tasks.plan import in_batches, plan_prices, read_held_closes
from tasks.record import run
from tasks.validate import BatchRefused, validate_batch
from warehouse.settings import Settings

Ticker = Annotated[str, Field(pattern=r"^\^?[A-Z0-9][A-Z0-9.\-=]{0,14}$")]


@flow(name="prices")
def refresh_prices(
    tickers: list[Ticker] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    whole_history: bool = False,
) -> State:
    """Extracts, validates and loads daily bars and corporate actions.

    Args:
        tickers: Yahoo symbols to refresh; none: the whole universe.
        whole_history: Ask for everything since the first session again, not only for what is new.
    """
    settings = Settings()
    with run("prices", settings) as this_run:
        instant = now(settings)
        windows = plan_prices(tickers, whole_history, settings)
        dealings = dealings_with_yahoo(settings)
        for number, asked in enumerate(in_batches(windows, settings.yahoo_batch_tickers), start=1):
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
                continue
            validated = ((daily_price.CONTRACT, bars), (corporate_action.CONTRACT, actions))
            load(Batch(reply.fetches, validated), this_run)
            done = min(number * settings.yahoo_batch_tickers, len(windows))
            get_run_logger().info("prices: %d of %d tickers", done, len(windows))
    return this_run.end_state()

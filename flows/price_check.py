"""Compare stored prices with a second source, Tiingo; nothing stored is replaced.

Refreshes: `audit.price_discrepancy`.
When: at the end of `daily`; off without a key.
Settings: `TIINGO_API_KEY`, `ROTATION_TIINGO_*`.
Degrades: a ticker without a reply is in the fetch log with its reason and is not compared: no
reply is no agreement, but an empty reply lacks the bars that are stored. Throttling or an outage
ends the run as Degraded; any run that compared no ticker it requested is Failed. The next run
tries again.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.extract.tiingo.extract import PROVIDER, extract_second_prices
from tasks.load.price_discrepancies import DiscrepancyCounts, EndedItems, store_comparison
from tasks.plan.price_check import PriceCheckPlan, plan_price_check, read_stored_side
from tasks.run.artifact import suppress_engine_tracebacks
from tasks.run.context import RunContext, open_run
from tasks.run.log import run_logger
from tasks.run.totals import RunTotals
from tasks.validate.compare_prices import (
    Comparison,
    compare_prices,
    find_sessions_without_bars,
)
from warehouse.settings import Settings

# an empty reply states that there are no bars
ANSWERED = ("loaded", "empty")
OFF = "Off: TIINGO_API_KEY is not set, so prices are not compared with a second source."


@flow(name="price-check")
def refresh_price_check(only_stale: bool = False) -> State:
    """Compare the newest closes and splits with a second source.

    Args:
        only_stale: Skip tickers compared since the newest close, unless both sources differed.
    """
    settings = Settings()
    if settings.tiingo_api_key is None:
        return Completed(message=OFF)
    suppress_engine_tracebacks()
    with open_run("price-check", settings, provider=PROVIDER) as run:
        plan = plan_price_check(only_stale, run)
        run.message = plan.message
        if plan.requests:
            _compare(plan, run)
    return run.to_prefect_state()


def _compare(plan: PriceCheckPlan, run: RunContext) -> None:
    """Request, compare and store, and add what was found to the run."""
    extract = extract_second_prices(plan.requests, plan.max_requests, run.settings)
    fetches = extract.fetches
    answered = {*fetches.loc[fetches["status"].isin(ANSWERED), "item"]}
    unknown = {*fetches.loc[fetches["status"] == "not_found", "item"]}
    windows = {
        request.ticker: [day for day in plan.sessions if day >= request.start]
        for request in plan.requests
        if request.ticker in answered
    }
    stored = read_stored_side(plan, run.settings)
    comparisons = compare_prices(windows, stored.closes, stored.splits, extract.sessions)
    ended = EndedItems(
        {*plan.renamed, *unknown},
        find_sessions_without_bars(windows, stored.closes, extract.sessions),
    )
    counts = store_comparison(fetches, comparisons, ended, PROVIDER, run.writer)
    totals = RunTotals()
    totals.record_fetches(fetches)
    run.add(totals)
    if not comparisons:
        run.validation_failures.append("Nothing was compared with the second source.")
    run.message = " ".join(filter(None, (_describe(plan, comparisons, counts), plan.message)))
    for each in comparisons:
        if each.is_different:
            run_logger().warning("%s", each)


def _describe(
    plan: PriceCheckPlan, comparisons: list[Comparison], counts: DiscrepancyCounts
) -> str:
    compared = {each.ticker for each in comparisons}
    closes = [each.session_date for each in comparisons if each.field == "close"]
    newest = f" to {max(closes)}" if closes else ""
    return (
        f"{len(compared)} of {len(plan.requests)} tickers compared with Tiingo, {len(closes)}"
        f" closes{newest}: {counts.new} new differences, {counts.open} open from before,"
        f" {counts.resolved} resolved."
    )

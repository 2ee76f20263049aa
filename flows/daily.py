"""Refresh everything in order: holdings, prices, macro, filings, derived tables; check prices.

Refreshes: all tables, and the report.
When: at 18:30 New York on weekdays, and at 21:30 what is still stale.
Degrades: sources are independent. If one fails, the others are loaded, and the derived tables use
what was loaded. The run ends as Degraded if a source lacks some of its items, and as Failed if one
loaded nothing at all or the derived tables failed. Without a report, or if a second source of
prices is set and did not reply, it is Degraded.
"""

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.derived import refresh_derived
from flows.filings import refresh_filings
from flows.holdings import refresh_holdings
from flows.macro import refresh_macro
from flows.price_check import refresh_price_check
from flows.prices import refresh_prices
from tasks.report.publish import make_report
from warehouse.settings import Settings

# they come after the data and the run does not fail with them
OPTIONAL = ("report", "price-check")


@flow(name="daily")
def refresh_daily(only_stale: bool = False) -> State:
    """Refresh every source, then all derived tables.

    Args:
        only_stale: Skip items already fetched since the source's latest release. On non-trading
            days, or after another run, there is nothing to do.
    """
    states: dict[str, State] = {}
    # holdings first: their members decide which tickers are requested
    for source in (refresh_holdings, refresh_prices, refresh_macro):
        states[source.name] = source(only_stale=only_stale, return_state=True)
    # it requests only due filings in any case; this flag makes a missing contact no failure
    states["filings"] = refresh_filings(only_stale=True, return_state=True)
    states["derived"] = refresh_derived(return_state=True)
    # after the data, and of no run: if it fails, the data are there all the same
    states["report"] = make_report(Settings(), return_state=True)
    # last: a second source that hangs delays nothing
    states["price-check"] = refresh_price_check(only_stale=only_stale, return_state=True)
    for name, state in states.items():
        get_run_logger().info("%s: %s\n%s", name, state.name, state.message or "")
    not_completed = [
        f"{name}: {state.name}" for name, state in states.items() if state.name != "Completed"
    ]
    if not all(state.is_completed() for name, state in states.items() if name not in OPTIONAL):
        return Failed(message="; ".join(not_completed))
    if not_completed:
        return Completed(name="Degraded", message="; ".join(not_completed))
    return Completed(message="All sources and derived tables are up to date.")

"""Everything, in order: holdings, prices, macro, filings, then what is derived from them.

Refreshes: all tables.
When: at 18:30 New York on weekdays, and at 21:30 what 18:30 did not get.
Degrades: sources are independent. One that fails leaves the others to load, and the derived tables
follow what was loaded. The run ends as Degraded where a source lacks some of what was asked, and
as Failed where one brought nothing at all or the derived tables failed.
"""

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.derived import refresh_derived
from flows.filings import refresh_filings
from flows.holdings import refresh_holdings
from flows.macro import refresh_macro
from flows.prices import refresh_prices


@flow(name="daily")
def refresh_daily(only_stale: bool = False) -> State:
    """Refreshes every source, then everything derived.

    Args:
        only_stale: Leave out what was asked for since its source had something new to tell. On a
            day without a session, and in a run that starts late, after another has done its
            work, nothing is left.
    """
    states: dict[str, State] = {}
    # holdings first: they say which tickers there are
    for source in (refresh_holdings, refresh_prices, refresh_macro):
        states[source.name] = source(only_stale=only_stale, return_state=True)
    # it asks for no more than what is due in any case
    states["filings"] = refresh_filings(only_stale=True, return_state=True)
    states["derived"] = refresh_derived(return_state=True)
    for name, end in states.items():
        get_run_logger().info("%s: %s\n%s", name, end.name, end.message or "")
    not_completed = [
        f"{name}: {end.name}" for name, end in states.items() if end.name != "Completed"
    ]
    if not all(end.is_completed() for end in states.values()):
        return Failed(message="; ".join(not_completed))
    if not_completed:
        return Completed(name="Degraded", message="; ".join(not_completed))
    return Completed(message="All sources and derived tables are up to date.")

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
def refresh_daily(only_due: bool = False) -> State:
    """Refreshes every source, then everything derived.

    Args:
        only_due: Leave out what was asked for since its source had something new to tell. On a
            day without a session, and in a run that starts late, after another has done its
            work, nothing is left.
    """
    ends: dict[str, State] = {}
    # holdings first: they say which tickers there are
    for source in (refresh_holdings, refresh_prices, refresh_macro):
        ends[source.name] = source(only_due=only_due, return_state=True)
    # it asks for no more than what is due in any case
    ends["filings"] = refresh_filings(only_due=True, return_state=True)
    ends["derived"] = refresh_derived(return_state=True)
    for name, end in ends.items():
        get_run_logger().info("%s: %s\n%s", name, end.name, end.message or "")
    short = [f"{name}: {end.name}" for name, end in ends.items() if end.name != "Completed"]
    if not all(end.is_completed() for end in ends.values()):
        return Failed(message="; ".join(short))
    if short:
        return Completed(name="Degraded", message="; ".join(short))
    return Completed(message="All sources and derived tables are up to date.")

"""Refresh index members from the holdings files of index funds.

Refreshes: `index_membership` of the funds in `ROTATION_FUNDS`, or of those named.
When: on weekday mornings; a file describes the close before.
Settings: `ROTATION_FUNDS`, `ROTATION_ISHARES_*`, `warehouse/reference/fund.csv`.
Degrades: a fund without data is in the fetch log with its reason; the others are loaded. An outage
ends the run as Degraded, a day without a file does not. Prices follow the newest stored members.
"""

from datetime import date
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.ingest import ingest_plan, ishares_holdings
from tasks.plan.holdings import plan_holdings
from tasks.run.context import open_run
from warehouse.settings import Settings

Fund = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


@flow(name="holdings")
def refresh_holdings(
    funds: list[Fund] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    holdings_dates: list[date] = [],  # noqa: B006
    only_stale: bool = False,
) -> State:
    """Ingest index members.

    Args:
        funds: Funds to refresh; none: those of the settings.
        holdings_dates: Dates of the files to request; none: the newest file of each fund.
        only_stale: Skip funds with their newest due file already fetched.
    """
    settings = Settings()
    with open_run("holdings", settings, provider="ishares") as run:
        plan = plan_holdings(funds, holdings_dates, only_stale, run)
        ingest_plan(ishares_holdings(settings), plan, run)
    return run.to_prefect_state()

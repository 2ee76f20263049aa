"""Index members, from the holdings files of the funds that follow the indexes.

Refreshes: `index_membership` of the funds in `ROTATION_FUNDS`, or of those named.
When: on weekday mornings; a file describes the close before.
Settings: `ROTATION_FUNDS`, `ROTATION_ISHARES_*`, `warehouse/reference/fund.csv`.
Degrades: a fund that brings nothing is in the ledger with its reason; the others load. An outage
ends the run as Degraded, a day without a file does not. Prices follow the newest members held.
"""

from datetime import date
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.extract.ishares.extract import ishares_request_policy
from tasks.ingest import ingest_holdings
from tasks.plan.prices import plan_holdings
from tasks.plan.release_times import skip_up_to_date
from tasks.run.context import open_run
from warehouse.settings import Settings

Fund = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


@flow(name="holdings")
def refresh_holdings(
    funds: list[Fund] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    holdings_dates: list[date] = [],  # noqa: B006
    only_stale: bool = False,
) -> State:
    """Extracts, validates and loads index members.

    Args:
        funds: Funds to refresh; none: those of the settings.
        holdings_dates: Days whose files to ask for; none: the newest file of each fund.
        only_stale: Leave out funds that were asked for their newest file since one was due.
    """
    settings = Settings()
    with open_run("holdings", settings, provider="ishares") as run:
        requests = plan_holdings(funds, holdings_dates, settings)
        if only_stale:
            requests = skip_up_to_date("index_membership", requests, False, run)
        dealings = ishares_request_policy(settings)
        for request in requests:
            ingest_holdings(request, run, dealings)
    return run.end_state()

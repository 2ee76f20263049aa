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

from tasks.bring import bring_holdings
from tasks.due import leave_out_asked
from tasks.extract.ishares import dealings_with_ishares
from tasks.plan import plan_holdings
from tasks.record import run
from warehouse.settings import Settings

Fund = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


@flow(name="holdings")
def refresh_holdings(
    funds: list[Fund] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    as_of_dates: list[date] = [],  # noqa: B006
    only_due: bool = False,
) -> State:
    """Extracts, validates and loads index members.

    Args:
        funds: Funds to refresh; none: those of the settings.
        as_of_dates: Days whose files to ask for; none: the newest file of each fund.
        only_due: Leave out funds that were asked for their newest file since one was due.
    """
    settings = Settings()
    with run("holdings", settings, provider="ishares") as this_run:
        requests = plan_holdings(funds, as_of_dates, settings)
        if only_due:
            requests = leave_out_asked("index_membership", requests, False, this_run)
        dealings = dealings_with_ishares(settings)
        for request in requests:
            bring_holdings(request, this_run, dealings)
    return this_run.end_state()

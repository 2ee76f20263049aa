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

from expectations import index_membership
from tasks.clock import now
from tasks.extract.ishares import extract_holdings, no_shares
from tasks.load import Batch, load
from tasks.plan import plan_holdings, read_previous_members
from tasks.record import run
from tasks.validate import BatchRefused, set_aside, validate_batch
from warehouse.settings import Settings

Fund = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


@flow(name="holdings")
def refresh_holdings(
    funds: list[Fund] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    as_of_dates: list[date] = [],  # noqa: B006
) -> State:
    """Extracts, validates and loads index members.

    Args:
        funds: Funds to refresh; none: those of the settings.
        as_of_dates: Days whose files to ask for; none: the newest file of each fund.
    """
    settings = Settings()
    with run("holdings", settings) as this_run:
        instant = now(settings)
        for request in plan_holdings(funds, as_of_dates, settings):
            reply = extract_holdings([request], instant, settings)
            previous = read_previous_members(reply.members, settings)
            try:
                members = validate_batch(
                    index_membership.CONTRACT,
                    index_membership.with_context(reply.members, previous),
                )
            except BatchRefused as refusal:
                load(Batch(reply.fetches, refusal=refusal), this_run)
                continue
            members = set_aside(index_membership.CONTRACT, members, no_shares(reply.excluded))
            load(Batch(reply.fetches, ((index_membership.CONTRACT, members),)), this_run)
    return this_run.end_state()

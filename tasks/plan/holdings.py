"""Plan holdings requests: one file per fund and date, and the sizes of earlier snapshots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.extract.ishares.extract import HoldingsRequest, get_fund
from tasks.plan.batched import Plan
from tasks.plan.last_fetches import skip_up_to_date
from tasks.run.context import RunContext
from warehouse.connect.connections import connect
from warehouse.settings import Settings


@dataclass(frozen=True)
class StoredSnapshots:
    """The stored number of members by snapshot date."""

    member_counts: Mapping[date, int]

    def previous_member_count(self, holdings_date: date) -> int | None:
        """Return the member count of the newest snapshot before a date; None if there is none."""
        earlier = [day for day in self.member_counts if day < holdings_date]
        return self.member_counts[max(earlier)] if earlier else None


@task(name="plan holdings", cache_policy=NO_CACHE)
def plan_holdings(
    funds: Sequence[str], holdings_dates: Sequence[date], only_stale: bool, run: RunContext
) -> Plan[HoldingsRequest]:
    """Plan the holdings requests of a run: the newest file of each fund, or files of given dates.

    Args:
        funds: The funds; none: those of the settings.
        holdings_dates: The dates; none: the newest file.
        only_stale: Skip funds with their newest due file fetched.
        run: The run.
    """
    requests, message = (
        [
            HoldingsRequest(fund, holdings_date)
            for fund in funds or run.settings.funds
            for holdings_date in sorted(holdings_dates) or (None,)
        ],
        "",
    )
    if only_stale:
        requests, message = skip_up_to_date(
            "index_membership", requests, False, run.now, run.settings
        )
    return Plan(requests, 1, message)


def read_stored_snapshots(
    requests: Sequence[HoldingsRequest], settings: Settings
) -> StoredSnapshots:
    """Read the member counts that the file of a request is compared with.

    For a file of a given date, this is the snapshot before it; for the newest file, any, because
    its date is known from the reply only.
    """
    (request,) = requests
    with connect(settings) as connection:
        rows = connection.execute(
            """
            select as_of_date, count(*) from core.index_membership
            where index_code = %(index_code)s and (
                %(before)s::date is null or as_of_date = (
                    select max(as_of_date) from core.index_membership
                    where index_code = %(index_code)s and as_of_date < %(before)s::date
                )
            )
            group by as_of_date
            """,
            {
                "index_code": get_fund(request.fund)["index_code"],
                "before": request.holdings_date,
            },
        ).fetchall()
    return StoredSnapshots(dict(rows))

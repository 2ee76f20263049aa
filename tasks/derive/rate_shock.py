"""What a change of short rates does to interest, income and coverage, by index and sector."""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.rate_shock import CONTRACT
from tasks.derive import company_refinancing, debt_maturity
from tasks.derive.filers import (
    follow_after,
    quarterly_inputs,
    read_members,
    read_quarter_ends,
    schema_of,
)
from tasks.derive.follow import Derived, read_changes
from tasks.derive.index_debt import by_sector, shock_rows
from tasks.derive.members_debt import read_indexes
from warehouse import arrow
from warehouse.connections import bulk
from warehouse.settings import Settings

INPUTS = quarterly_inputs(CONTRACT.table)
UPSTREAM = {
    "debt_maturity": debt_maturity.INPUTS,
    "company_refinancing": company_refinancing.INPUTS,
}


@task(name="derive rate_shock", cache_policy=NO_CACHE)
def derive_rate_shock(settings: Settings) -> Derived | None:
    """Derives all shocks from the first quarter-end that a change reaches.

    Returns:
        The rows to publish; None where nothing changed.
    """
    with bulk(settings) as connection:
        # one snapshot: a load that commits meanwhile is followed next time
        arrow.execute(connection, "set transaction isolation level repeatable read read only")
        changes = read_changes(connection, CONTRACT.table, INPUTS)
        if not changes.first_dates:
            return None
        start = min(changes.first_dates.values())
        days = [day for day in read_quarter_ends(connection) if day >= start]
        members = read_members(connection, days) if days else None
        rows = [
            row
            | {
                "index_code": index_code,
                "sector": sector,
                "as_of_date": day,
                "membership_as_of": described,
                "is_backcast": is_backcast,
            }
            for day in days
            if members is not None
            for index_code, described, is_backcast, companies in read_indexes(
                connection, members, day
            )
            for sector, group in by_sector(companies).items()
            for row in shock_rows(group)
        ]
        changes = follow_after(connection, changes, UPSTREAM)
    frame = pl.DataFrame(rows, schema=schema_of(CONTRACT))
    return Derived(CONTRACT, frame, f"old.as_of_date >= '{start:%Y-%m-%d}'", changes)

"""What falls due when, by index and sector, with its coverage beside it."""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.tables.refinancing_wall import CONTRACT
from tasks.derive.incremental.changes import DerivedBatch, read_changes
from tasks.derive.refinancing import company_refinancing, debt_maturity
from tasks.derive.refinancing.index_totals import by_sector, wall_rows
from tasks.derive.refinancing.inputs_sql import (
    cap_watermarks,
    polars_schema,
    quarterly_inputs,
    read_members,
    read_quarter_ends,
    read_rates,
)
from tasks.derive.refinancing.read_index import read_index_companies
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.settings import Settings

INPUTS = quarterly_inputs(CONTRACT.table)
UPSTREAM = {
    "debt_maturity": debt_maturity.INPUTS,
    "company_refinancing": company_refinancing.INPUTS,
}


@task(name="derive refinancing_wall", cache_policy=NO_CACHE)
def derive_refinancing_wall(settings: Settings) -> DerivedBatch | None:
    """Derives all walls from the first quarter-end that a change reaches.

    Returns:
        The rows to publish; None where nothing changed.
    """
    with adbc_connection(settings) as connection:
        # one snapshot: a load that commits meanwhile is followed next time
        arrow.execute(connection, "set transaction isolation level repeatable read read only")
        changes = read_changes(connection, CONTRACT.table, INPUTS)
        if not changes.dirty_from:
            return None
        start = min(changes.dirty_from.values())
        days = [day for day in read_quarter_ends(connection) if day >= start]
        members = read_members(connection, days) if days else None
        rates = read_rates(connection)
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
            for index_code, described, is_backcast, companies in read_index_companies(
                connection, members, day
            )
            for sector, group in by_sector(companies).items()
            for row in wall_rows(group, rates.market_rate(index_code, day))
        ]
        changes = cap_watermarks(connection, changes, UPSTREAM)
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedBatch(CONTRACT, frame, f"old.as_of_date >= '{start:%Y-%m-%d}'", changes)

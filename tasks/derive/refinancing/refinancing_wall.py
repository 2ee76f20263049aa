"""What falls due when, by index and sector, with its coverage beside it."""

from collections.abc import Mapping
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.refinancing_wall import CONTRACT
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable, polars_schema
from tasks.derive.refinancing import company_refinancing, debt_maturity
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.index_totals import by_sector, wall_rows
from tasks.derive.refinancing.inputs_sql import quarterly_inputs
from tasks.derive.refinancing.read import read_quarter_ends, read_rates
from tasks.derive.refinancing.read_index import read_index_companies

INPUTS = quarterly_inputs(CONTRACT.table)


def derive_rows(connection: adbc.Connection, dirty_from: Mapping[str, date]) -> DerivedRows | None:
    """Derives all walls from the first quarter-end that a change reaches.

    Returns:
        The rows to publish; None where nothing changed.
    """
    if not dirty_from:
        return None
    start = min(dirty_from.values())
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
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, f"old.as_of_date >= '{start:%Y-%m-%d}'")


TABLE = DerivedTable(
    CONTRACT,
    INPUTS,
    derive_rows,
    upstream=(debt_maturity.TABLE, company_refinancing.TABLE),
    reference_files=("fund", "market_rate"),
)

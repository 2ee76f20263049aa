"""refinancing_wall: principal due by year, index and sector, with its coverage."""

from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.refinancing_wall import CONTRACT
from tasks.derive.incremental.changes import ChangeSet
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.index_totals import wall_rows
from tasks.derive.refinancing.inputs_sql import quarterly_inputs
from tasks.derive.refinancing.read import read_rates
from tasks.derive.refinancing.read_index import derive_by_sector


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive all walls from the first quarter-end that a change reaches."""
    rates = read_rates(connection)
    return derive_by_sector(
        connection,
        changes,
        CONTRACT,
        lambda companies, index_code, day: wall_rows(companies, rates.market_rate(index_code, day)),
    )


TABLE = DerivedTable(
    CONTRACT,
    quarterly_inputs(CONTRACT.table),
    _derive,
    logic_version=3,
    reference_files=("fund", "market_rate"),
)

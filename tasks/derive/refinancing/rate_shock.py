"""rate_shock: effect of short rates on interest, income and coverage, by index and sector."""

from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.rate_shock import CONTRACT
from tasks.derive.incremental.changes import ChangeSet
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.index_totals import shock_rows
from tasks.derive.refinancing.inputs_sql import quarterly_inputs
from tasks.derive.refinancing.read_index import derive_by_sector


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive all shocks from the first quarter-end that a change reaches."""
    return derive_by_sector(
        connection, changes, CONTRACT, lambda companies, _index_code, _day: shock_rows(companies)
    )


TABLE = DerivedTable(CONTRACT, quarterly_inputs(CONTRACT.table), _derive, reference_files=("fund",))

"""company_refinancing: debt, principal due, interest and coverage by quarter-end."""

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.company_refinancing import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.company_row import company_rows
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.inputs_sql import build_replace_where, quarterly_inputs
from tasks.derive.refinancing.read import (
    read_companies,
    read_company_profiles,
    read_facts,
    read_quarter_ends,
    read_rates,
)


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive each company from the first quarter-end that a change reaches."""
    start = min(changes.dirty_from.values())
    ends = read_quarter_ends(connection, start)
    if not ends:
        rows = pl.DataFrame(schema=polars_schema(CONTRACT))
        return DerivedRows(rows, f"old.as_of_date >= '{start.isoformat()}'")
    starts = read_companies(connection, changes)
    reached = {cik: day for cik, day in starts.items() if day <= ends[-1]}
    members = read_members(connection, ends)
    rates = read_rates(connection)
    profiles = read_company_profiles(connection)
    frames = [
        pl.DataFrame(
            [
                row | {"cik": cik}
                for row in company_rows(
                    facts,
                    [end for end in ends if end >= reached[cik]],
                    members.of(cik),
                    rates,
                    *profiles.get(cik, (None, None)),
                )
            ],
            schema=polars_schema(CONTRACT),
        )
        for cik, facts in read_facts(connection, [*reached])
    ]
    rows = pl.concat(frames) if frames else pl.DataFrame(schema=polars_schema(CONTRACT))
    return DerivedRows(rows, build_replace_where(starts, "as_of_date"))


TABLE = DerivedTable(
    CONTRACT,
    quarterly_inputs(CONTRACT.table),
    _derive,
    logic_version=4,
    reference_files=("concept", "filing_form", "fund", "market_rate"),
)

"""Companies' debt, what falls due, interest and coverage, by quarter-end."""

from collections.abc import Mapping
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.company_refinancing import CONTRACT
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable, polars_schema
from tasks.derive.refinancing.company_row import company_rows
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.inputs_sql import quarterly_inputs
from tasks.derive.refinancing.read import (
    build_replace_where,
    read_companies,
    read_company_profiles,
    read_facts,
    read_quarter_ends,
    read_rates,
)
from tasks.derive.xbrl.facts import concepts

INPUTS = quarterly_inputs(CONTRACT.table)


def derive_rows(connection: adbc.Connection, dirty_from: Mapping[str, date]) -> DerivedRows | None:
    """Derives each company from the first quarter-end that a change reaches.

    Returns:
        The rows to publish; None where every company is up to date.
    """
    if not dirty_from:
        return None
    starts = read_companies(connection, dirty_from)
    ends = read_quarter_ends(connection)
    touched = {cik: day for cik, day in starts.items() if ends and day <= ends[-1]}
    # a day that ends no quarter changes nothing
    members = read_members(connection, ends) if touched else None
    rates = read_rates(connection)
    particulars = read_company_profiles(connection)
    tags = [tag for ranked in concepts().values() for tag in ranked]
    frames = [
        pl.DataFrame(
            [
                row | {"cik": cik}
                for row in company_rows(
                    facts,
                    [end for end in ends if end >= touched[cik]],
                    members.of(cik),
                    rates,
                    *particulars.get(cik, (None, None)),
                )
            ],
            schema=polars_schema(CONTRACT),
        )
        for cik, facts in read_facts(connection, [*touched], tags)
        if members is not None
    ]
    rows = pl.concat(frames) if frames else pl.DataFrame(schema=polars_schema(CONTRACT))
    return DerivedRows(rows, build_replace_where(starts, "as_of_date"))


TABLE = DerivedTable(
    CONTRACT,
    INPUTS,
    derive_rows,
    reference_files=("concept", "fund", "market_rate"),
    logic_version=2,
)

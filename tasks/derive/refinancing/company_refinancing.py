"""Companies' debt, what falls due, interest and coverage, by quarter-end."""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.tables.company_refinancing import CONTRACT
from tasks.derive.incremental.changes import DerivedBatch, read_changes
from tasks.derive.refinancing.company_row import company_rows
from tasks.derive.refinancing.inputs_sql import (
    build_replace_where,
    polars_schema,
    quarterly_inputs,
    read_companies,
    read_company_profiles,
    read_facts,
    read_members,
    read_quarter_ends,
    read_rates,
)
from tasks.derive.xbrl.concepts import concepts
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.settings import Settings

INPUTS = quarterly_inputs(CONTRACT.table)


@task(name="derive company_refinancing", cache_policy=NO_CACHE)
def derive_company_refinancing(settings: Settings) -> DerivedBatch | None:
    """Derives each company from the first quarter-end that a change reaches.

    Returns:
        The rows to publish; None where every company is up to date.
    """
    with adbc_connection(settings) as connection:
        # one snapshot: a load that commits meanwhile is followed next time
        arrow.execute(connection, "set transaction isolation level repeatable read read only")
        changes = read_changes(connection, CONTRACT.table, INPUTS)
        if not changes.dirty_from:
            return None
        starts = read_companies(connection, changes)
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
    return DerivedBatch(CONTRACT, rows, build_replace_where(starts, "as_of_date"), changes)

"""company_refinancing: debt, principal due, interest and coverage by quarter-end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.company_refinancing import CONTRACT
from tasks.derive.debt.rates import Rates
from tasks.derive.incremental.changes import ChangeSet, InternalRows, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing import company_figures
from tasks.derive.refinancing.company_row import UNLISTED, IndexListing, company_rows
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.inputs_sql import build_replace_where, quarterly_inputs
from tasks.derive.refinancing.read import (
    facts_by_company,
    read_companies,
    read_company_profiles,
    read_fact_shards,
    read_quarter_ends,
    read_rates,
)
from tasks.run.task_runner import map_shards

# of company_refinancing and of company_figures
NO_ROWS = (
    pl.DataFrame(schema=polars_schema(CONTRACT)),
    pl.DataFrame(schema=company_figures.SCHEMA),
)


@dataclass(frozen=True)
class CompanyInputs:
    """What the rows of a company depend on beside its facts and the rates.

    Attributes:
        cik: The company.
        quarter_ends: The days to derive, in order.
        listings: Its line in an index, by the days on which an index lists it.
        fiscal_year_end: MMDD, where known.
        sic: The SEC's code of its industry, where known.
    """

    cik: int
    quarter_ends: Sequence[date]
    listings: Mapping[date, IndexListing]
    fiscal_year_end: str | None = None
    sic: str | None = None

    def listing_on(self, day: date) -> IndexListing:
        """Return its line in an index on a day."""
        return self.listings.get(day, UNLISTED)


def rows_of_companies(
    companies: Sequence[CompanyInputs], facts: pl.DataFrame, rates: Rates
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of a shard of companies, and their rows of `company_figures`.

    Both have one row per company and quarter-end.

    Args:
        companies: The companies of the shard.
        facts: All facts of these companies, as `read_fact_shards` yields them.
        rates: DFF and market rates as known.
    """
    by_cik = {each.cik: each for each in companies}
    rows = [
        row | {"cik": cik}
        for cik, company_facts in facts_by_company(facts, by_cik)
        for row in company_rows(
            company_facts,
            by_cik[cik].quarter_ends,
            by_cik[cik].listing_on,
            rates,
            by_cik[cik].fiscal_year_end,
            by_cik[cik].sic,
        )
    ]
    # each frame takes its own columns
    return (
        pl.DataFrame(rows, schema=polars_schema(CONTRACT)),
        pl.DataFrame(rows, schema=company_figures.SCHEMA),
    )


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive each company from the first quarter-end that a change reaches."""
    start = min(changes.dirty_from.values())
    ends = read_quarter_ends(connection, start)
    if not ends:
        return DerivedRows(
            NO_ROWS[0],
            f"old.as_of_date >= '{start.isoformat()}'",
            internal=InternalRows(company_figures.TABLE_NAME, NO_ROWS[1]),
        )
    starts = read_companies(connection, changes)
    reached = {cik: day for cik, day in starts.items() if day <= ends[-1]}
    members = read_members(connection, ends)
    rates = read_rates(connection)
    profiles = read_company_profiles(connection)

    def inputs_of(cik: int) -> CompanyInputs:
        days = [end for end in ends if end >= reached[cik]]
        listings = {day: listing for day in days if (listing := members.on(day).get(cik))}
        return CompanyInputs(cik, days, listings, *profiles.get(cik, (None, None)))

    shards = (
        ([inputs_of(cik) for cik in companies], facts, rates)
        for companies, facts in read_fact_shards(connection, [*reached])
    )
    rows, figures = zip(NO_ROWS, *map_shards(rows_of_companies, shards), strict=True)
    return DerivedRows(
        pl.concat(rows),
        build_replace_where(starts, "as_of_date"),
        internal=InternalRows(company_figures.TABLE_NAME, pl.concat(figures)),
    )


TABLE = DerivedTable(
    CONTRACT,
    quarterly_inputs(CONTRACT.table),
    _derive,
    logic_version=5,
    reference_files=("concept", "filing_form", "fund", "market_rate"),
)

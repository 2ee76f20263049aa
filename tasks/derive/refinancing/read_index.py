"""Reads index members by quarter-end with their refinancing rows and ladders."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Contract
from tasks.derive.debt.ladder_windows import Window, allocate_by_year, cents
from tasks.derive.debt.merged_ladders import FiledBuckets, complete_years, merge_filings
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows
from tasks.derive.refinancing.company_row import is_financial
from tasks.derive.refinancing.index_membership import IndexMembership, read_members
from tasks.derive.refinancing.index_totals import IndexCompany, by_sector
from tasks.derive.refinancing.read import read_quarter_ends
from warehouse.connect import arrow


def read_principal_by_year(connection: adbc.Connection, day: date) -> dict[int, dict[int, int]]:
    """Return principal due by calendar year, of every company whose ladder counts.

    A ladder's filings are merged as in `company_refinancing`; years after the near ladder's are
    those of the whole one.

    Returns:
        Company to calendar year to cents; companies with an amount that has no dates left out.
    """
    rows = arrow.read(
        connection,
        """
        select
            ladder.cik, ladder.period_end = company.near_ladder_period_end as is_near,
            ladder.accession_number, ladder.bucket, ladder.amount_usd,
            ladder.window_start, ladder.window_end
        from derived.company_refinancing as company
        join derived.debt_maturity as ladder
            on ladder.cik = company.cik and (ladder.period_end, ladder.family) in (
                (company.near_ladder_period_end, company.near_ladder_family),
                (company.ladder_period_end, company.ladder_family)
            )
        where company.as_of_date = $1 and not company.is_ladder_stale
            and not company.is_ladder_implausible
            and ladder.known_from <= $1
        order by ladder.cik, ladder.filed_date, ladder.accession_number, ladder.bucket
        """,
        (day,),
    )
    filed: dict[int, dict[bool, dict[str, FiledBuckets]]] = {}
    for cik, is_near, accession, bucket, amount, start, end in rows.iter_rows():
        window = None if start is None else Window(start, end)
        filings = filed.setdefault(cik, {True: {}, False: {}})[is_near]
        filings.setdefault(accession, {})[bucket] = (cents(amount), window)
    found: dict[int, dict[int, int]] = {}
    for cik, ladders in filed.items():
        near, whole = (merge_filings(ladders[is_near].values()) for is_near in (True, False))
        parts = complete_years(near, whole)
        # an amount without dates cannot be placed, unless it is 0
        if any(amount for amount, window in parts if window is None):
            continue
        years: dict[int, int] = {}
        for amount, window in parts:
            for year, part in (
                allocate_by_year(amount, window).items() if window is not None else ()
            ):
                years[year] = years.get(year, 0) + part
        if years:
            found[cik] = years
    return found


def read_index_companies(
    connection: adbc.Connection, members: IndexMembership, day: date
) -> Iterator[tuple[str, date, bool, list[IndexCompany]]]:
    """Yield each index's companies on a day.

    Two share classes of one company are one; a listing without a known filer is one company.

    Yields:
        Index code, the day that its snapshot describes, whether that is backcast, companies.
    """
    stored = arrow.read(
        connection,
        """
        select stored.*, company.sic
        from derived.company_refinancing as stored left join core.company as company using (cik)
        where stored.as_of_date = $1
        """,
        (day,),
    )
    rows = {
        row["cik"]: row | {"is_financial": is_financial(row["sector"], row["sic"])}
        for row in stored.iter_rows(named=True)
    }
    principal_by_year = read_principal_by_year(connection, day)
    for index_code in members.indexes:
        listed, is_backcast = members.listed(index_code, day)
        companies, seen = [], set[int]()
        for cik, sector in listed.select("cik", "sector").iter_rows():
            if cik is not None and cik in seen:
                continue
            if cik is not None:
                seen.add(cik)
            companies.append(IndexCompany(sector, rows.get(cik, {}), principal_by_year.get(cik)))
        yield index_code, listed["as_of_date"][0], is_backcast, companies


def derive_by_sector(
    connection: adbc.Connection,
    changes: ChangeSet,
    contract: Contract,
    rows_of: Callable[[list[IndexCompany], str, date], list[dict[str, Any]]],
) -> DerivedRows:
    """Derive a table by index and sector from the first quarter-end that a change reaches.

    Args:
        connection: In the transaction in which the changes were read.
        changes: Of the table's inputs.
        contract: Of the table.
        rows_of: Returns the rows of a group of companies in an index on a day, without the
            columns that all these tables share.
    """
    start = min(changes.dirty_from.values())
    days = read_quarter_ends(connection, start)
    members = read_members(connection, days) if days else None
    rows = [
        row
        | {
            "index_code": index_code,
            "sector": sector,
            "as_of_date": day,
            "membership_as_of": membership_as_of,
            "is_backcast": is_backcast,
        }
        for day in days
        if members is not None
        for index_code, membership_as_of, is_backcast, companies in read_index_companies(
            connection, members, day
        )
        for sector, group in by_sector(companies).items()
        for row in rows_of(group, index_code, day)
    ]
    frame = pl.DataFrame(rows, schema=polars_schema(contract))
    return DerivedRows(frame, f"old.as_of_date >= '{start.isoformat()}'")

"""Reads the members of indexes by quarter-end, with their rows and ladders."""

from collections.abc import Iterator
from datetime import date

from adbc_driver_postgresql import dbapi as adbc

from tasks.derive.debt.ladder_windows import Window, allocate_by_year, cents
from tasks.derive.debt.ladders import Buckets, merge_filings
from tasks.derive.refinancing.company_row import is_financial
from tasks.derive.refinancing.index_totals import IndexCompany
from tasks.derive.refinancing.inputs_sql import IndexMembership
from warehouse.connect import arrow


def read_principal_by_year(connection: adbc.Connection, day: date) -> dict[int, dict[int, int]]:
    """What falls due by calendar year, of every company whose ladder counts.

    A ladder's filings are merged as in `company_refinancing`.

    Returns:
        Company to calendar year to cents; companies with an amount that has no dates left out.
    """
    rows = arrow.read(
        connection,
        f"""
        select
            ladder.cik, ladder.accession_number, ladder.bucket, ladder.amount_usd,
            ladder.window_start, ladder.window_end
        from derived.company_refinancing as company
        join derived.debt_maturity as ladder
            on ladder.cik = company.cik and ladder.period_end = company.ladder_period_end
            and ladder.family = company.ladder_family
        where company.as_of_date = '{day:%Y-%m-%d}' and not company.is_ladder_stale
            and not company.is_ladder_implausible
            and ladder.known_from <= '{day:%Y-%m-%d}'
        order by ladder.cik, ladder.filed_date, ladder.accession_number, ladder.bucket
        """,
    )
    filed: dict[int, dict[str, Buckets]] = {}
    for cik, accession, bucket, amount, start, end in rows.iter_rows():
        window = None if start is None else Window(start, end)
        filed.setdefault(cik, {}).setdefault(accession, {})[bucket] = (cents(amount), window)
    found: dict[int, dict[int, int]] = {}
    for cik, filings in filed.items():
        parts = merge_filings(filings.values()).values()
        # nothing due on a day that nobody knows is nothing due
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
    """Each index's members on a day.

    The index, the day that its snapshot describes, whether that is backcast, and the companies:
    two lines of one company are one; a line whose filer is not known is a company of its own.
    """
    held = arrow.read(
        connection,
        f"""
        select held.*, company.sic
        from derived.company_refinancing as held left join core.company as company using (cik)
        where held.as_of_date = '{day:%Y-%m-%d}'
        """,
    )
    rows = {
        row["cik"]: row | {"is_financial": is_financial(row["sector"], row["sic"])}
        for row in held.iter_rows(named=True)
    }
    due = read_principal_by_year(connection, day)
    for index_code in members.indexes:
        listed, is_backcast = members.listed(index_code, day)
        companies, seen = [], set[int]()
        for cik, sector in listed.select("cik", "sector").iter_rows():
            if cik is not None and cik in seen:
                continue
            if cik is not None:
                seen.add(cik)
            companies.append(IndexCompany(sector, rows.get(cik, {}), due.get(cik)))
        yield index_code, listed["as_of_date"][0], is_backcast, companies

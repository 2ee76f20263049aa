"""Plan the funds' quarterly reports to load, and read what is known of their positions."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.edgar import first_session_after
from tasks.extract.sec.fund_reports import (
    SOURCE,
    ListedReport,
    ReportRequest,
    last_session,
)
from tasks.extract.sec.match_positions import KnownSecurities, index_names
from warehouse.connect.connections import connect
from warehouse.reference import read_reference_rows
from warehouse.settings import Settings

# N-PORT is public from the reports of this day on
FIRST_REPORT_DATE = date(2019, 9, 30)
# the ticker of an instrument on a day, else the one it had next, else its last one
_TICKERS_SQL = """
select distinct on (instrument_id) instrument_id::text, ticker
from core.ticker
order by instrument_id, (valid_from <= %(day)s and %(day)s < valid_to) desc,
    valid_to <= %(day)s, valid_from
"""
_NAMES_SQL = """
select name, instrument_id::text from core.index_membership
union
select name, instrument_id::text from history.index_membership
union
select company.name, filer.instrument_id::text
from derived.instrument_cik as filer join core.company as company using (cik)
union
-- a company that no fund held under its name, by the SEC's list
select listed.name, coalesce(current.instrument_id::text, listed.ticker)
from core.company_ticker as listed left join core.current_ticker as current using (ticker)
"""
_LISTED_TICKERS_SQL = """
select distinct ticker, ticker from core.company_ticker
where ticker not in (select ticker from core.current_ticker)
"""
_IDENTIFIERS_SQL = """
select distinct identifier, instrument_id::text
from core.index_membership cross join lateral unnest(array[cusip, isin, lei]) as identifier
where identifier is not null
"""
_SECTORS_SQL = """
select distinct on (instrument_id) instrument_id::text, sector
from core.index_membership where sector is not null
order by instrument_id, as_of_date desc
"""


def followed_series(funds: Sequence[str]) -> dict[int, dict[str, dict[str, str]]]:
    """Return trust to series to the row of reference table fund, of those with a series."""
    series: dict[int, dict[str, dict[str, str]]] = defaultdict(dict)
    for row in read_reference_rows("fund"):
        if row["fund"] in funds and row["series_id"]:
            series[int(row["trust_cik"])][row["series_id"]] = row
    return dict(series)


def first_report_date(settings: Settings) -> date:
    """Return the first report date of use: in force when the stored history begins."""
    # a report is known two months after its quarter's end, and counts until the next one
    start = pd.Timestamp(settings.history_start) - pd.DateOffset(months=6)
    return max(start.date(), FIRST_REPORT_DATE)


@task(name="select due reports", cache_policy=NO_CACHE)
def select_due_reports(
    filings: pd.DataFrame, funds: Mapping[str, Mapping[str, str]], refetch: bool, settings: Settings
) -> list[ListedReport]:
    """Return the filings that may hold a snapshot to load for one of the funds.

    A report is of no use once a snapshot of the same or a later day was known no later than it. Of
    a stored report only later amendments are due.

    Args:
        filings: As `extract_trust_filings` returns them.
        funds: Series to the row of reference table fund.
        refetch: Request stored reports again, for companies that have become known since.
        settings: Of the run.
    """
    rows = filings.assign(known_from=first_session_after(filings["filed_date"])).to_dict("records")
    stored = {
        series: _read_snapshots(fund["index_code"], settings) for series, fund in funds.items()
    }
    due = []
    for row in rows:
        series = frozenset(
            name
            for name, fund in funds.items()
            if (row["report_date"].month - int(fund["fiscal_year_end_month"])) % 3 == 0
            and is_due(row, stored[name], refetch)
        )
        if series:
            days = row["report_date"].date(), row["filed_date"].date()
            due.append(ListedReport(row["accession_number"], *days, series))
    return due


def _read_snapshots(index_code: str, settings: Settings) -> list[tuple[date, date, str]]:
    with connect(settings) as connection:
        return connection.execute(
            "select as_of_date, min(known_from), min(source) from core.index_membership"
            " where index_code = %s group by as_of_date",
            (index_code,),
        ).fetchall()


def is_due(
    filing: Mapping[Hashable, Any], stored: Sequence[tuple[date, date, str]], refetch: bool
) -> bool:
    """Return whether a filing may change the snapshots of a fund.

    Args:
        filing: `form`, `report_date` and `known_from`.
        stored: Day, first known day and source of each stored snapshot of the fund.
        refetch: Whether stored reports are requested again.
    """
    quarter_end, known_from = filing["report_date"].date(), filing["known_from"].date()
    # a snapshot describes the last session of the quarter
    as_of = last_session(quarter_end)
    is_amendment = filing["form"].endswith("/A")
    own_known_from = None
    for as_of_date, snapshot_known_from, source in stored:
        if as_of_date == as_of and source == SOURCE:
            own_known_from = snapshot_known_from
        elif as_of_date >= as_of and snapshot_known_from <= known_from:
            # it would never be in force; an amendment would only take the report's place
            return False
    if own_known_from is None:
        return True
    return refetch or (is_amendment and known_from > own_known_from)


def read_known_securities(request: ReportRequest, settings: Settings) -> KnownSecurities:
    """Read what is known of securities on a report's day, earlier reports included."""
    day = {"day": request.report_date}
    with connect(settings) as connection:
        tickers = dict(connection.execute(_TICKERS_SQL, day).fetchall())
        tickers |= dict(connection.execute(_LISTED_TICKERS_SQL).fetchall())
        names = connection.execute(_NAMES_SQL).fetchall()
        identifiers: dict[str, set[str]] = defaultdict(set)
        for identifier, security in connection.execute(_IDENTIFIERS_SQL):
            identifiers[identifier].add(security)
        sectors = dict(connection.execute(_SECTORS_SQL).fetchall())
    return KnownSecurities(
        tickers,
        index_names(names),
        {each: frozenset(securities) for each, securities in identifiers.items()},
        sectors,
    )


def read_previous_member_count(request: ReportRequest, settings: Settings) -> int | None:
    """Return the size of the snapshot before a report's day; None if there is none."""
    with connect(settings) as connection:
        previous = connection.execute(
            """
            select count(*) from core.index_membership
            where index_code = %(index_code)s and as_of_date = (
                select max(as_of_date) from core.index_membership
                where index_code = %(index_code)s and as_of_date < %(as_of)s
            )
            """,
            {
                "index_code": request.fund["index_code"],
                "as_of": last_session(request.report_date),
            },
        ).fetchone()
    return previous[0] or None if previous else None

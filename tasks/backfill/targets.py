"""Whom a backfill is about: the members of indexes, and the companies that file for them."""

from collections.abc import Sequence
from datetime import date

from psycopg import Connection

from tasks.plan.filings import LATEST_TICKER_CIK_SQL

# No index: the members of all.
ALL_INDEXES = "none"

# All that were members on a session since a day, by the symbols that they have now. Before the
# first file, its members count.
_MEMBERS = f"""
select instrument_id, named.ticker
from (
    select distinct instrument_id from core.index_membership
    where %(index)s = '{ALL_INDEXES}' or (
        index_code = %(index)s and as_of_date >= coalesce((
            select max(as_of_date) from core.index_membership
            where index_code = %(index)s and known_from <= %(start)s::date
        ), '-infinity')
    )
) as member
join core.current_ticker as named using (instrument_id)
"""

_FILERS_OF_MEMBERS = f"""
select member.ticker, filer.cik
from ({_MEMBERS}) as member
left join derived.instrument_cik as filer using (instrument_id)
union
select ticker, cik from core.company_ticker
where %(index)s = '{ALL_INDEXES}' and cik::text in (
    select item from audit.latest_fetch where dataset = 'company_fact'
)
order by ticker, cik
"""

_COMPANIES_BY_TICKER = f"""
select named.ticker, listed.cik
from (select distinct unnest(%(tickers)s::text[]) as ticker) as named
left join ({LATEST_TICKER_CIK_SQL}) as listed using (ticker)
order by named.ticker
"""


def read_member_tickers(connection: Connection, index: str, start: date | None) -> tuple[str, ...]:
    """The symbols that the members of an index since a day have now; sorted."""
    rows = connection.execute(_MEMBERS, {"index": index, "start": start}).fetchall()
    return tuple(sorted({ticker for _, ticker in rows}))


def read_target_companies(
    connection: Connection, tickers: Sequence[str], index: str, start: date | None
) -> list[tuple[str, int | None]]:
    """The companies whose filings are wanted, each with a symbol.

    A member's company is whom the SEC's list named when the member bore the symbol, so that
    neither a rename nor a symbol that another company took over leads astray. A symbol that is
    asked for by name is the company's that the list gives it to now.

    Args:
        connection: To the warehouse.
        tickers: The symbols asked for by name; none: members.
        index: Their index; `NO_INDEX`: of all indexes ever, and whoever was asked for before.
        start: Of one index, the day since which they were members.

    Returns:
        Symbol and the SEC's number of the filer, None where the list has no such company; sorted.
    """
    query = _COMPANIES_BY_TICKER if tickers else _FILERS_OF_MEMBERS
    wanted = {"tickers": [*tickers], "index": index, "start": start}
    return connection.execute(query, wanted).fetchall()

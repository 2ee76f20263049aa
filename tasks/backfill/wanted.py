"""Whom a backfill is about: the members of indexes, and the companies that file for them."""

from collections.abc import Sequence
from datetime import date

from psycopg import Connection

from tasks.plan_filings import NEWEST_MAPPING

# No index: the members of all.
NO_INDEX = "none"

# All that were members on a session since a day, by the symbols that they have now. Before the
# first file, its members count.
_MEMBERS = f"""
select member.instrument_id, now_named.ticker
from (
    select distinct instrument_id from core.index_membership
    where %(index)s = '{NO_INDEX}' or (
        index_code = %(index)s and as_of_date >= coalesce((
            select max(as_of_date) from core.index_membership
            where index_code = %(index)s and known_from <= %(start)s::date
        ), '-infinity')
    )
) as member
cross join lateral (
    select ticker from core.ticker
    where core.ticker.instrument_id = member.instrument_id order by valid_from desc limit 1
) as now_named
"""

_FILERS_OF_MEMBERS = f"""
select member.ticker, filer.cik
from ({_MEMBERS}) as member
left join derived.member_filer as filer using (instrument_id)
union
select ticker, cik from core.company_ticker
where %(index)s = '{NO_INDEX}' and cik::text in (
    select item from audit.fetch where dataset = 'company_fact'
)
order by ticker, cik
"""

_FILERS_NAMED = f"""
select named.ticker, listed.cik
from (select distinct unnest(%(tickers)s::text[]) as ticker) as named
left join ({NEWEST_MAPPING}) as listed using (ticker)
order by named.ticker
"""


def read_members(connection: Connection, index: str, start: date | None) -> tuple[str, ...]:
    """The symbols that the members of an index since a day have now; sorted."""
    rows = connection.execute(_MEMBERS, {"index": index, "start": start}).fetchall()
    return tuple(sorted({ticker for _, ticker in rows}))


def read_filers(
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
    query = _FILERS_NAMED if tickers else _FILERS_OF_MEMBERS
    wanted = {"tickers": [*tickers], "index": index, "start": start}
    return connection.execute(query, wanted).fetchall()

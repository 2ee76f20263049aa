"""Read the targets of a backfill: members of indexes, and the companies that file for them."""

from collections.abc import Sequence
from datetime import date

from psycopg import Connection

from tasks.plan.filings import LATEST_TICKER_CIK_SQL

# an index parameter with this value means the members of all indexes
ALL_INDEXES = "all"

# Members on a session since the start, by their current ticker. Before the first holdings file,
# its members count.
_MEMBERS = """
select instrument_id, named.ticker
from (
    select distinct instrument_id from core.index_membership
    where %(index)s::text is null or (
        index_code = %(index)s and as_of_date >= coalesce((
            select max(as_of_date) from core.index_membership
            where index_code = %(index)s and known_from <= %(start)s::date
        ), '-infinity')
    )
) as member
join core.current_ticker as named using (instrument_id)
"""

_COMPANIES_OF_MEMBERS = f"""
select member.ticker, company.cik
from ({_MEMBERS}) as member
left join derived.instrument_cik as company using (instrument_id)
union
select ticker, cik from core.company_ticker
where %(index)s::text is null and cik::text in (
    select item from audit.latest_fetch where dataset = 'company_fact'
)
order by ticker, cik
"""

_COMPANIES_BY_TICKER = f"""
select requested.ticker, listed.cik
from (select distinct unnest(%(tickers)s::text[]) as ticker) as requested
left join ({LATEST_TICKER_CIK_SQL}) as listed using (ticker)
order by requested.ticker
"""


def read_member_tickers(connection: Connection, index: str, start: date | None) -> tuple[str, ...]:
    """Return the current tickers of an index's members since a day, sorted."""
    rows = connection.execute(_MEMBERS, {"index": index, "start": start}).fetchall()
    return tuple(sorted({ticker for _, ticker in rows}))


def read_target_companies(
    connection: Connection, tickers: Sequence[str], index: str, start: date | None
) -> list[tuple[str, int | None]]:
    """Return the companies to consider, each with a ticker.

    A member's company is the one that the SEC's list named while the member had the ticker, so a
    rename or a reused ticker does not change it. A requested ticker means the company that the
    list gives it to now.

    Args:
        connection: To the warehouse.
        tickers: The requested tickers; none: members.
        index: The members' index; `ALL_INDEXES`: members of any index at any time, and all
            companies requested before.
        start: For one index: the day since which they were members.

    Returns:
        Ticker and CIK, None if the list lacks the company; sorted.
    """
    query = _COMPANIES_BY_TICKER if tickers else _COMPANIES_OF_MEMBERS
    parameters = {
        "tickers": [*tickers],
        "index": None if index == ALL_INDEXES else index,
        "start": start,
    }
    return connection.execute(query, parameters).fetchall()

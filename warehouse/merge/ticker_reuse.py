"""Finds symbols that another company has taken over, and writes them into the ticker map.

The vendor drops the dead company with its bars. A halted company's reply, asked from
before the newest bar held, still shows the bars held in that window; a reused symbol's shows none
of them, and begins long after. Both are asked for, with more than `REUSE_SESSIONS` sessions in
between: a halt of whatever length fails the first, a vendor's hole the second.
"""

from warehouse.connect import arrow
from warehouse.merge.ticker_map import CURRENT_MAPPING_SQL, TickerMapWriter
from warehouse.merge.ticker_renames import SAME_BAR

REUSE_SESSIONS = 60


def find_reuses(writing: TickerMapWriter, incoming: str) -> list[str]:
    """Gives symbols that another company has taken over a new instrument.

    Returns:
        The tickers whose rows of the map changed.
    """
    connection = writing.connection
    taken = arrow.read(
        connection,
        f"""
        select listing.ticker, names.valid_from::text as valid_from,
            listing.first_date::text as first_date
        from (
            select ticker, min(session_date) as first_date from {incoming} group by ticker
        ) as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as names
        cross join lateral (
            select session_date as last_held from core.daily_price as bar
            where bar.instrument_id = names.instrument_id order by session_date desc limit 1
        ) as newest
        where (
            names.valid_to = 'infinity' and listing.first_date > last_held + {REUSE_SESSIONS}
            and {REUSE_SESSIONS} < (
                select count(*) from core.session
                where session_date > last_held and session_date <= listing.first_date
            )
            -- the reply was asked from before the newest bar held, and shows no row up to it
            and exists (
                select from audit.fetch as asked
                where asked.dataset = 'daily_price' and asked.item = listing.ticker
                    and asked.run_id = {writing.run_id} and asked.window_start <= last_held
            )
            and not exists (
                select from audit.quarantine as aside
                where aside.last_run_id = {writing.run_id} and aside.table_name = 'daily_price'
                    and aside.key ->> 'ticker' = listing.ticker
                    and (aside.key ->> 'session_date')::date <= last_held
            )
        ) or (
            -- a company that has changed its symbol, whose old one brings other bars than its own
            names.valid_to < 'infinity' and listing.first_date >= names.valid_to
            and (
                select count(*) > 0 and count(*) filter (where {SAME_BAR}) = 0
                from {incoming} as new
                join core.daily_price as old on old.instrument_id = names.instrument_id
                    and old.session_date = new.session_date
                where new.ticker = listing.ticker
            )
        )
        """,
    )
    for ticker, valid_from, first_date in taken.iter_rows():
        if _is_ongoing(writing, ticker, valid_from):
            writing.end(ticker, valid_from, first_date)
        writing.insert_new_instrument(ticker, first_date)
    return [str(ticker) for ticker in taken["ticker"]]


def _is_ongoing(writing: TickerMapWriter, ticker: str, valid_from: str) -> bool:
    found = arrow.read(
        writing.connection,
        f"""
        select valid_to = 'infinity' as is_ongoing from core.ticker
        where ticker = '{ticker}' and valid_from = '{valid_from}'
        """,
    )
    return bool(found["is_ongoing"][0])


def extend_valid_from(writing: TickerMapWriter, incoming: str) -> list[str]:
    """Lets a reused symbol begin earlier where earlier bars of its new company come late.

    The first bar of a reply may be set aside until the next one confirms it.

    Returns:
        The tickers whose rows of the map changed.
    """
    late = arrow.read(
        writing.connection,
        f"""
        select listing.ticker, names.valid_from::text as valid_from,
            listing.first_date::text as first_date,
            former.valid_from::text as former_from,
            former.valid_to > listing.first_date as is_cut
        from (
            select ticker, min(session_date) as first_date from {incoming} group by ticker
        ) as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as names
        left join lateral (
            select held.valid_from, held.valid_to,
                (
                    select max(session_date) from core.daily_price as bar
                    where bar.instrument_id = held.instrument_id
                ) as last_held
            from core.ticker as held
            where held.ticker = listing.ticker and held.valid_from < names.valid_from
            order by held.valid_from desc limit 1
        ) as former on true
        where listing.first_date < names.valid_from
            and listing.first_date > coalesce(former.last_held, '-infinity')
            and not exists (
                select from core.ticker as other
                where other.instrument_id = names.instrument_id
                    and other.valid_from < names.valid_from
            )
        """,
    )
    for ticker, valid_from, first_date, former_from, is_cut in late.iter_rows():
        if is_cut:
            writing.end(ticker, former_from, first_date)
        writing.set_valid_from(ticker, valid_from, first_date)
    return [str(ticker) for ticker in late["ticker"]]

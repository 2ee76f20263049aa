"""Find tickers that another company has taken over, and write them into the ticker map.

Yahoo drops a dead company with its bars. A request that starts before the newest stored bar still
returns the stored bars of that window for a halted company. For a reused ticker it returns none of
them, and its bars begin long after. Both conditions are required, with more than `REUSE_SESSIONS`
sessions in between: a halt fails the first, a hole in the vendor's data the second.
"""

import polars as pl

from warehouse.connect import arrow
from warehouse.merge.ticker_map import CURRENT_MAPPING_SQL, TickerMapWriter
from warehouse.merge.ticker_search import TickerSearch

REUSE_SESSIONS = 60


def find_reuses(search: TickerSearch) -> list[str]:
    """Map tickers that another company has taken over to new instruments.

    Returns:
        The tickers whose rows of the map changed.
    """
    writer = search.writer
    reused = pl.concat(
        [_find_tickers_with_new_history(search), _find_reused_former_tickers(search)]
    )
    for ticker, valid_from, first_date in reused.iter_rows():
        if _is_ongoing(writer, ticker, valid_from):
            writer.close_validity(ticker, valid_from, first_date)
        writer.insert_new_instrument(ticker, first_date)
    return [str(ticker) for ticker in reused["ticker"]]


def _find_tickers_with_new_history(search: TickerSearch) -> pl.DataFrame:
    """Return tickers whose reply begins long after the stored bars that it should have."""
    run_id = search.writer.run_id
    return arrow.read(
        search.writer.connection,
        f"""
        select listing.ticker, mapping.valid_from::text as valid_from,
            listing.first_date::text as first_date
        from {search.ticker_dates} as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as mapping
        cross join lateral (
            select session_date as last_stored from core.daily_price as bar
            where bar.instrument_id = mapping.instrument_id order by session_date desc limit 1
        ) as newest
        where mapping.valid_to = 'infinity'
            and listing.first_date > last_stored + {REUSE_SESSIONS}
            and {REUSE_SESSIONS} < (
                select count(*) from core.session
                where session_date > last_stored and session_date <= listing.first_date
            )
            -- requested from before the newest stored bar, with no row up to it in the reply
            and exists (
                select from audit.fetch as request
                where request.dataset = 'daily_price' and request.item = listing.ticker
                    and request.run_id = {run_id} and request.window_start <= last_stored
            )
            and not exists (
                select from audit.quarantine
                where last_run_id = {run_id} and table_name = 'daily_price'
                    and key ->> 'ticker' = listing.ticker
                    and (key ->> 'session_date')::date <= last_stored
            )
        """,
    )


def _find_reused_former_tickers(search: TickerSearch) -> pl.DataFrame:
    """Return former tickers of renamed companies that now have other bars than the stored."""
    connection = search.writer.connection
    former = arrow.read(
        connection,
        f"""
        select listing.ticker, mapping.valid_from::text as valid_from,
            listing.first_date::text as first_date, mapping.instrument_id
        from {search.ticker_dates} as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as mapping
        where mapping.valid_to < 'infinity' and listing.first_date >= mapping.valid_to
        """,
    )
    if former.is_empty():
        return former.drop("instrument_id")
    staged = search.stage_bars(former["ticker"])
    arrow.stage(connection, "former_ticker", former.to_arrow())
    return arrow.read(
        connection,
        f"""
        select former.ticker, former.valid_from, former.first_date
        from former_ticker as former
        join {staged} as new on new.ticker = former.ticker
        join core.daily_price as old on old.instrument_id = former.instrument_id
            and old.session_date = new.session_date
        group by former.ticker, former.valid_from, former.first_date
        having count(*) filter (where {search.contract.repeats_identity}) = 0
        """,
    )


def _is_ongoing(writer: TickerMapWriter, ticker: str, valid_from: str) -> bool:
    found = arrow.read(
        writer.connection,
        """
        select valid_to = 'infinity' as is_ongoing from core.ticker
        where ticker = $1 and valid_from = $2::date
        """,
        (ticker, valid_from),
    )
    return bool(found["is_ongoing"][0])


def extend_valid_from(search: TickerSearch) -> list[str]:
    """Move the first day of a reused ticker back when earlier bars of its company arrive.

    The first bar of a reply may be quarantined until the next bar confirms it.

    Returns:
        The tickers whose rows of the map changed.
    """
    writer = search.writer
    extended = arrow.read(
        writer.connection,
        f"""
        select listing.ticker, mapping.valid_from::text as valid_from,
            listing.first_date::text as first_date,
            former.valid_from::text as former_from,
            former.valid_to > listing.first_date as is_cut
        from {search.ticker_dates} as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as mapping
        left join lateral (
            select earlier.valid_from, earlier.valid_to,
                (
                    select max(session_date) from core.daily_price as bar
                    where bar.instrument_id = earlier.instrument_id
                ) as last_stored
            from core.ticker as earlier
            where earlier.ticker = listing.ticker and earlier.valid_from < mapping.valid_from
            order by earlier.valid_from desc limit 1
        ) as former on true
        where listing.first_date < mapping.valid_from
            and listing.first_date > coalesce(former.last_stored, '-infinity')
            and not exists (
                select from core.ticker as other
                where other.instrument_id = mapping.instrument_id
                    and other.valid_from < mapping.valid_from
            )
        """,
    )
    for ticker, valid_from, first_date, former_from, is_cut in extended.iter_rows():
        if is_cut:
            writer.close_validity(ticker, former_from, first_date)
        writer.set_valid_from(ticker, valid_from, first_date)
    return [str(ticker) for ticker in extended["ticker"]]

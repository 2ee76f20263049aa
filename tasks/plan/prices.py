"""Plan price requests: one window per ticker, and the stored closes to compare replies with."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.extract.yahoo.extract import PriceRequest
from tasks.plan.batched import Plan
from tasks.plan.last_fetches import skip_up_to_date
from tasks.plan.universe import universe
from tasks.run.context import RunContext
from warehouse.connect.connections import connect
from warehouse.settings import Settings

# the longest closing of the exchange since daily bars exist was a week
PRIOR_CLOSE_LOOKBACK_DAYS = 10
# Yahoo corrects a bad bar within days or never
CORRECTION_WINDOW_DAYS = 60
# A session that Yahoo lacks comes within days or never (2026-07-24, 07-28 and 08-28 were missing).
MISSING_SESSION_DAYS = 7


@dataclass(frozen=True)
class StoredPrices:
    """What is stored of the tickers of a batch.

    Attributes:
        closes: `ticker, session_date, close`.
        yields: Dividends over the close of their ex-date: `ticker, ex_date, yield`.
    """

    closes: pd.DataFrame
    yields: pd.DataFrame


@task(name="plan prices", cache_policy=NO_CACHE)
def plan_prices(
    tickers: Sequence[str], full_history: bool, only_stale: bool, run: RunContext
) -> Plan[PriceRequest]:
    """Plan the price requests of a run.

    Args:
        tickers: The tickers to request; none: the whole universe.
        full_history: Request everything since `history_start`, stored or not.
        only_stale: Skip tickers fetched since the newest close.
        run: The run.
    """
    requests, message = price_requests(tickers, full_history, run.settings), ""
    if only_stale:
        requests, message = skip_up_to_date(
            "daily_price", requests, full_history, run.now, run.settings
        )
    return Plan(requests, run.settings.yahoo_batch_tickers, message)


def price_requests(
    tickers: Sequence[str], full_history: bool, settings: Settings
) -> list[PriceRequest]:
    """Return one request per ticker, sorted, tickers without bars last.

    A ticker without bars starts at `history_start`. One with bars starts `overlap_sessions` before
    its instrument's newest bar, so that the vendor's corrections are seen; and earlier if a bar of
    the last `CORRECTION_WINDOW_DAYS` was quarantined and may have been corrected since, or if a
    session of the last `MISSING_SESSION_DAYS` before the newest bar has no bar.

    Tickers without bars come last because a new ticker of a known company must be merged after
    the old ticker had no data. A reused ticker starts before the last bar of its former company:
    the bars missing from the reply are what tells the two companies apart.

    Args:
        tickers: The tickers to request; none: the whole universe.
        full_history: Request everything since `history_start`, stored or not.
        settings: Of the run.
    """
    with connect(settings) as connection:
        requested = sorted(set(tickers)) or universe(connection)
        rows = connection.execute(
            """
            with newest as (
                select
                    map.ticker, map.instrument_id,
                    min(bar.session_date) as overlap_start, max(bar.session_date) as last_stored
                from core.ticker_instrument as map
                cross join lateral (
                    select session_date from core.daily_price as bar
                    where bar.instrument_id = map.instrument_id
                    order by session_date desc limit %(overlap)s
                ) as bar
                where map.ticker = any (%(requested)s) and map.counts_to = 'infinity'
                group by map.ticker, map.instrument_id
            ),
            quarantined as (
                select key ->> 'ticker' as ticker, (key ->> 'session_date')::date as session_date
                from audit.quarantine where table_name = 'daily_price'
            )
            select
                newest.ticker, newest.last_stored,
                least(newest.overlap_start, (
                    select min(quarantined.session_date) from quarantined
                    where quarantined.ticker = newest.ticker
                        and quarantined.session_date
                            > newest.last_stored - %(correction_window)s::integer
                        and not exists (
                            select from core.daily_price as bar
                            where bar.instrument_id = newest.instrument_id
                                and bar.session_date = quarantined.session_date
                        )
                ), (
                    select min(session.session_date) from core.session as session
                    where session.session_date < newest.last_stored
                        and session.session_date
                            >= newest.last_stored - %(missing_session_days)s::integer
                        -- a ticker listed within the week has no bar before its first
                        and exists (
                            select from core.daily_price as bar
                            where bar.instrument_id = newest.instrument_id
                                and bar.session_date < session.session_date
                        )
                        and not exists (
                            select from core.daily_price as bar
                            where bar.instrument_id = newest.instrument_id
                                and bar.session_date = session.session_date
                        )
                ))
            from newest
            """,
            {
                "overlap": settings.overlap_sessions,
                "requested": requested,
                "correction_window": CORRECTION_WINDOW_DAYS,
                "missing_session_days": MISSING_SESSION_DAYS,
            },
        ).fetchall()
    stored = {ticker: (start, last_stored) for ticker, last_stored, start in rows}
    return [
        PriceRequest(
            ticker,
            settings.history_start if full_history or ticker not in stored else stored[ticker][0],
            stored[ticker][1] if ticker in stored else None,
        )
        for ticker in sorted(requested, key=lambda ticker: (ticker not in stored, ticker))
    ]


def read_stored_prices(requests: Sequence[PriceRequest], settings: Settings) -> StoredPrices:
    """Read the stored closes within the requested windows and shortly before.

    Batch by batch: all closes of 2,500 tickers would be millions of rows in memory, and a batch
    must see the tickers that the batch before it has renamed.

    The close before a window's first session is what a distribution on that session is compared
    with. Closes under former tickers of an instrument get the requested ticker, as in the reply.
    """
    tickers = [request.ticker for request in requests]
    starts = [request.start for request in requests]
    with connect(settings) as connection:
        closes = connection.execute(
            """
            select requested.ticker, bar.session_date, bar.close
            from unnest(%s::text[], %s::date[]) as requested (ticker, start)
            join core.ticker_instrument as map
                on map.ticker = requested.ticker and map.counts_to = 'infinity'
            join core.daily_price as bar on bar.instrument_id = map.instrument_id
                and bar.session_date >= requested.start - %s::integer
            """,
            (tickers, starts, PRIOR_CLOSE_LOOKBACK_DAYS),
        ).fetchall()
        yields = connection.execute(
            """
            select requested.ticker, paid.ex_date, paid.value / bar.close
            from unnest(%s::text[]) as requested (ticker)
            join core.ticker_instrument as map
                on map.ticker = requested.ticker and map.counts_to = 'infinity'
            join core.corporate_action as paid
                on paid.instrument_id = map.instrument_id and paid.kind = 'dividend'
            join core.daily_price as bar
                on bar.instrument_id = paid.instrument_id and bar.session_date = paid.ex_date
            where paid.value is not null
            """,
            (tickers,),
        ).fetchall()
    return StoredPrices(
        pd.DataFrame(closes, columns=["ticker", "session_date", "close"]),
        pd.DataFrame(yields, columns=["ticker", "ex_date", "yield"]),
    )

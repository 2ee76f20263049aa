"""Decides what a run asks for: the universe, the windows, the series, the files."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import pandas as pd
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

import warehouse
from tasks.extract.fred.extract import SeriesRequest
from tasks.extract.ishares.extract import HoldingsRequest
from tasks.extract.yahoo.extract import PriceRequest
from warehouse.connect.connections import connect
from warehouse.settings import Settings

# the longest the exchange was ever closed in the age of daily bars was a week
PRIOR_CLOSE_LOOKBACK_DAYS = 10
# Yahoo mends a bad bar within days or not at all
CORRECTION_WINDOW_DAYS = 60
REFERENCE = Path(warehouse.__path__[0]) / "reference"
T = TypeVar("T")


class UnknownSeries(ValueError):
    """A series that the reference table does not list."""


@task(name="plan prices", cache_policy=NO_CACHE)
def plan_prices(
    tickers: Sequence[str], full_history: bool, settings: Settings
) -> list[PriceRequest]:
    """What to ask Yahoo for: one window per ticker, sorted, those without bars last.

    A ticker without bars starts at `history_start`; one with bars starts `overlap_sessions` before
    its instrument's newest, so that the vendor's corrections are seen, and before that where a
    bar of the last `HEALING_DAYS` was set aside and may have been mended since.
    Without bars last: a new symbol of a company that is held comes after the run has seen that
    the old one is silent. A symbol that another company took over starts before the last bar of
    the former one: the bars that a reply then lacks are what tells the two apart.

    Args:
        tickers: The tickers to ask for; none: the whole universe.
        full_history: Ask for everything since `history_start`, held or not.
        settings: Of the run.
    """
    with connect(settings) as connection:
        requested = sorted(set(tickers)) or universe(connection)
        rows = connection.execute(
            """
            with newest as (
                select
                    map.ticker, map.instrument_id,
                    min(bar.session_date) as overlap_start, max(bar.session_date) as last_held
                from core.ticker_instrument as map
                cross join lateral (
                    select session_date from core.daily_price as bar
                    where bar.instrument_id = map.instrument_id
                    order by session_date desc limit %(overlap)s
                ) as bar
                where map.ticker = any (%(wanted)s) and map.counts_to = 'infinity'
                group by map.ticker, map.instrument_id
            ),
            aside as (
                select key ->> 'ticker' as ticker, (key ->> 'session_date')::date as session_date
                from audit.quarantine where table_name = 'daily_price'
            )
            select
                newest.ticker, newest.last_held,
                least(newest.overlap_start, (
                    select min(aside.session_date) from aside
                    where aside.ticker = newest.ticker
                        and aside.session_date > newest.last_held - %(healing)s::integer
                        and not exists (
                            select from core.daily_price as bar
                            where bar.instrument_id = newest.instrument_id
                                and bar.session_date = aside.session_date
                        )
                ))
            from newest
            """,
            {
                "overlap": settings.overlap_sessions,
                "wanted": requested,
                "healing": CORRECTION_WINDOW_DAYS,
            },
        ).fetchall()
    stored = {ticker: (start, last_held) for ticker, last_held, start in rows}
    return [
        PriceRequest(
            ticker,
            settings.history_start if full_history or ticker not in stored else stored[ticker][0],
            stored[ticker][1] if ticker in stored else None,
        )
        for ticker in sorted(requested, key=lambda ticker: (ticker not in stored, ticker))
    ]


def universe(connection: Connection) -> list[str]:
    """The tickers followed: newest index members, the pairs' legs, the watch list. Sorted.

    Members are asked for under the symbol that they have now, whatever a file still calls them.
    """
    members = connection.execute(
        """
        select distinct named.ticker
        from core.index_membership as member
        join core.current_ticker as named using (instrument_id)
        where member.as_of_date = (
            select max(newest.as_of_date) from core.index_membership as newest
            where newest.index_code = member.index_code
        )
        """
    ).fetchall()
    pairs = pl.read_csv(REFERENCE / "pair.csv")
    watched = pl.read_csv(REFERENCE / "watch_list.csv")
    return sorted(
        {ticker for (ticker,) in members}
        | set(pairs["small"])
        | set(pairs["large"])
        | set(watched["ticker"])
    )


def batched(requests: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The requests in batches of a size."""
    for first in range(0, len(requests), size):
        yield requests[first : first + size]


@task(name="read held closes", cache_policy=NO_CACHE)
def read_stored_closes(windows: Sequence[PriceRequest], settings: Settings) -> pd.DataFrame:
    """Closes held within the windows and shortly before: `ticker, session_date, close`.

    To compare a reply with; the close before a window's first session is what a distribution on
    that session is measured by. Those of an instrument's former symbols come under the one asked
    for, as the reply's do.
    """
    with connect(settings) as connection:
        rows = connection.execute(
            """
            select asked.ticker, bar.session_date, bar.close
            from unnest(%s::text[], %s::date[]) as asked (ticker, start)
            join core.ticker_instrument as map
                on map.ticker = asked.ticker and map.counts_to = 'infinity'
            join core.daily_price as bar on bar.instrument_id = map.instrument_id
                and bar.session_date >= asked.start - %s::integer
            """,
            (
                [window.ticker for window in windows],
                [window.start for window in windows],
                PRIOR_CLOSE_LOOKBACK_DAYS,
            ),
        ).fetchall()
    return pd.DataFrame(rows, columns=["ticker", "session_date", "close"])


@task(name="plan macro", cache_policy=NO_CACHE)
def plan_macro(
    series_ids: Sequence[str], full_history: bool, settings: Settings
) -> list[SeriesRequest]:
    """What to ask FRED for: one request per series, from the newest vintage held on.

    Args:
        series_ids: The series to ask for; none: all of `reference/macro_series.csv`.
        full_history: Ask for every vintage, held or not.
        settings: Of the run.

    Raises:
        UnknownSeries: when a series is not in the reference table, so that nothing is known of it
            to check it by.
    """
    followed = pl.read_csv(REFERENCE / "macro_series.csv")["series_id"].to_list()
    unknown = sorted(set(series_ids) - set(followed))
    if unknown:
        raise UnknownSeries(
            f"series_ids names {', '.join(unknown)}, which warehouse/reference/macro_series.csv "
            "does not list. Add a row for it there."
        )
    wanted = sorted(set(series_ids)) or followed
    with connect(settings) as connection:
        newest: dict[str, date] = dict(
            connection.execute(
                """
                select series_id, max(vintage_date) from core.macro_observation
                where source = 'alfred' group by series_id
                """
            ).fetchall()
        )
        latest = connection.execute(
            "select series_id, observation_date, value from published.macro_latest"
            " where series_id = any (%s)",
            (wanted,),
        ).fetchall()
    held = pd.DataFrame(latest, columns=["series_id", "observation_date", "value"])
    held["observation_date"] = held["observation_date"].astype("datetime64[s]")
    return [
        SeriesRequest(
            series_id,
            None if full_history else newest.get(series_id),
            held.loc[held["series_id"] == series_id, ["observation_date", "value"]],
        )
        for series_id in wanted
    ]


@task(name="plan holdings", cache_policy=NO_CACHE)
def plan_holdings(
    funds: Sequence[str], as_of_dates: Sequence[date], settings: Settings
) -> list[HoldingsRequest]:
    """What to ask iShares for: each fund's newest file, or its files of the days named.

    Args:
        funds: The funds; none: those of the settings.
        as_of_dates: The days; none: the newest file.
        settings: Of the run.
    """
    return [
        HoldingsRequest(fund, as_of)
        for fund in funds or settings.funds
        for as_of in sorted(as_of_dates) or (None,)
    ]


@task(name="read previous members", cache_policy=NO_CACHE)
def read_previous_member_count(members: pd.DataFrame, settings: Settings) -> int | None:
    """How many members the snapshot before this one has; None where there is none."""
    if members.empty:
        return None
    snapshot = {
        "index_code": members["index_code"].iloc[0],
        "before": members["as_of_date"].iloc[0].date(),
    }
    with connect(settings) as connection:
        row = connection.execute(
            """
            select count(*) from core.index_membership
            where index_code = %(index_code)s and as_of_date = (
                select max(as_of_date) from core.index_membership
                where index_code = %(index_code)s and as_of_date < %(before)s
            )
            """,
            snapshot,
        ).fetchone()
    return row[0] if row and row[0] else None

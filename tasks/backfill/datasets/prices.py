"""Backfill of daily prices: find missing bars, and plan the requests to Yahoo."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import pandas as pd
from psycopg import Connection

from expectations.calendars.trading import session_closes
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem, work_items_from_gaps
from tasks.backfill.request import ResolvedRequest
from tasks.extract.yahoo.extract import PriceRequest
from tasks.ingest import ingest, yahoo_prices
from tasks.plan.last_fetches import read_last_fetches
from tasks.plan.prices import CORRECTION_WINDOW_DAYS, price_requests, read_price_batch
from tasks.plan.release_times import RETRY_COOLDOWN, latest_closed_session, latest_release_at
from tasks.run.context import RunContext
from tasks.run.totals import TEMPORARY_FAILURES
from warehouse.connect.connections import connect

# A ticker means the instrument it names today, including its history under earlier tickers, as at
# Yahoo.
_BOUNDS = """
select
    map.ticker,
    map.instrument_id,
    min(bar.session_date) as first_bar,
    count(*) filter (where bar.session_date between %(start)s and %(end)s) as stored
from core.ticker_instrument as map
join core.daily_price as bar using (instrument_id)
where map.ticker = any (%(items)s) and map.counts_to = 'infinity'
group by map.ticker, map.instrument_id
"""

# gaps by ticker and reason; sessions are expected from the ticker's first bar on
_MISSING = """
with session as (select unnest(%(sessions)s::date[]) as session_date),
quarantined as materialized (
    select
        key ->> 'ticker' as ticker, (key ->> 'session_date')::date as session_date,
        bool_and(rule = 'unfinished_session') as is_unfinished
    from audit.quarantine where table_name = 'daily_price'
    group by 1, 2
),
missing as (
    select requested.ticker, session.session_date
    from unnest(%(tickers)s::text[], %(instruments)s::integer[], %(firsts)s::date[])
        as requested (ticker, instrument_id, first_bar)
    join session on session.session_date >= requested.first_bar
    where not exists (
        select from core.daily_price as bar
        where bar.instrument_id = requested.instrument_id
            and bar.session_date = session.session_date
    )
),
explained as (
    select
        missing.ticker, missing.session_date, newest.fetched_at,
        case
            when quarantined.is_unfinished then 'unfinished'
            when quarantined.ticker is not null then 'quarantined'
            when newest.status is null then %(not_asked)s
            when newest.status = 'loaded' then 'no_row'
            else newest.status
        end as reason,
        newest.window_end - missing.session_date > %(correction_window)s::integer
            as is_past_correction_window
    from missing
    left join quarantined on quarantined.ticker = missing.ticker
        and quarantined.session_date = missing.session_date
    left join lateral audit.latest_fetch('daily_price', missing.ticker, missing.session_date)
        as newest on true
),
with_action as (
    select
        ticker, session_date, reason,
        reason = any (%(failed)s) or (
            fetched_at < %(released_at)s
            -- gaps older than the correction window that Yahoo has confirmed are not re-requested
            and not (is_past_correction_window and reason in ('no_row', 'quarantined'))
        ) or (
            -- the newest bar may be late, or be corrected the same evening
            session_date = %(newest)s and reason in ('no_row', 'quarantined')
            and fetched_at < %(cooldown_since)s
        ) as is_fetchable
    from explained
)
select ticker, reason, min(session_date), max(session_date), count(*), is_fetchable
from with_action group by ticker, reason, is_fetchable order by ticker, reason
"""


def plan_prices_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Plan a price backfill from the exchange's calendar, stored bars and the fetch log.

    Sessions are expected from a ticker's first bar on, and before it if no response of Yahoo
    reached back so far. A gap that Yahoo's response had, too, is requested again after the next
    close, until `CORRECTION_WINDOW_DAYS` have passed: later corrections come with the weekly full
    histories. The newest session's bar may only be late: it is requested again after an hour.
    """
    with connect(scope.settings) as connection:
        gaps = _gaps(connection, scope)
        needs = _needs(connection, scope, gaps)
    return BackfillPlan(
        needs,
        gaps,
        estimated_requests=len(needs),
        estimated_seconds=len(needs) / scope.settings.yahoo_requests_per_second,
        notes=("Each request returns everything from its first day to today, also after the end.",),
    )


def _price_requests(needs: Sequence[WorkItem], scope: ResolvedRequest) -> list[PriceRequest]:
    """Return the price requests of some work items, by the bars stored now."""
    daily = {
        request.ticker: request
        for request in price_requests([need.item for need in needs], False, scope.settings)
    }
    return [
        PriceRequest(
            need.item, need.start or daily[need.item].start, daily[need.item].last_stored_session
        )
        for need in needs
    ]


def _needs(
    connection: Connection, scope: ResolvedRequest, gaps: Sequence[DataGap]
) -> list[WorkItem]:
    mode, items = scope.request.mode, scope.items
    if mode == "all":
        return [WorkItem(item, scope.start, mode) for item in items]
    if mode == "missing":
        assert scope.start is not None
        return work_items_from_gaps(gaps, scope.start)
    last = read_last_fetches(connection, "daily_price", items)
    if mode == "failed":
        return [
            WorkItem(
                item, max(fetch.window_start or date.min, scope.start or date.min), fetch.status
            )
            for item, fetch in last.items()
            if not fetch.succeeded
        ]
    released_at = latest_release_at("daily_price", scope.instant)
    stale = [item for item in items if item not in last or last[item].fetched_at < released_at]
    # the window of a daily run
    requests = price_requests(stale, False, scope.settings) if stale else []
    return [WorkItem(request.ticker, request.start, mode) for request in requests]


def _gaps(connection: Connection, scope: ResolvedRequest) -> list[DataGap]:
    assert scope.start is not None
    closes = session_closes()
    sessions = closes.loc[pd.Timestamp(scope.start) : pd.Timestamp(scope.end)].index
    days = [stamp.date() for stamp in sessions]
    released_at = latest_release_at("daily_price", scope.instant)
    window = {"items": [*scope.items], "start": scope.start, "end": scope.end}
    bounds = {
        ticker: (instrument, first, stored)
        for ticker, instrument, first, stored in connection.execute(_BOUNDS, window).fetchall()
    }
    newest = read_last_fetches(connection, "daily_price", scope.items)
    earliest_fetched = _earliest_fetched(connection, scope.items)
    gaps: list[DataGap] = []
    for item in scope.items:
        first_bar = bounds[item][1] if item in bounds else None
        last = newest.get(item)
        if item not in earliest_fetched:
            # never fetched successfully: everything is missing, and its size is unknown
            reason = last.status if last else NOT_ASKED
            gaps.append(DataGap(item, reason, None, None, None, True))
        elif first_bar is None:
            # a response without a valid row
            reason = last.status if last and last.status != "loaded" else "quarantined"
            is_fetchable = last is None or not last.succeeded or last.fetched_at < released_at
            gaps.append(DataGap(item, reason, None, None, None, is_fetchable))
        elif scope.start < (known := min(earliest_fetched[item], first_bar)):
            before = [day for day in days if day < known]
            if before:
                gaps.append(DataGap(item, NOT_ASKED, before[0], before[-1], None, True))
    short = {
        item: (instrument, first)
        for item, (instrument, first, stored) in bounds.items()
        if stored < len(days) - sessions.searchsorted(pd.Timestamp(first))
    }
    if short:
        rows = connection.execute(
            _MISSING,
            {
                "sessions": days,
                "tickers": [*short],
                "instruments": [instrument for instrument, _ in short.values()],
                "firsts": [first for _, first in short.values()],
                "failed": [NOT_ASKED, "unfinished", *TEMPORARY_FAILURES],
                "not_asked": NOT_ASKED,
                "correction_window": CORRECTION_WINDOW_DAYS,
                "released_at": released_at,
                "newest": latest_closed_session(scope.instant),
                "cooldown_since": scope.instant - RETRY_COOLDOWN,
            },
        ).fetchall()
        gaps += [DataGap(*row) for row in rows]
    return gaps


def _earliest_fetched(connection: Connection, items: Sequence[str]) -> dict[str, date]:
    """Return the earliest first day of each ticker's successful requests."""
    return dict(
        connection.execute(
            """
            select item, min(window_start) from audit.fetch
            where dataset = 'daily_price' and item = any (%s) and status <> all (%s)
                and window_start is not null
            group by item
            """,
            ([*items], [*TEMPORARY_FAILURES]),
        ).fetchall()
    )


@contextmanager
def _open(scope: ResolvedRequest, needs: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    source = yahoo_prices(scope.settings)

    def ingest_chunk(needs: Sequence[WorkItem], run: RunContext) -> None:
        ingest(source, read_price_batch(_price_requests(needs, scope), run.settings), run)

    yield ingest_chunk


PRICES = BackfillAdapter(
    "yahoo", plan_prices_backfill, _open, lambda scope: scope.settings.yahoo_batch_tickers
)

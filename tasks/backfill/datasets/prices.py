"""Backfill of daily prices: find missing bars, and plan the requests to Yahoo."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple

from psycopg import Connection

from expectations.calendars.trading import session_dates
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem, work_items_from_gaps
from tasks.backfill.request import ResolvedRequest
from tasks.extract.yahoo.extract import PriceRequest
from tasks.ingest import ingest, yahoo_prices
from tasks.plan.last_fetches import is_fresh, read_last_fetches
from tasks.plan.prices import CORRECTION_WINDOW_DAYS, price_requests
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
        bool_and(rule = 'unfinished_session') as is_session_open
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
classified as (
    select
        missing.ticker, missing.session_date, newest.fetched_at,
        case
            when quarantined.is_session_open then 'session_open'
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
final as (
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
    from classified
)
select ticker, reason, min(session_date), max(session_date), count(*), is_fetchable
from final group by ticker, reason, is_fetchable order by ticker, reason
"""


class _StoredBars(NamedTuple):
    """Stored bars of a ticker: its instrument, first bar, and number of bars in the window."""

    instrument_id: int
    first_bar: date
    bar_count: int


def plan_prices_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Plan a price backfill from the exchange's calendar, stored bars and the fetch log.

    Sessions are expected from a ticker's first bar on, and before it if no response of Yahoo
    reached back so far. A gap that Yahoo's response had, too, is requested again after the next
    close, until `CORRECTION_WINDOW_DAYS` have passed: later corrections come with the weekly full
    histories. The newest session's bar may only be late: it is requested again after an hour.
    """
    with connect(scope.settings) as connection:
        gaps = _find_gaps(connection, scope)
        work_items = _plan_work_items(connection, scope, gaps)
    note = "Each response has everything from its first day to today, also after the end."
    return BackfillPlan(
        work_items, gaps, len(work_items), scope.settings.yahoo_requests_per_second, (note,)
    )


def _price_requests(work_items: Sequence[WorkItem], scope: ResolvedRequest) -> list[PriceRequest]:
    """Return the price requests of some work items, by the bars stored now."""
    tickers = [each.item for each in work_items]
    daily = {each.ticker: each for each in price_requests(tickers, False, scope.settings)}
    return [
        PriceRequest(
            each.item, each.start or daily[each.item].start, daily[each.item].last_stored_session
        )
        for each in work_items
    ]


def _plan_work_items(
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
    released_at = latest_release_at("daily_price", scope.now)
    stale = [item for item in items if item not in last or last[item].fetched_at < released_at]
    # the window of a daily run
    requests = price_requests(stale, False, scope.settings) if stale else []
    return [WorkItem(request.ticker, request.start, mode) for request in requests]


def _find_gaps(connection: Connection, scope: ResolvedRequest) -> list[DataGap]:
    assert scope.start is not None
    sessions = session_dates(scope.start, scope.end)
    released_at = latest_release_at("daily_price", scope.now)
    window = {"items": [*scope.items], "start": scope.start, "end": scope.end}
    bounds = {
        ticker: _StoredBars(*stored)
        for ticker, *stored in connection.execute(_BOUNDS, window).fetchall()
    }
    newest = read_last_fetches(connection, "daily_price", scope.items)
    earliest_fetched = _read_earliest_fetched(connection, scope.items)
    gaps: list[DataGap] = []
    for item in scope.items:
        stored, last = bounds.get(item), newest.get(item)
        if item not in earliest_fetched:
            # no request succeeded, so the number of rows is unknown
            reason = last.status if last else NOT_ASKED
            gaps.append(DataGap(item, reason, None, None, None, True))
        elif stored is None:
            # a response without a valid row
            reason = last.status if last and last.status != "loaded" else "quarantined"
            gaps.append(DataGap(item, reason, None, None, None, not is_fresh(last, released_at)))
        else:
            first_known = min(earliest_fetched[item], stored.first_bar)
            before = [day for day in sessions if day < first_known]
            if before:
                gaps.append(DataGap(item, NOT_ASKED, before[0], before[-1], None, True))
    return gaps + _find_missing_sessions(connection, scope, sessions, bounds)


def _find_missing_sessions(
    connection: Connection,
    scope: ResolvedRequest,
    sessions: Sequence[date],
    bounds: dict[str, _StoredBars],
) -> list[DataGap]:
    """Return the gaps after the first bar of each ticker."""
    incomplete = {
        ticker: stored
        for ticker, stored in bounds.items()
        if stored.bar_count < len(sessions) - bisect_left(sessions, stored.first_bar)
    }
    if not incomplete:
        return []
    rows = connection.execute(
        _MISSING,
        {
            "sessions": [*sessions],
            "tickers": [*incomplete],
            "instruments": [stored.instrument_id for stored in incomplete.values()],
            "firsts": [stored.first_bar for stored in incomplete.values()],
            "failed": [NOT_ASKED, "session_open", *TEMPORARY_FAILURES],
            "not_asked": NOT_ASKED,
            "correction_window": CORRECTION_WINDOW_DAYS,
            "released_at": latest_release_at("daily_price", scope.now),
            "newest": latest_closed_session(scope.now),
            "cooldown_since": scope.now - RETRY_COOLDOWN,
        },
    ).fetchall()
    return [DataGap(*row) for row in rows]


def _read_earliest_fetched(connection: Connection, tickers: Sequence[str]) -> dict[str, date]:
    """Return the earliest first day of each ticker's successful requests."""
    return dict(
        connection.execute(
            """
            select item, first_succeeded_date from audit.latest_fetch
            where dataset = 'daily_price' and item = any (%s) and first_succeeded_date is not null
            """,
            ([*tickers],),
        ).fetchall()
    )


@contextmanager
def _open(scope: ResolvedRequest, work_items: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    source = yahoo_prices(scope.settings)

    def ingest_chunk(chunk: Sequence[WorkItem], run: RunContext) -> None:
        ingest(source, _price_requests(chunk, scope), run)

    yield ingest_chunk


PRICES = BackfillAdapter(
    "yahoo", plan_prices_backfill, _open, lambda scope: scope.settings.yahoo_batch_tickers
)

"""What is missing of daily prices, and what to ask Yahoo for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import pandas as pd
from psycopg import Connection

from expectations.calendars.trading import session_closes
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem, work_items_from_gaps
from tasks.backfill.request import ResolvedRequest
from tasks.extract.yahoo.extract import PriceRequest, yahoo_request_policy
from tasks.ingest import ingest_prices
from tasks.plan.prices import CORRECTION_WINDOW_DAYS, plan_prices
from tasks.plan.release_times import (
    RETRY_COOLDOWN,
    latest_closed_session,
    latest_release_at,
    read_last_fetches,
)
from tasks.run.context import TEMPORARY_FAILURES, RunContext
from warehouse.connect.connections import connect

# A symbol stands for what it names now, with the past that this had under other symbols: so does
# Yahoo's history of it.
_BOUNDS = """
select
    map.ticker,
    map.instrument_id,
    min(bar.session_date) as first_bar,
    count(*) filter (where bar.session_date between %(start)s and %(end)s) as held
from core.ticker_instrument as map
join core.daily_price as bar using (instrument_id)
where map.ticker = any (%(items)s) and map.counts_to = 'infinity'
group by map.ticker, map.instrument_id
"""

# one row per expected and missing session: sessions from the ticker's first bar on
_MISSING = """
with session as (select unnest(%(sessions)s::date[]) as session_date),
aside as materialized (
    select
        key ->> 'ticker' as ticker, (key ->> 'session_date')::date as session_date,
        bool_and(rule = 'unfinished_session') as is_unfinished
    from audit.quarantine where table_name = 'daily_price'
    group by 1, 2
),
missing as (
    select wanted.ticker, session.session_date
    from unnest(%(tickers)s::text[], %(instruments)s::integer[], %(firsts)s::date[])
        as wanted (ticker, instrument_id, first_bar)
    join session on session.session_date >= wanted.first_bar
    where not exists (
        select from core.daily_price as bar
        where bar.instrument_id = wanted.instrument_id
            and bar.session_date = session.session_date
    )
),
answered as (
    select
        missing.ticker, missing.session_date, answer.fetched_at,
        case
            when aside.is_unfinished then 'unfinished'
            when aside.ticker is not null then 'quarantined'
            when answer.status is null then %(not_asked)s
            when answer.status = 'loaded' then 'no_row'
            else answer.status
        end as reason,
        answer.window_end - missing.session_date > %(healing)s::integer as past_correction_window
    from missing
    left join aside on aside.ticker = missing.ticker
        and aside.session_date = missing.session_date
    left join lateral audit.latest_fetch('daily_price', missing.ticker, missing.session_date)
        as answer on true
),
judged as (
    select
        ticker, session_date, reason,
        reason = any (%(failed)s) or (
            fetched_at < %(due)s
            -- of an old hole that an answer had, too, the vendor has no more to tell
            and not (past_correction_window and reason in ('no_row', 'quarantined'))
        ) or (
            -- the newest bar may be late, or be mended the same evening
            session_date = %(newest)s and reason in ('no_row', 'quarantined')
            and fetched_at < %(lately)s
        ) as is_due
    from answered
)
select ticker, reason, min(session_date), max(session_date), count(*), is_due
from judged group by ticker, reason, is_due order by ticker, reason
"""


def plan_prices_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """What is missing of the tickers' bars, by the exchange's calendar and the fetch ledger.

    A session counts from a ticker's first bar on, and before it where no answer of Yahoo reached
    back so far. A hole that Yahoo's answer had, too, is worth asking for after the next close, and
    no more once `HEALING_DAYS` have passed: the weekly whole histories see what is mended later.
    The newest session's bar may only be late: an hour after it was asked for, it is again.
    """
    with connect(scope.settings) as connection:
        gaps = _gaps(connection, scope)
        needs = _needs(connection, scope, gaps)
    return BackfillPlan(
        needs,
        gaps,
        estimated_requests=len(needs),
        estimated_seconds=len(needs) / scope.settings.yahoo_requests_per_second,
        notes=("A request brings everything from its first day to today, past the end, too.",),
    )


def _price_windows(needs: Sequence[WorkItem], scope: ResolvedRequest) -> list[PriceRequest]:
    """The needs as Yahoo is asked, by what is held now."""
    held = {
        window.ticker: window
        for window in plan_prices.fn([need.item for need in needs], False, scope.settings)
    }
    return [
        PriceRequest(
            need.item, need.start or held[need.item].start, held[need.item].last_stored_session
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
    asked = read_last_fetches(connection, "daily_price", items)
    if mode == "failed":
        return [
            WorkItem(item, max(found.start or date.min, scope.start or date.min), found.status)
            for item, found in asked.items()
            if not found.succeeded
        ]
    due = latest_release_at("daily_price", scope.instant)
    stale = [item for item in items if item not in asked or asked[item].fetched_at < due]
    # from where a daily run would ask
    windows = plan_prices.fn(stale, False, scope.settings) if stale else []
    return [WorkItem(window.ticker, window.start, mode) for window in windows]


def _gaps(connection: Connection, scope: ResolvedRequest) -> list[DataGap]:
    assert scope.start is not None
    closes = session_closes()
    sessions = closes.loc[pd.Timestamp(scope.start) : pd.Timestamp(scope.end)].index
    days = [stamp.date() for stamp in sessions]
    due = latest_release_at("daily_price", scope.instant)
    window = {"items": [*scope.items], "start": scope.start, "end": scope.end}
    bounds = {
        ticker: (instrument, first, held)
        for ticker, instrument, first, held in connection.execute(_BOUNDS, window).fetchall()
    }
    newest = read_last_fetches(connection, "daily_price", scope.items)
    earliest_fetched = _earliest_fetched(connection, scope.items)
    gaps: list[DataGap] = []
    for item in scope.items:
        first_bar = bounds[item][1] if item in bounds else None
        asked = newest.get(item)
        if item not in earliest_fetched:
            # nothing was ever answered: all of it is missing, however much that is
            reason = asked.status if asked else NOT_ASKED
            gaps.append(DataGap(item, reason, None, None, None, True))
        elif first_bar is None:
            # an answer without a row that could be believed
            reason = asked.status if asked and asked.status != "loaded" else "quarantined"
            is_due = asked is None or not asked.succeeded or asked.fetched_at < due
            gaps.append(DataGap(item, reason, None, None, None, is_due))
        elif scope.start < (known := min(earliest_fetched[item], first_bar)):
            before = [day for day in days if day < known]
            if before:
                gaps.append(DataGap(item, NOT_ASKED, before[0], before[-1], None, True))
    short = {
        item: (instrument, first)
        for item, (instrument, first, held) in bounds.items()
        if held < len(days) - sessions.searchsorted(pd.Timestamp(first))
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
                "healing": CORRECTION_WINDOW_DAYS,
                "due": due,
                "newest": latest_closed_session(scope.instant),
                "lately": scope.instant - RETRY_COOLDOWN,
            },
        ).fetchall()
        gaps += [DataGap(*row) for row in rows]
    return gaps


def _earliest_fetched(connection: Connection, items: Sequence[str]) -> dict[str, date]:
    """Ticker to the earliest first day of the requests that Yahoo answered."""
    return dict(
        connection.execute(
            """
            select item, first_succeeded_date from audit.latest_fetch
            where dataset = 'daily_price' and item = any (%s) and first_succeeded_date is not null
            """,
            ([*items],),
        ).fetchall()
    )


@contextmanager
def _open(scope: ResolvedRequest, needs: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    dealings = yahoo_request_policy(scope.settings)

    def bring(needs: Sequence[WorkItem], this_run: RunContext) -> None:
        ingest_prices(_price_windows(needs, scope), this_run, dealings)

    yield bring


PRICES = BackfillAdapter(
    "yahoo", plan_prices_backfill, _open, lambda scope: scope.settings.yahoo_batch_tickers
)

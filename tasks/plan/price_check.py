"""Plan the comparison of prices with a second source, and read the stored side of it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from hashlib import sha256

from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

from expectations.calendars.trading import NEW_YORK
from tasks.extract.tiingo.extract import DATASET, PROVIDER, CheckRequest
from tasks.plan.release_times import LAST_PRICE_RETRY_TIME, RETRY_COOLDOWN
from tasks.plan.universe import newest_members, pair_legs
from tasks.run.context import RunContext
from warehouse.connect.connections import connect
from warehouse.settings import Settings

SESSIONS = 5
# an open difference is compared again for as long as Yahoo corrects a bar: tasks/plan/prices.py
OPEN_DAYS = 60
# until then the exchanges correct the closes of a session
CORRECTED_TIME = time(20)
# an index, which only its publisher sells
INDEX_PREFIX = "^"


@dataclass(frozen=True)
class PriceCheckPlan:
    """Requests of one comparison.

    Attributes:
        requests: One per ticker, the pairs' legs first.
        sessions: All sessions of the requests' windows, in order.
        max_requests: How many requests are left of the hour.
        renamed: Tickers with an open difference that name nothing any more.
        message: Why tickers are not compared; empty if all due ones are.
    """

    requests: Sequence[CheckRequest] = ()
    sessions: Sequence[date] = ()
    max_requests: int = 0
    renamed: Sequence[str] = ()
    message: str = ""


@dataclass(frozen=True)
class LastComparison:
    """The newest request of a ticker.

    Attributes:
        fetched_at: The logical time of its run.
        has_succeeded: Whether Tiingo replied, be it that it has no data or no such ticker.
        newest_session: The newest session of the reply; None without one.
    """

    fetched_at: datetime
    has_succeeded: bool
    newest_session: date | None


@dataclass(frozen=True)
class StoredSide:
    """What is stored of the tickers of a plan.

    Attributes:
        closes: (ticker, session) to the close as traded, USD.
        splits: (ticker, ex-date) to new shares per old share.
    """

    closes: dict[tuple[str, date], float] = field(default_factory=dict)
    splits: dict[tuple[str, date], float] = field(default_factory=dict)


@task(name="plan price check", cache_policy=NO_CACHE)
def plan_price_check(only_stale: bool, run: RunContext) -> PriceCheckPlan:
    """Plan which tickers to compare over the newest stored sessions.

    They are the legs of the pairs, then the index members whose last turn is longest ago, then
    tickers with an open difference. All runs of a session have the same members, so that a run
    continues where the hour's requests ended the one before.

    Args:
        only_stale: Skip tickers compared since the close of the newest stored session. A reply
            without that session does not count until the last retry of the evening, and one with
            an open difference only if it was sent when the exchanges had corrected their closes.
        run: The run.
    """
    settings = run.settings
    legs = [ticker for ticker in pair_legs() if not ticker.startswith(INDEX_PREFIX)]
    with connect(settings) as connection:
        sessions = _read_sessions(connection, legs, run)
        if not sessions:
            return PriceCheckPlan(message="No prices of the pairs' legs are stored to compare.")
        newest = sessions[-1]
        first_day = sessions[-SESSIONS:][0]
        closed_at = _read_close(connection, newest)
        open_since, renamed = _read_open_differences(connection, newest)
        members = newest_members(connection)
        last_turns = read_last_turns(connection, members, closed_at)
        sample = select_next_members(members, last_turns, settings.tiingo_sample_tickers)
        tickers = [*dict.fromkeys([*legs, *sample, *open_since])]
        if only_stale:
            last = _read_last_comparisons(connection, tickers)
            tickers = [
                ticker
                for ticker in tickers
                if is_due(last.get(ticker), newest, closed_at, ticker in open_since, run.now)
            ]
        max_requests = _read_requests_left(connection, settings)
    requests = [
        CheckRequest(ticker, min(first_day, open_since.get(ticker, first_day)), newest)
        for ticker in tickers[:max_requests]
    ]
    message = "" if tickers else f"Up to date: compared since the close of {newest}."
    if left := len(tickers) - len(requests):
        message = (
            f"{left} tickers are left for a later run: the hour's requests"
            f" (ROTATION_TIINGO_REQUESTS_PER_HOUR {settings.tiingo_requests_per_hour}) are used."
        )
    return PriceCheckPlan(requests, sessions, max_requests, renamed, message)


def read_stored_side(plan: PriceCheckPlan, settings: Settings) -> StoredSide:
    """Read stored closes and splits of what the tickers name now, under former names too."""
    tickers = [request.ticker for request in plan.requests]
    parameters = {"tickers": tickers, "start": plan.sessions[0], "end": plan.sessions[-1]}
    with connect(settings) as connection:
        closes = connection.execute(
            """
            select map.ticker, bar.session_date, bar.close
            from core.ticker_instrument as map
            join core.daily_price as bar on bar.instrument_id = map.instrument_id
            where map.ticker = any (%(tickers)s) and map.counts_to = 'infinity'
                and bar.session_date between %(start)s and %(end)s
            """,
            parameters,
        ).fetchall()
        splits = connection.execute(
            """
            select map.ticker, action.ex_date, action.value
            from core.ticker_instrument as map
            join core.corporate_action as action
                on action.instrument_id = map.instrument_id and action.kind = 'split'
            where map.ticker = any (%(tickers)s) and map.counts_to = 'infinity'
                and action.ex_date between %(start)s and %(end)s
            """,
            parameters,
        ).fetchall()
    return StoredSide(
        {(ticker, day): close for ticker, day, close in closes},
        {(ticker, day): value for ticker, day, value in splits},
    )


def select_next_members(
    members: Iterable[str], last_turns: Mapping[str, datetime], size: int
) -> list[str]:
    """Return the members whose turn it is: those without a turn, then the longest ago.

    Args:
        members: Tickers in any order.
        last_turns: Ticker to the time of its last turn.
        size: How many; fewer if there are fewer members.
    """

    def turn(ticker: str) -> tuple[float, bytes]:
        at = last_turns.get(ticker)
        # by a hash, so that a sample is no run of the alphabet
        return at.timestamp() if at else -math.inf, sha256(ticker.encode()).digest()

    return sorted(members, key=turn)[:size]


def is_due(
    last: LastComparison | None, newest: date, closed_at: datetime, is_open: bool, now: datetime
) -> bool:
    """Return whether to compare a ticker again.

    Args:
        last: Its last request; None if there was none.
        newest: The newest stored session.
        closed_at: Its close.
        is_open: Whether the ticker has an open difference.
        now: The logical time.
    """
    if last is None or not last.has_succeeded or last.fetched_at < closed_at:
        return True
    corrected_at = datetime.combine(newest, CORRECTED_TIME, NEW_YORK)
    if is_open and last.fetched_at < corrected_at <= now:
        return True
    if last.newest_session is not None and last.newest_session >= newest:
        return False
    last_retry_at = datetime.combine(newest, LAST_PRICE_RETRY_TIME, NEW_YORK)
    return last.fetched_at < min(last_retry_at, now - RETRY_COOLDOWN)


def _read_sessions(connection: Connection, legs: Sequence[str], run: RunContext) -> list[date]:
    """Read the sessions up to the newest stored bar of a leg, `OPEN_DAYS` back; in order."""
    rows = connection.execute(
        """
        with newest as (
            select max(bar.session_date) as session_date
            from core.ticker_instrument as map
            join core.daily_price as bar using (instrument_id)
            where map.ticker = any (%(legs)s) and map.counts_to = 'infinity'
        )
        select session.session_date
        from core.session as session cross join newest
        where session.session_date between newest.session_date - %(days)s and newest.session_date
            and session.closes_at <= %(now)s
        order by session.session_date
        """,
        {"legs": [*legs], "days": OPEN_DAYS, "now": run.now},
    )
    return [day for (day,) in rows]


def _read_open_differences(
    connection: Connection, newest: date
) -> tuple[dict[str, date], list[str]]:
    """Read tickers with an open difference, the newest first, and the oldest session of it.

    Those that name no instrument any more are in the list.
    """
    rows = connection.execute(
        """
        select
            stored.ticker, min(stored.session_date), exists (
                select from core.current_ticker as current where current.ticker = stored.ticker
            )
        from audit.price_discrepancy as stored
        where stored.resolved_at is null and stored.session_date >= %s::date - %s
        group by stored.ticker order by max(stored.session_date) desc, stored.ticker
        """,
        (newest, OPEN_DAYS),
    ).fetchall()
    current = {ticker: since for ticker, since, is_current in rows if is_current}
    return current, [ticker for ticker, _, is_current in rows if not is_current]


def read_last_turns(
    connection: Connection, members: Sequence[str], closed_at: datetime
) -> dict[str, datetime]:
    """Read the last turn of each member before a close.

    A failed request counts if another of its run succeeded: a ticker that always fails would
    otherwise come first in every sample.
    """
    rows = connection.execute(
        """
        select item, max(fetched_at)
        from audit.fetch_result as request
        where dataset = %(dataset)s and item = any (%(members)s) and fetched_at < %(closed_at)s
            and (has_succeeded or (attempts > 0 and status <> 'throttled' and exists (
                select from audit.fetch_result as other
                where other.run_id = request.run_id and other.dataset = %(dataset)s
                    and other.has_succeeded
            )))
        group by item
        """,
        {"dataset": DATASET, "members": [*members], "closed_at": closed_at},
    )
    return dict(rows.fetchall())


def _read_last_comparisons(
    connection: Connection, tickers: Sequence[str]
) -> dict[str, LastComparison]:
    rows = connection.execute(
        """
        select distinct on (item)
            item, fetched_at, has_succeeded,
            -- an unknown ticker lacks nothing that may still come
            case when status in ('loaded', 'not_found') then window_end end
        from audit.fetch_result
        where dataset = %s and item = any (%s)
        order by item, finished_at desc, fetch_id desc
        """,
        (DATASET, [*tickers]),
    ).fetchall()
    return {item: LastComparison(*values) for item, *values in rows}


def _read_close(connection: Connection, session: date) -> datetime:
    row = connection.execute(
        "select closes_at from core.session where session_date = %s", (session,)
    ).fetchone()
    assert row is not None
    closes_at: datetime = row[0]
    return closes_at


def _read_requests_left(connection: Connection, settings: Settings) -> int:
    """Read how many requests are left of the hour, whichever process sent the others."""
    row = connection.execute(
        """
        select coalesce(sum(attempts), 0) from audit.fetch
        where source = %s and finished_at > clock_timestamp() - interval '1 hour'
        """,
        (PROVIDER,),
    ).fetchone()
    assert row is not None
    return max(0, settings.tiingo_requests_per_hour - int(row[0]))

"""Plan the comparison of prices with a second source, and read the stored side of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256

from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

from tasks.extract.tiingo.extract import DATASET, PROVIDER, CheckRequest
from tasks.plan.last_fetches import is_fresh, read_last_fetches
from tasks.plan.universe import newest_members, pair_legs
from tasks.run.context import RunContext
from warehouse.connect.connections import connect
from warehouse.settings import Settings

SESSIONS = 5
# an open difference is compared again for as long as Yahoo corrects a bar: tasks/plan/prices.py
OPEN_DAYS = 60
# an index, which only its publisher sells
INDEX_PREFIX = "^"


@dataclass(frozen=True)
class PriceCheckPlan:
    """Requests of one comparison.

    Attributes:
        requests: One per ticker, the pairs' legs first.
        sessions: All sessions of the requests' windows, in order.
        max_requests: How many requests are left of the hour.
        message: Why tickers are not compared; empty if all due ones are.
    """

    requests: Sequence[CheckRequest] = ()
    sessions: Sequence[date] = ()
    max_requests: int = 0
    message: str = ""


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

    They are the legs of the pairs, tickers with an open difference, and a sample of the newest
    index members. The sample depends on the newest stored session alone and moves on each session,
    so that all members are compared in turn.

    Args:
        only_stale: Skip tickers compared since the close of the newest stored session, unless they
            have an open difference.
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
        open_since = _read_open_differences(connection, newest)
        members = newest_members(connection)
        sample = rotating_sample(
            members, _read_ordinal(connection, newest), settings.tiingo_sample_tickers
        )
        tickers = [*dict.fromkeys([*legs, *open_since, *sample])]
        if only_stale:
            closed_at = _read_close(connection, newest)
            last = read_last_fetches(connection, DATASET, tickers)
            tickers = [
                ticker
                for ticker in tickers
                if ticker in open_since or not is_fresh(last.get(ticker), closed_at)
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
    return PriceCheckPlan(requests, sessions, max_requests, message)


@task(name="read stored side", cache_policy=NO_CACHE)
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


def rotating_sample(members: Iterable[str], ordinal: int, size: int) -> list[str]:
    """Return the members of one session's turn; each has one in members / size sessions.

    Args:
        members: Tickers in any order.
        ordinal: The number of the session: the next one continues where it ends.
        size: How many; fewer if there are fewer members.
    """
    # by a hash, so that a sample is no run of the alphabet
    ranked = sorted(members, key=lambda ticker: sha256(ticker.encode()).digest())
    size = min(size, len(ranked))
    if not size:
        return []
    start = ordinal * size % len(ranked)
    return (ranked + ranked)[start : start + size]


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


def _read_open_differences(connection: Connection, newest: date) -> dict[str, date]:
    """Read tickers with an open difference, the newest first, and the oldest session of it."""
    rows = connection.execute(
        """
        select ticker, min(session_date) from audit.price_discrepancy
        where resolved_at is null and session_date >= %s::date - %s
        group by ticker order by max(session_date) desc, ticker
        """,
        (newest, OPEN_DAYS),
    )
    return dict(rows.fetchall())


def _read_ordinal(connection: Connection, session: date) -> int:
    row = connection.execute(
        "select count(*) from core.session where session_date <= %s", (session,)
    ).fetchone()
    assert row is not None
    return int(row[0])


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

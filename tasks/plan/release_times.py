"""When each source last had something new to tell, and what was asked of it since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, TypeVar

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

from expectations.calendars.trading import NEW_YORK, new_york_date, next_session, session_closes
from tasks.extract.ishares.extract import HoldingsRequest
from tasks.extract.yahoo.extract import PriceRequest
from tasks.run.context import TEMPORARY_FAILURES, RunContext
from warehouse.connect.connections import connect

# New York times; deployments/prefect.yaml asks then. The 08:30 releases and those of 10:00; the
# Federal Reserve's rates of the day come at 16:15.
MACRO_TIMES = (time(8, 35), time(10, 5), time(16, 35))
HOLDINGS_TIME = time(8, 0)
FULL_HISTORY_WEEKDAY, WHOLE_HISTORY_TIME = 5, time(10, 0)
# The evening's last run: a bar that is not there by then, the next evening's or a person asks for.
LAST_PRICE_RETRY_TIME = time(21, 30)
# of runs that a worker begins late, all at once, the first asks for a late bar
RETRY_COOLDOWN = timedelta(hours=1)


class FetchRequest(Protocol):
    """A request to a provider, by the item that the ledger names."""

    @property
    def item(self) -> str:
        """Ticker, series or fund."""
        ...


R = TypeVar("R", bound=FetchRequest)


@dataclass(frozen=True)
class LastFetch:
    """The newest request for an item.

    Attributes:
        status: What came of it, as the ledger says.
        fetched_at: The instant that counted as now.
        start: The first day asked for; None where the provider chose.
        run_id: The run that asked.
    """

    status: str
    fetched_at: datetime
    start: date | None
    run_id: int

    @property
    def succeeded(self) -> bool:
        """Whether the provider could say what it has."""
        return self.status not in TEMPORARY_FAILURES


def latest_closed_session(instant: datetime) -> date:
    """The newest session that has closed at an instant."""
    closes = session_closes()
    position = pd.DatetimeIndex(closes).searchsorted(pd.Timestamp(instant), side="right") - 1
    found: date = closes.index[int(position)].date()
    return found


def latest_due_holdings_date(instant: datetime) -> date:
    """The newest session whose holdings file is due: on the morning of the next session."""
    session = latest_closed_session(instant)
    while datetime.combine(next_session(session), HOLDINGS_TIME, NEW_YORK) > instant:
        earlier = session_closes().loc[: pd.Timestamp(session)]
        session = earlier.index[-2].date()
    return session


def latest_release_at(dataset: str, instant: datetime, full_history: bool = False) -> datetime:
    """The newest instant, up to the one given, at which a source had something new to tell.

    Args:
        dataset: The table: daily_price, macro_observation or index_membership.
        instant: The instant that counts as now.
        full_history: Of whole histories, which are due once a week.
    """
    if dataset == "daily_price":
        if full_history:
            return _newest([WHOLE_HISTORY_TIME], {FULL_HISTORY_WEEKDAY}, instant)
        close: datetime = session_closes().loc[pd.Timestamp(latest_closed_session(instant))]
        return close
    if dataset == "macro_observation":
        return _newest(MACRO_TIMES, range(5), instant)
    if dataset == "index_membership":
        morning = next_session(latest_due_holdings_date(instant))
        return datetime.combine(morning, HOLDINGS_TIME, NEW_YORK)
    raise KeyError(f"nothing says when {dataset} is due: add it to tasks/due.py")


def _newest(times: Sequence[time], weekdays: Collection[int], instant: datetime) -> datetime:
    today = new_york_date(instant)
    past = [
        due
        for days in range(8)
        for at in times
        if (day := today - timedelta(days)).weekday() in weekdays
        and (due := datetime.combine(day, at, NEW_YORK)) <= instant
    ]
    return max(past)


def read_last_fetches(
    connection: Connection,
    dataset: str,
    items: Sequence[str],
    covering_from: date | None = None,
    is_whole: bool = False,
) -> dict[str, LastFetch]:
    """Item to its newest request; an item that was never asked for is not in it.

    Args:
        connection: To the warehouse.
        dataset: The table that the items are for.
        items: The items.
        covering_from: Look only at requests from this day or from before it on.
        is_whole: Look only at requests that do so, or that had no first day.
    """
    rows = connection.execute(
        """
        select requested.item, latest.status, latest.fetched_at, latest.window_start, latest.run_id
        from unnest(%(items)s::text[]) as requested (item)
        cross join lateral audit.latest_fetch(
            %(dataset)s, requested.item, reached_date => %(reached_date)s::date
        ) as latest
        """,
        {
            "items": [*items],
            "dataset": dataset,
            "reached_date": covering_from if is_whole else None,
        },
    ).fetchall()
    return {item: LastFetch(status, at, start, run) for item, status, at, start, run in rows}


@task(name="leave out what was asked", cache_policy=NO_CACHE)
def skip_up_to_date(
    dataset: str, requests: Sequence[R], full_history: bool, this_run: RunContext
) -> list[R]:
    """The requests for items that were not answered since their source had something new to tell.

    An answer that came before the newest file or bar was there is none: the file is asked for
    again, and the bar until the evening's last run.

    Args:
        dataset: The table that the items are for.
        requests: What a run would ask for.
        full_history: Whether it asks for whole histories.
        this_run: The run.
    """
    due = latest_release_at(dataset, this_run.now, full_history)
    with connect(this_run.settings) as connection:
        asked = read_last_fetches(
            connection,
            dataset,
            [request.item for request in requests],
            this_run.settings.history_start,
            full_history,
        )
    left = [
        request
        for request in requests
        if not _is_fresh(asked.get(request.item), due)
        or (not full_history and _is_incomplete(request, asked[request.item], this_run.now))
    ]
    if not left:
        this_run.message = f"Nothing is due: all was asked for since {due:%Y-%m-%d %H:%M %Z}."
        if dataset == "daily_price" and not is_session(new_york_date(this_run.now)):
            this_run.message = (
                f"No session today, {new_york_date(this_run.now)}. {this_run.message}"
            )
    return left


def _is_fresh(asked: LastFetch | None, due: datetime) -> bool:
    return asked is not None and asked.succeeded and asked.fetched_at >= due


def _is_incomplete(request: FetchRequest, asked: LastFetch, instant: datetime) -> bool:
    """Whether an answer lacks what is newest, and the source may have it by now."""
    if isinstance(request, HoldingsRequest):
        # the file of the day before, where a fund was late with its newest
        return asked.start is None or asked.start < latest_due_holdings_date(instant)
    if not isinstance(request, PriceRequest) or asked.status != "loaded":
        return False
    session = latest_closed_session(instant)
    if request.last_stored_session is not None and request.last_stored_session >= session:
        return False
    last_run = datetime.combine(session, LAST_PRICE_RETRY_TIME, NEW_YORK)
    return asked.fetched_at < min(last_run, instant - RETRY_COOLDOWN)


def is_session(day: date) -> bool:
    """Whether the exchange is open on a day."""
    return pd.Timestamp(day) in session_closes().index

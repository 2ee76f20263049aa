"""Read the last fetch of each item, and skip items fetched since the source's latest release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from psycopg import Connection

from expectations.calendars.trading import NEW_YORK, new_york_date
from tasks.extract.ishares.extract import HoldingsRequest
from tasks.extract.yahoo.extract import PriceRequest
from tasks.plan.release_times import (
    LAST_PRICE_RETRY_TIME,
    RETRY_COOLDOWN,
    is_session,
    latest_closed_session,
    latest_due_holdings_date,
    latest_release_at,
)
from tasks.run.totals import TEMPORARY_FAILURES
from warehouse.connect.connections import connect
from warehouse.settings import Settings


class FetchRequest(Protocol):
    """A request to a provider, named by its item in the fetch log."""

    @property
    def item(self) -> str:
        """Ticker, series or fund."""
        ...


R = TypeVar("R", bound=FetchRequest)


@dataclass(frozen=True)
class LastFetch:
    """The newest fetch of an item.

    Attributes:
        status: Its status in the fetch log.
        fetched_at: The logical time of its run.
        window_start: The first requested day; None if the provider chose.
        run_id: Its run.
    """

    status: str
    fetched_at: datetime
    window_start: date | None
    run_id: int

    @property
    def succeeded(self) -> bool:
        """Whether the provider replied, be it that it has no data."""
        return self.status not in TEMPORARY_FAILURES


def read_last_fetches(
    connection: Connection,
    dataset: str,
    items: Sequence[str],
    covering_from: date | None = None,
    full_history: bool = False,
) -> dict[str, LastFetch]:
    """Return the newest fetch by item; an item that was never fetched is missing.

    Args:
        connection: To the warehouse.
        dataset: The items' table.
        items: The items.
        covering_from: With `full_history`, the day that a window must reach back to.
        full_history: Consider only fetches that reach back so far, or without a first day.
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
            "reached_date": covering_from if full_history else None,
        },
    ).fetchall()
    return {item: LastFetch(*fetch) for item, *fetch in rows}


def skip_up_to_date(
    dataset: str, requests: Sequence[R], full_history: bool, now: datetime, settings: Settings
) -> tuple[list[R], str]:
    """Skip requests for items fetched since the source's latest release.

    A response fetched before the newest file or bar was published does not count: the file is
    requested again, and the bar until the last run of the evening.

    Args:
        dataset: The items' table.
        requests: All requests of the run.
        full_history: Whether the run requests full histories.
        now: The logical time.
        settings: Of the run.

    Returns:
        The remaining requests, and a message if there are none.
    """
    released_at = latest_release_at(dataset, now, full_history)
    with connect(settings) as connection:
        last = read_last_fetches(
            connection,
            dataset,
            [request.item for request in requests],
            settings.history_start,
            full_history,
        )
    remaining = [
        request
        for request in requests
        if not is_fresh(last.get(request.item), released_at)
        or (not full_history and _is_incomplete(request, last[request.item], now))
    ]
    if remaining:
        return remaining, ""
    message = f"Up to date: everything was fetched since {released_at:%Y-%m-%d %H:%M %Z}."
    if dataset == "daily_price" and not is_session(new_york_date(now)):
        message = f"No session today, {new_york_date(now)}. {message}"
    return remaining, message


def is_fresh(last: LastFetch | None, released_at: datetime) -> bool:
    """Return whether the last fetch succeeded after the source's latest release."""
    return last is not None and last.succeeded and last.fetched_at >= released_at


def _is_incomplete(request: FetchRequest, last: LastFetch, now: datetime) -> bool:
    """Return whether a response lacks the newest data, and the source may have it by now."""
    if isinstance(request, HoldingsRequest):
        # the provider sent the file of an earlier day because the newest one was late
        return last.window_start is None or last.window_start < latest_due_holdings_date(now)
    if not isinstance(request, PriceRequest) or last.status != "loaded":
        return False
    session = latest_closed_session(now)
    if request.last_stored_session is not None and request.last_stored_session >= session:
        return False
    last_retry_at = datetime.combine(session, LAST_PRICE_RETRY_TIME, NEW_YORK)
    return last.fetched_at < min(last_retry_at, now - RETRY_COOLDOWN)

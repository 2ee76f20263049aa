"""Daily bars and corporate actions of shares, funds and indexes, from Yahoo through yfinance."""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.trading import new_york_date, sessions_between
from tasks.extract.provider.fetch_log import FetchRecord, Status, stack, to_frame, utc_now
from tasks.extract.provider.policy import CallResult, FetchError, RequestPolicy, get_rate_limiter
from tasks.extract.yahoo.unadjust import ACTION_COLUMNS, BAR_COLUMNS, SOURCE
from warehouse.base_error import RotationError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from tasks.extract.yahoo.client import YahooClient

TICKER = re.compile(r"\^?[A-Z0-9][A-Z0-9.\-=]{0,14}")
# yfinance turns what looks like an ISIN into a search for a symbol, so that it asks another name.
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")

# A listed share that Yahoo does not find: its symbol may have changed overnight, and Yahoo needs
# some days. Only when no session of a whole week has come is it called delisted.
DELISTED_AFTER_SESSIONS = 5

_Parsed = tuple[pd.DataFrame, pd.DataFrame]


class InvalidTicker(RotationError):
    """A symbol that must not be sent to Yahoo."""


@dataclass(frozen=True)
class PriceRequest:
    """What to ask for one ticker.

    Attributes:
        ticker: Yahoo's symbol.
        start: The first session wanted.
        last_stored_session: The newest session of the ticker that the warehouse holds; None for
            none.
    """

    ticker: str
    start: date
    last_stored_session: date | None = None

    def __post_init__(self) -> None:
        """Refuse a symbol that is none, before anything is sent."""
        if not TICKER.fullmatch(self.ticker) or _ISIN.fullmatch(self.ticker):
            raise InvalidTicker(
                f"ticker {self.ticker!r} of a price window is no Yahoo symbol: expected"
                f" {TICKER.pattern} and not an ISIN; correct it where the ticker comes from"
            )

    @property
    def item(self) -> str:
        """The ticker, as the ledger names it."""
        return self.ticker


@dataclass(frozen=True)
class PriceExtract:
    """Bars and actions as `parse_history` returns them, and one fetch per window."""

    bars: pd.DataFrame
    actions: pd.DataFrame
    fetches: pd.DataFrame


@task(
    name="extract prices",
    task_run_name="extract prices as of {now:%Y-%m-%d %H:%M}",
    cache_policy=NO_CACHE,
)
def extract_prices(
    windows: Sequence[PriceRequest],
    now: datetime,
    settings: Settings,
    dealings: RequestPolicy | None = None,
) -> PriceExtract:
    """Daily bars and corporate actions of some tickers, as traded, up to now.

    One history request per ticker, whatever its window; a failed ticker never loses the others.

    Args:
        windows: What to ask, one per ticker; 50 to 100 make a good batch.
        now: The instant that counts as now; the request runs to the end of its New York day, so
            that all splits which the reply is restated for are in it.
        settings: The `yahoo_` settings and `home`, for yfinance's cache.
        dealings: Of the run with Yahoo, so that a batch does not ask on where Yahoo has told the
            one before it to stop; None: these windows are the whole run.

    Returns:
        One row per (ticker, session_date) in `bars`, one per (ticker, ex_date, kind) in
        `actions`, one per window in `fetches`. A bar of a session that is still open is included.

    Source:
        https://query2.finance.yahoo.com/v8/finance/chart/ through yfinance; minutes after the
        close; the whole history is restated on each split, single bars are corrected for some
        days. Yahoo's terms allow personal use; redistribution is not allowed.
    """
    if not windows:
        return _combine_results(())
    # yfinance takes a second to import and changes the process's settings: not before it is used
    from tasks.extract.yahoo.client import YahooClient

    client = YahooClient(settings)
    policy = dealings or yahoo_request_policy(settings)
    today = new_york_date(now)
    pool = ThreadPoolExecutor(settings.yahoo_concurrency, thread_name_prefix="yahoo")
    try:
        results = pool.map(lambda window: _extract_one(window, today, policy, client), windows)
        batch = _combine_results(results)
    except BaseException:
        # when the run is cancelled, threads that wait, be it for a reply, must not hold up its end
        policy.cancel()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return batch


def yahoo_request_policy(settings: Settings) -> RequestPolicy:
    """The dealings of one run with Yahoo."""
    return RequestPolicy(
        get_rate_limiter("yahoo", settings.yahoo_requests_per_second),
        attempts=settings.yahoo_attempts,
        backoff_seconds=settings.yahoo_backoff_seconds,
    )


def _extract_one(
    window: PriceRequest, today: date, dealings: RequestPolicy, client: "YahooClient"
) -> tuple[_Parsed | None, FetchRecord]:
    started_at = utc_now()
    if window.start > today:
        fault = FetchError("empty", "no_data", f"{window.ticker}: the window starts after today.")
        answer: CallResult[_Parsed] = CallResult(None, fault, 0)
    else:
        answer = dealings.call(lambda: client.history(window.ticker, window.start, today))
    status, reason, detail = _fetch_status(window, today, answer)
    fetch = FetchRecord(
        source=SOURCE,
        dataset="daily_price",
        item=window.ticker,
        window_start=window.start,
        window_end=today,
        status=status,
        reason=reason,
        detail=detail,
        rows=len(answer.value[0]) if answer.value else 0,
        attempts=answer.attempts,
        started_at=started_at,
        finished_at=utc_now(),
    )
    return answer.value, fetch


def _fetch_status(
    window: PriceRequest, today: date, answer: CallResult[_Parsed]
) -> tuple[Status, str | None, str]:
    """The ledger's words for an answer; an absence becomes a delisting only by the calendar."""
    if answer.value is not None:
        bars, actions = answer.value
        if len(bars) == 0:
            return "empty", "no_data", f"Yahoo sent no bar of {window.ticker}."
        return "loaded", None, f"{len(bars)} bars and {len(actions)} actions of {window.ticker}."
    fault = answer.fault or FetchError("outage", "no_answer", f"Nothing came of {window.ticker}.")
    if fault.status == "not_found" and window.last_stored_session is not None:
        sessions_since_last_bar = sessions_between(window.last_stored_session, today)
        if sessions_since_last_bar > DELISTED_AFTER_SESSIONS:
            detail = (
                f"{fault.detail} The newest bar held is {sessions_since_last_bar} sessions old."
            )
            return "delisted", fault.reason, detail
    return fault.status, fault.reason, fault.detail


def _combine_results(results: Iterable[tuple[_Parsed | None, FetchRecord]]) -> PriceExtract:
    pairs = list(results)
    parsed = [value for value, _ in pairs if value is not None]
    return PriceExtract(
        bars=stack((bars for bars, _ in parsed), BAR_COLUMNS),
        actions=stack((actions for _, actions in parsed), ACTION_COLUMNS),
        fetches=to_frame(fetch for _, fetch in pairs),
    )

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

from expectations.sessions import new_york_date, sessions_between
from tasks.extract.as_traded import ACTION_COLUMNS, BAR_COLUMNS, SOURCE
from tasks.extract.ledger import Fetch, Status, stack, to_frame, utc_now
from tasks.extract.politeness import Answer, Dealings, Fault, provider
from warehouse.settings import Settings

if TYPE_CHECKING:
    from tasks.extract.yahoo_client import YahooClient

TICKER = re.compile(r"\^?[A-Z0-9][A-Z0-9.\-=]{0,14}")
# yfinance turns what looks like an ISIN into a search for a symbol, so that it asks another name.
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")

# A listed share that Yahoo does not find: its symbol may have changed overnight, and Yahoo needs
# some days. Only when no session of a whole week has come is it called delisted.
DELISTED_AFTER_SESSIONS = 5

_Parsed = tuple[pd.DataFrame, pd.DataFrame]


class InvalidTicker(ValueError):
    """A symbol that must not be sent to Yahoo."""


@dataclass(frozen=True)
class PriceWindow:
    """What to ask for one ticker.

    Attributes:
        ticker: Yahoo's symbol.
        start: The first session wanted.
        last_held: The newest session of the ticker that the warehouse holds; None for none.
    """

    ticker: str
    start: date
    last_held: date | None = None

    def __post_init__(self) -> None:
        """Refuse a symbol that is none, before anything is sent."""
        if not TICKER.fullmatch(self.ticker) or _ISIN.fullmatch(self.ticker):
            raise InvalidTicker(
                f"ticker {self.ticker!r} of a price window is no Yahoo symbol: expected"
                f" {TICKER.pattern} and not an ISIN; correct it where the ticker comes from"
            )


@dataclass(frozen=True)
class PriceBatch:
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
    windows: Sequence[PriceWindow],
    now: datetime,
    settings: Settings,
    dealings: Dealings | None = None,
) -> PriceBatch:
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
        return _gather(())
    # yfinance takes a second to import and changes the process's settings: not before it is used
    from tasks.extract.yahoo_client import YahooClient

    client = YahooClient(settings)
    talk = dealings or dealings_with_yahoo(settings)
    today = new_york_date(now)
    pool = ThreadPoolExecutor(settings.yahoo_concurrency, thread_name_prefix="yahoo")
    try:
        results = pool.map(lambda window: _extract_one(window, today, talk, client), windows)
        batch = _gather(results)
    except BaseException:
        # when the run is cancelled, threads that wait, be it for a reply, must not hold up its end
        talk.close()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return batch


def dealings_with_yahoo(settings: Settings) -> Dealings:
    """The dealings of one run with Yahoo."""
    return Dealings(
        provider("yahoo", settings.yahoo_requests_per_second),
        attempts=settings.yahoo_attempts,
        backoff_seconds=settings.yahoo_backoff_seconds,
    )


def _extract_one(
    window: PriceWindow, today: date, dealings: Dealings, client: "YahooClient"
) -> tuple[_Parsed | None, Fetch]:
    started_at = utc_now()
    if window.start > today:
        fault = Fault(
            "empty", "no_rows_in_window", f"{window.ticker}: the window starts after today."
        )
        answer: Answer[_Parsed] = Answer(None, fault, 0)
    else:
        answer = dealings.ask(lambda: client.history(window.ticker, window.start, today))
    status, reason, detail = _settle(window, today, answer)
    fetch = Fetch(
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


def _settle(
    window: PriceWindow, today: date, answer: Answer[_Parsed]
) -> tuple[Status, str | None, str]:
    """The ledger's words for an answer; an absence becomes a delisting only by the calendar."""
    if answer.value is not None:
        bars, actions = answer.value
        if len(bars) == 0:
            return "empty", "no_rows_in_window", f"Yahoo sent no bar of {window.ticker}."
        return "loaded", None, f"{len(bars)} bars and {len(actions)} actions of {window.ticker}."
    fault = answer.fault or Fault("outage", "no_answer", f"Nothing came of {window.ticker}.")
    if fault.status == "not_found" and window.last_held is not None:
        silent = sessions_between(window.last_held, today)
        if silent > DELISTED_AFTER_SESSIONS:
            detail = f"{fault.detail} The newest bar held is {silent} sessions old."
            return "delisted", fault.reason, detail
    return fault.status, fault.reason, fault.detail


def _gather(results: Iterable[tuple[_Parsed | None, Fetch]]) -> PriceBatch:
    pairs = list(results)
    parsed = [value for value, _ in pairs if value is not None]
    return PriceBatch(
        bars=stack((bars for bars, _ in parsed), BAR_COLUMNS),
        actions=stack((actions for _, actions in parsed), ACTION_COLUMNS),
        fetches=to_frame(fetch for _, fetch in pairs),
    )

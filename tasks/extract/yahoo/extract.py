"""Extract daily bars and corporate actions of shares, funds and indexes from Yahoo."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.trading import new_york_date, sessions_between
from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.fetch_log import FetchRecord, StartedFetch, to_frame
from tasks.extract.provider.policy import CallResult, RequestPolicy
from tasks.extract.provider.rate_limit import get_rate_limiter
from tasks.extract.yahoo.parse import PROVIDER, History, to_frames
from warehouse.base_error import RotationError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from tasks.extract.yahoo.client import YahooClient

TICKER = re.compile(r"\^?[A-Z0-9][A-Z0-9.\-=]{0,14}")
# yfinance searches a symbol for anything like an ISIN, and would then request that symbol.
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")

# A listed share may change its symbol overnight, and Yahoo follows after some days. Only without a
# bar for a whole week of sessions is an unknown symbol reported as delisted.
DELISTED_AFTER_SESSIONS = 5

# Most current symbols do not vanish in one night; a provider's index of them does.
MIN_VANISHED = 2
VANISHED_SHARE = 0.5


class InvalidTicker(RotationError):
    """Reject a symbol that must not be sent to Yahoo."""


@dataclass(frozen=True)
class PriceRequest:
    """Request the history of one ticker.

    Attributes:
        ticker: Yahoo's symbol.
        start: The first session to request.
        last_stored_session: The newest stored session of the ticker; None if there is none.
    """

    ticker: str
    start: date
    last_stored_session: date | None = None

    def __post_init__(self) -> None:
        """Reject an invalid symbol before any request is sent."""
        if not TICKER.fullmatch(self.ticker) or _ISIN.fullmatch(self.ticker):
            raise InvalidTicker(
                f"ticker {self.ticker!r} of a price request is no Yahoo symbol: expected"
                f" {TICKER.pattern} and not an ISIN; correct it where the ticker comes from"
            )

    @property
    def item(self) -> str:
        """Return the ticker, the item of the fetch record."""
        return self.ticker


@dataclass(frozen=True)
class PriceExtract:
    """Hold bars and actions as `to_frames` returns them, and one fetch per request."""

    bars: pd.DataFrame
    actions: pd.DataFrame
    fetches: pd.DataFrame


@task(
    name="extract prices",
    task_run_name="extract prices as of {now:%Y-%m-%d %H:%M}",
    cache_policy=NO_CACHE,
)
def extract_prices(
    requests: Sequence[PriceRequest],
    now: datetime,
    settings: Settings,
    policy: RequestPolicy | None = None,
) -> PriceExtract:
    """Extract daily bars and corporate actions of some tickers, unadjusted for splits.

    One history request per ticker, however long; a failed ticker does not affect the others.

    Example:
        requests = [PriceRequest("AAPL", date(2024, 1, 2)), PriceRequest("IWM", date(2024, 1, 2))]
        extract = extract_prices.fn(requests, datetime.now(UTC), Settings())
        extract.bars[["ticker", "session_date", "close"]]
        extract.fetches.query("status != 'loaded'")[["item", "reason", "detail"]]

    Args:
        requests: One per ticker; 100 make a good batch.
        now: The logical time. Requests run to the end of its New York day, so that the reply lists
            all splits that it is adjusted for.
        settings: The `yahoo_` settings, and `home` for yfinance's cache.
        policy: The request policy of the run, shared by its batches; None if this batch is the
            whole run.

    Returns:
        One row per (ticker, session_date) in `bars`, one per (ticker, ex_date, kind) in
        `actions`, one per request in `fetches`. The bar of an open session is included.

    Source:
        https://query2.finance.yahoo.com/v8/finance/chart/ through yfinance. Published minutes
        after the close. Each split revises the whole history; single bars are corrected for some
        days. Yahoo's terms: personal use, no redistribution.
    """
    if not requests:
        return _to_extract([])
    # importing yfinance takes a second and changes settings of the process
    from tasks.extract.yahoo.client import YahooClient

    client = YahooClient(settings)
    policy = policy or yahoo_request_policy(settings)
    today = new_york_date(now)
    results = policy.map_concurrently(
        lambda request: _extract_one(request, today, policy, client),
        requests,
        threads=settings.yahoo_concurrency,
        name=PROVIDER,
    )
    return _to_extract(_without_mass_disappearance(requests, results))


def yahoo_request_policy(settings: Settings) -> RequestPolicy:
    """Return the request policy of one run."""
    return RequestPolicy(
        get_rate_limiter(PROVIDER, settings.yahoo_requests_per_second),
        attempts=settings.yahoo_attempts,
        backoff_seconds=settings.yahoo_backoff_seconds,
    )


def _extract_one(
    request: PriceRequest, today: date, policy: RequestPolicy, client: "YahooClient"
) -> tuple[History | None, FetchRecord]:
    fetch = StartedFetch(PROVIDER, "daily_price", request.ticker, request.start, today)
    if request.start > today:
        error = FetchError("empty", "no_data", f"{request.ticker}: the window starts after today.")
        return None, fetch.finish(error, attempts=0)
    result = policy.call(lambda: client.history(request.ticker, request.start, today))
    rows, detail = 0, ""
    if result.value is not None:
        rows = result.value.bar_count
        detail = f"{rows} bars and {result.value.action_count} actions of {request.ticker}."
    return result.value, fetch.finish(
        _final_error(request, today, result), result.attempts, rows, detail
    )


def _final_error(
    request: PriceRequest, today: date, result: CallResult[History]
) -> FetchError | None:
    """Return the error to record; an unknown symbol is delisted only after some sessions."""
    error = result.error
    if result.value is not None and result.value.bar_count == 0:
        return FetchError("empty", "no_data", f"Yahoo sent no bar of {request.ticker}.")
    if error and error.status == "not_found" and request.last_stored_session is not None:
        sessions_since_last_bar = sessions_between(request.last_stored_session, today)
        if sessions_since_last_bar > DELISTED_AFTER_SESSIONS:
            age = f"The newest stored bar is {sessions_since_last_bar} sessions old."
            return FetchError("delisted", error.reason, f"{error.detail} {age}")
    return error


def _without_mass_disappearance(
    requests: Sequence[PriceRequest],
    results: Sequence[tuple[History | None, FetchRecord]],
) -> list[tuple[History | None, FetchRecord]]:
    """Return the results, with outages where most of the current symbols are gone at once.

    A batch without any loaded symbol is no proof of a delisting either.
    Current are the symbols whose newest stored session is at most `DELISTED_AFTER_SESSIONS` older
    than the newest of the batch: earlier delistings say nothing about today.
    """
    stored = [each.last_stored_session for each in requests if each.last_stored_session]
    is_current = [
        each.last_stored_session is not None
        and sessions_between(each.last_stored_session, max(stored)) <= DELISTED_AFTER_SESSIONS
        for each in requests
    ]
    is_gone = [
        fetch.attempts > 0 and fetch.status in ("not_found", "delisted", "empty")
        for _, fetch in results
    ]
    gone = sum(each and current for each, current in zip(is_gone, is_current, strict=True))
    if gone < MIN_VANISHED or gone <= VANISHED_SHARE * sum(is_current):
        if any(fetch.status == "loaded" for _, fetch in results):
            return [*results]
        return [
            (value, replace(fetch, status="not_found") if fetch.status == "delisted" else fetch)
            for value, fetch in results
        ]
    detail = f"So did {gone} of {sum(is_current)} stored symbols of the batch: an outage."
    return [
        (
            value,
            replace(fetch, status="outage", reason="all_gone", detail=f"{fetch.detail} {detail}")
            if each
            else fetch,
        )
        for (value, fetch), each in zip(results, is_gone, strict=True)
    ]


def _to_extract(results: Sequence[tuple[History | None, FetchRecord]]) -> PriceExtract:
    bars, actions = to_frames([value for value, _ in results if value is not None])
    return PriceExtract(bars, actions, to_frame(fetch for _, fetch in results))

"""Extract closes as traded and split factors from Tiingo, to compare stored prices with them."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.fetch_log import FetchRecord, StartedFetch, to_frame
from tasks.extract.provider.frames import concat_typed
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.provider.rate_limit import PostgresRateLimiter
from tasks.extract.tiingo.client import TiingoClient
from tasks.extract.tiingo.parse import PRICE_COLUMNS
from warehouse.settings import Settings

PROVIDER, DATASET = "tiingo", "price_discrepancy"


@dataclass(frozen=True)
class CheckRequest:
    """Request the sessions of one ticker.

    Attributes:
        ticker: In the spelling of core.ticker.
        start: The first session to compare.
        end: The last session to compare.
    """

    ticker: str
    start: date
    end: date

    @property
    def item(self) -> str:
        """Return the ticker, the item of the fetch record."""
        return self.ticker


@dataclass(frozen=True)
class CheckExtract:
    """Hold sessions as `parse_prices` returns them, and one fetch per request."""

    sessions: pd.DataFrame
    fetches: pd.DataFrame


@task(name="extract second prices", cache_policy=NO_CACHE)
def extract_second_prices(
    requests: Sequence[CheckRequest], max_requests: int, settings: Settings
) -> CheckExtract:
    """Extract the sessions of some tickers, one request each.

    The frame is compared and discarded: Tiingo's terms permit internal use and no publication of
    its values.

    Args:
        requests: One per ticker, the most important first.
        max_requests: How many requests are left of the hour.
        settings: The `tiingo_` settings, with a key.

    Returns:
        One row per (ticker, session_date) in `sessions`, one per request in `fetches`, whose
        `window_end` is the newest session of the reply.

    Source:
        https://api.tiingo.com/tiingo/daily/<ticker>/prices: prices as traded at 17:30 New York,
        corrected by the exchanges until 20:00. Free plan: 50 requests an hour, 1,000 a day, 500
        tickers a month.
    """
    assert settings.tiingo_api_key is not None
    rate = settings.tiingo_requests_per_second
    frames: list[pd.DataFrame] = []
    fetches: list[FetchRecord] = []
    with closing(PostgresRateLimiter(PROVIDER, rate, settings)) as limiter:
        policy = RequestPolicy(
            limiter,
            attempts=settings.tiingo_attempts,
            backoff_seconds=settings.tiingo_backoff_seconds,
        )
        try:
            client = TiingoClient(
                settings.tiingo_api_key, limiter, settings.tiingo_timeout_seconds, max_requests
            )
        except FetchError as error:
            fetches = [_start(request).finish(error, 0) for request in requests]
            return CheckExtract(concat_typed((), PRICE_COLUMNS), to_frame(fetches))
        with client:
            for request in requests:
                fetch = _start(request)
                result = policy.call(
                    partial(client.daily_prices, request.ticker, request.start, request.end)
                )
                if result.value is None:
                    fetches.append(fetch.finish(result.error, result.attempts))
                    continue
                frames.append(result.value)
                newest = result.value["session_date"].max()
                detail = f"{len(result.value)} sessions of {request.ticker} to {newest:%Y-%m-%d}."
                # the plan requests a reply without the newest session again
                sent = replace(fetch, window_end=newest.date())
                fetches.append(sent.finish(None, result.attempts, len(result.value), detail))
    return CheckExtract(concat_typed(frames, PRICE_COLUMNS), to_frame(fetches))


def _start(request: CheckRequest) -> StartedFetch:
    return StartedFetch(PROVIDER, DATASET, request.ticker, request.start, request.end)

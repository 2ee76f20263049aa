"""Request price histories through yfinance, and control its process-wide state.

Importing this module imports yfinance, which takes a second.
"""

import logging
import warnings
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yfinance as yf
from yfinance.data import YfData
from yfinance.exceptions import YFPricesMissingError

from expectations.calendars.trading import NEW_YORK
from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.rate_limit import get_rate_limiter
from tasks.extract.yahoo.errors import to_fetch_error
from tasks.extract.yahoo.parse import PROVIDER, History, parse_history
from tasks.extract.yahoo.session import RateLimitedSession
from warehouse.settings import Settings


class YahooClient:
    """Request histories through yfinance, which raises its errors and keeps the rate limit."""

    def __init__(self, settings: Settings) -> None:
        """Configure yfinance; no request is sent."""
        # yfinance also raises the errors that it logs, and the fetch log stores them
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        yf.config.debug.hide_exceptions = False
        _set_cache_folder(settings.home.absolute() / "cache" / "yfinance")
        self._session = _shared_session(
            settings.yahoo_requests_per_second, settings.yahoo_timeout_seconds
        )
        self._timeout_seconds = settings.yahoo_timeout_seconds

    @property
    def crumb_status(self) -> int | None:
        """Return the status of the last request for a crumb; None if there was none."""
        return self._session.crumb_status

    def history(self, ticker: str, start: date, until: date) -> History:
        """Return bars and actions of one ticker, as `parse_history` does.

        Args:
            ticker: Yahoo's symbol.
            start: The first day.
            until: The last day, included: today, so that the reply lists all splits.

        Raises:
            FetchError: There are none, with the reason; or they are not in USD.
        """
        # per call, since `catch_warnings` of another thread may have restored earlier filters
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
        # yfinance caches replies by URL, including failures: a repeated request would not be
        # sent, and a history from before a split would be returned after it.
        YfData.cache_get.cache_clear()
        self._session.reset()
        symbol: Any = yf.Ticker(ticker, session=self._session)
        # else yfinance requests it for each new ticker, and reads and writes it in an SQLite file
        symbol._tz = str(NEW_YORK)
        try:
            frame = symbol.history(
                start=start,
                end=until + timedelta(days=1),
                interval="1d",
                auto_adjust=False,
                actions=True,
                keepna=True,
                timeout=self._timeout_seconds,
            )
        except Exception as error:
            reply = self._session.last_chart_reply()
            is_known = reply is not None and reply.status == 200 and _is_about_ticker(symbol, error)
            raise to_fetch_error(ticker, error, reply, is_known_ticker=is_known) from error
        # not within `try`: a defect of the parser is no outage of Yahoo
        reply = self._session.last_chart_reply()
        if reply and reply.currency not in (None, "USD"):
            detail = f"Yahoo states {ticker} in {reply.currency}, not in USD; correct the ticker."
            raise FetchError("refused", "currency_not_usd", detail)
        return parse_history(ticker, frame, reply.foreign_currencies if reply else None)


def _is_about_ticker(symbol: Any, error: Exception) -> bool:
    """Return whether a reply without prices described the ticker, rather than being broken."""
    if not isinstance(error, YFPricesMissingError) or error.yahoo_reason is not None:
        return False
    return "symbol" in symbol.get_history_metadata()


@cache
def _set_cache_folder(folder: Path) -> None:
    # Not the user's own cache folder: the cookies are pickles and last a year. Once per process,
    # as yfinance keeps its database open.
    yf.set_tz_cache_location(str(folder))


@cache
def _shared_session(requests_per_second: float, timeout_seconds: float) -> RateLimitedSession:
    # one per process: yfinance shares its session, cookie and crumb among all tickers
    return RateLimitedSession(get_rate_limiter(PROVIDER, requests_per_second), timeout_seconds)

"""One history request through yfinance, with its process-wide state kept in hand.

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

from tasks.extract.provider.policy import get_rate_limiter
from tasks.extract.yahoo.errors import explain
from tasks.extract.yahoo.session import RateLimitedSession
from tasks.extract.yahoo.unadjust import parse_history
from warehouse.settings import Settings


class YahooClient:
    """yfinance, set up to raise what it would hide and to keep the provider's pace."""

    def __init__(self, settings: Settings) -> None:
        """Set yfinance up; nothing is sent."""
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
        # whatever it would log it also raises, and the ledger keeps that
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        yf.config.debug.hide_exceptions = False
        _place_cache(settings.home.absolute() / "cache" / "yfinance")
        self._session = _session(settings.yahoo_requests_per_second, settings.yahoo_timeout_seconds)
        self._timeout_seconds = settings.yahoo_timeout_seconds

    def history(self, ticker: str, start: date, until: date) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Bars and actions of one ticker, as `parse_history` returns them.

        Args:
            ticker: Yahoo's symbol.
            start: The first day.
            until: The last day, included. Let it be today, so that the reply lists all splits.

        Raises:
            Fault: There are none; it says why.
        """
        # yfinance remembers replies of the past by URL, failures included: a repeated request
        # would be answered from memory, and a history from before a split served after it.
        YfData.cache_get.cache_clear()
        self._session.reset()
        symbol: Any = yf.Ticker(ticker, session=self._session)
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
            knows = reply is not None and reply.status == 200 and _is_about_ticker(symbol, error)
            raise explain(ticker, error, reply, is_known_ticker=knows) from error
        # outside of the above: a defect of ours is no outage of theirs
        return parse_history(ticker, frame)


def _is_about_ticker(symbol: Any, error: Exception) -> bool:
    """Whether the reply without prices was about the ticker, rather than broken."""
    if not isinstance(error, YFPricesMissingError) or error.yahoo_reason is not None:
        return False
    return "symbol" in symbol.get_history_metadata()


@cache
def _place_cache(folder: Path) -> None:
    # Its cookies are pickles and last a year: never in the user's own cache folder. Before the
    # first use only, as the library keeps its open database anyway.
    yf.set_tz_cache_location(str(folder))


@cache
def _session(requests_per_second: float, timeout_seconds: float) -> RateLimitedSession:
    # one for the process: yfinance shares one session, cookie and crumb among all tickers
    return RateLimitedSession(get_rate_limiter("yahoo", requests_per_second), timeout_seconds)

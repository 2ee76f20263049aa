"""Request daily prices from Tiingo within its rate limits, and never show the API key."""

import re
from datetime import date
from types import TracebackType
from typing import Self
from urllib.parse import quote

import pandas as pd
from pydantic import SecretStr

from tasks.extract.provider.errors import throttled
from tasks.extract.provider.http import USER_AGENT, connection_error
from tasks.extract.provider.rate_limit import RateLimiter
from tasks.extract.tiingo.errors import invalid_api_key, reply_error
from tasks.extract.tiingo.parse import parse_prices
from tasks.http_client import HttpError, open_client

URL = "https://api.tiingo.com/tiingo/daily/{ticker}/prices?startDate={start}&endDate={end}"
# any other key breaks the header, and is then quoted in the error message
_KEY = re.compile(r"[A-Za-z0-9]{1,64}")


class TiingoClient:
    """Request daily prices, at most a number of times."""

    def __init__(
        self, key: SecretStr, limiter: RateLimiter, timeout_seconds: float, max_requests: int
    ) -> None:
        """Create a client; no request is sent.

        Args:
            key: The API key.
            limiter: The rate limiter of all processes.
            timeout_seconds: For connecting and for each wait for data.
            max_requests: How many requests are left of the hour.

        Raises:
            FetchError: The key has characters that no key has.
        """
        self._key = key.get_secret_value().strip()
        self._limiter = limiter
        self._requests_left = max_requests
        if not _KEY.fullmatch(self._key):
            raise invalid_api_key("it has characters other than letters and digits")
        # in a header, since addresses are logged; no redirect may carry it elsewhere
        headers = {"Authorization": f"Token {self._key}", "User-Agent": USER_AGENT}
        self.http = open_client(timeout_seconds, headers=headers)

    def daily_prices(self, ticker: str, start: date, end: date) -> pd.DataFrame:
        """Return the sessions of a period, as `parse_prices` does.

        Args:
            ticker: In the spelling of core.ticker, which is Tiingo's: BRK-B.
            start: The first day.
            end: The last day, included.

        Raises:
            FetchError: There are no prices, or no request is left of the hour.
        """
        if self._requests_left < 1:
            raise throttled(
                f"Not sent: {ticker}: no request is left of ROTATION_TIINGO_REQUESTS_PER_HOUR.",
                reason="hourly_limit",
                is_retryable=False,
            )
        self._limiter.acquire()
        self._requests_left -= 1
        url = URL.format(ticker=quote(ticker, safe=""), start=start, end=end)
        try:
            response = self.http.get(url)
        except HttpError as error:
            raise connection_error(url, ticker, error) from error
        refusal = reply_error(ticker, response, self._key)
        if refusal is not None:
            raise refusal
        return parse_prices(ticker, response.text)

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.http.close()

"""Request series from FRED: through fredapi with an API key, or as keyless CSV."""

import re
import socket
import threading
from datetime import date, datetime
from typing import Any

import pandas as pd
from fredapi import Fred
from pydantic import SecretStr

from tasks.extract.fred.errors import (
    invalid_api_key,
    malformed,
    response_limit_reached,
    to_fetch_error,
)
from tasks.extract.fred.parse import parse_fredgraph_csv
from tasks.extract.provider.errors import FetchError, outage
from tasks.extract.provider.http import USER_AGENT, download
from tasks.extract.provider.rate_limit import RateLimiter
from tasks.http_client import open_client

FREDGRAPH_URL = "https://fred.stlouisfed.org/graph/fredgraph.csv?id={series_id}"
# The API's own limits. fredapi requests no further page and reports no truncated reply.
MAX_ROWS = 100_000
MAX_VINTAGE_DATES = 10_000
# fredapi has no timeout parameter; only the default of the process reaches its sockets.
_SOCKET_DEFAULT_LOCK = threading.Lock()
# Any other key is refused by FRED, or breaks the URL and is then quoted in the error message.
_KEY = re.compile(r"[A-Za-z0-9]{1,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _FastFred(Fred):  # type: ignore[misc] # fredapi has no types
    """Parse dates without pandas, which took nine tenths of fredapi's time."""

    def _parse(self, date_str: str | None, format: str = "%Y-%m-%d") -> Any:
        if date_str is not None and format == "%Y-%m-%d" and _DAY.fullmatch(date_str):
            return datetime.fromisoformat(date_str)
        return super()._parse(date_str, format)


class FredClient:
    """Request vintages from FRED's API within the rate limit, and never show the API key."""

    def __init__(self, key: SecretStr, limiter: RateLimiter, timeout_seconds: float) -> None:
        """Create a client; no request is sent."""
        self._key = SecretStr(key.get_secret_value().strip())
        self._limiter = limiter
        self._timeout_seconds = timeout_seconds

    def vintage_dates(self, series_id: str) -> list[date]:
        """Return all dates on which a series changed.

        Raises:
            FetchError: FRED sent no usable reply.
        """
        dates = self._call("get_series_vintage_dates", series_id)
        if len(dates) >= MAX_VINTAGE_DATES:
            raise response_limit_reached(series_id, f"{MAX_VINTAGE_DATES:,} vintage dates")
        is_missing = [day is None or pd.isna(day) for day in dates]
        if dates and all(is_missing):
            # a page that is also well-formed XML has elements, and none is a date
            raise outage("html", f"FRED sent a page instead of the vintage dates of {series_id}.")
        if any(is_missing):
            raise malformed(series_id, "a vintage date is missing")
        return [day.date() for day in dates]

    def all_releases(self, series_id: str, start: date, end: date) -> pd.DataFrame:
        """Return all values of a series that were valid in a real-time period.

        Raises:
            FetchError: FRED sent no usable reply, or one that reached the API's limit of rows.
        """
        frame: pd.DataFrame = self._call(
            "get_series_all_releases", series_id, start.isoformat(), end.isoformat()
        )
        if len(frame) >= MAX_ROWS:
            raise response_limit_reached(series_id, f"{MAX_ROWS:,} rows")
        if len(frame) == 0 or frame[["realtime_start", "date"]].isna().any(axis=None):
            raise malformed(series_id, "observations of listed vintage dates are missing")
        return frame

    def _call(self, method: str, series_id: str, *args: str) -> Any:
        if not _KEY.fullmatch(self._key.get_secret_value()):
            raise invalid_api_key("it has characters other than letters and digits, or is empty")
        self._limiter.acquire()
        with _SOCKET_DEFAULT_LOCK:
            previous_timeout = socket.getdefaulttimeout()
            socket.setdefaulttimeout(self._timeout_seconds)
            try:
                fred = _FastFred(api_key=self._key.get_secret_value())
                return getattr(fred, method)(series_id, *args)
            except Exception as error:
                fetch_error = to_fetch_error(series_id, error, self._key)
            finally:
                socket.setdefaulttimeout(previous_timeout)
        # Raised outside of `except`, so that it has no __context__: urllib's errors carry the URL,
        # which contains the key.
        raise fetch_error


def fetch_fredgraph_csv(
    series_id: str, limiter: RateLimiter, timeout_seconds: float
) -> pd.DataFrame:
    """Return the newest values of one series, as `parse_fredgraph_csv` does.

    Raises:
        FetchError: There is no usable file. FRED returns 404 for an unknown series.
    """
    with open_client(
        timeout_seconds, headers={"User-Agent": USER_AGENT}, follow_redirects=True
    ) as client:
        try:
            url = FREDGRAPH_URL.format(series_id=series_id)
            response = download(client, limiter, url, series_id)
        except FetchError as error:
            if error.reason == "http_404":
                detail = f"FRED has no CSV of {series_id}."
                raise FetchError("not_found", "unknown_series", detail) from error
            raise
    return parse_fredgraph_csv(series_id, response.text)

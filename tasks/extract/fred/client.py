"""Request series from FRED: through fredapi with an API key, or as keyless CSV."""

import re
import ssl
from datetime import date, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, build_opener
from xml.etree import ElementTree

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
# Any other key is refused by FRED, or breaks the URL and is then quoted in the error message.
_KEY = re.compile(r"[A-Za-z0-9]{1,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _FastFred(Fred):  # type: ignore[misc] # fredapi has no types
    """Request with a timeout and one TLS context, and parse column by column.

    fredapi has no timeout parameter. Its TLS context per request took longer than the reply, and
    its dates and frames of one observation each nine tenths of the parsing.
    """

    def __init__(self, api_key: str, timeout_seconds: float) -> None:
        super().__init__(api_key=api_key)
        self._timeout_seconds = timeout_seconds
        self._opener = build_opener(HTTPSHandler(context=ssl.create_default_context()))

    def _Fred__fetch_data(self, url: str) -> ElementTree.Element:
        try:
            with self._opener.open(
                f"{url}&api_key={self.api_key}", timeout=self._timeout_seconds
            ) as reply:
                return ElementTree.fromstring(reply.read())
        except HTTPError as error:
            raise ValueError(ElementTree.fromstring(error.read()).get("message")) from error

    def get_series_all_releases(
        self, series_id: str, realtime_start: str, realtime_end: str
    ) -> pd.DataFrame:
        root = self._Fred__fetch_data(
            f"{self.root_url}/series/observations?series_id={series_id}"
            f"&realtime_start={realtime_start}&realtime_end={realtime_end}"
        )
        # a page without values raises TypeError, as in fredapi
        sent: list[Any] = [row.get("value") for row in root]
        values = [float("nan") if each == self.nan_char else float(each) for each in sent]
        dates = {
            name: pd.Series([self._parse(row.get(name)) for row in root], dtype=object)
            for name in ("realtime_start", "date")
        }
        return pd.DataFrame({**dates, "value": values})

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
        self._fred = _FastFred(self._key.get_secret_value(), timeout_seconds)

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
        try:
            return getattr(self._fred, method)(series_id, *args)
        except Exception as error:
            fetch_error = to_fetch_error(series_id, error, self._key)
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

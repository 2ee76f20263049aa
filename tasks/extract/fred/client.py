"""Calls to FRED's API through fredapi that time out, and fail without the key in their errors."""

import re
import socket
import threading
from datetime import date, datetime
from http.client import IncompleteRead
from typing import Any
from urllib.error import HTTPError, URLError
from xml.etree.ElementTree import ParseError

import pandas as pd
from fredapi import Fred
from pydantic import SecretStr

from tasks.extract.provider.policy import FetchError, RateLimiter

# The API's own limits. fredapi asks for no further page and says nothing when it is cut off.
MAX_ROWS = 100_000
MAX_VINTAGE_DATES = 10_000
# fredapi passes no timeout on; only the process-wide default reaches its sockets.
_SOCKET_DEFAULT = threading.Lock()
# Anything else would be refused by FRED, or break the URL and end up in the error's text.
_KEY = re.compile(r"[A-Za-z0-9]{1,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _FastFred(Fred):  # type: ignore[misc] # it comes without types
    """fredapi, whose dates are parsed one by one by pandas: that was nine tenths of its time."""

    def _parse(self, date_str: str | None, format: str = "%Y-%m-%d") -> Any:
        if date_str is not None and format == "%Y-%m-%d" and _DAY.fullmatch(date_str):
            return datetime.fromisoformat(date_str)
        return super()._parse(date_str, format)


class FredClient:
    """FRED's API at the provider's pace; holds the key, and shows it nowhere."""

    def __init__(self, key: SecretStr, provider: RateLimiter, timeout_seconds: float) -> None:
        """Open a client; nothing is sent."""
        self._key = SecretStr(key.get_secret_value().strip())
        self._provider = provider
        self._timeout_seconds = timeout_seconds

    def vintage_dates(self, series_id: str) -> list[date]:
        """All dates on which a series changed.

        Raises:
            Fault: FRED gave no usable answer.
        """
        dates = self._call("get_series_vintage_dates", series_id)
        if len(dates) >= MAX_VINTAGE_DATES:
            raise _response_limit_reached(series_id, f"{MAX_VINTAGE_DATES:,} vintage dates")
        if any(day is None or pd.isna(day) for day in dates):
            raise _malformed(series_id, "a vintage date is missing")
        return [day.date() for day in dates]

    def all_releases(self, series_id: str, start: date, end: date) -> pd.DataFrame:
        """All values of a series that were valid in a real-time period.

        Raises:
            Fault: FRED gave no usable answer, or more than one reply holds.
        """
        frame: pd.DataFrame = self._call(
            "get_series_all_releases", series_id, start.isoformat(), end.isoformat()
        )
        if len(frame) >= MAX_ROWS:
            raise _response_limit_reached(series_id, f"{MAX_ROWS:,} rows")
        if len(frame) == 0 or frame[["realtime_start", "date"]].isna().any(axis=None):
            raise _malformed(series_id, "no observations where its vintage dates promise some")
        return frame

    def _call(self, method: str, series_id: str, *args: str) -> Any:
        if not _KEY.fullmatch(self._key.get_secret_value()):
            raise _bad_key("it is not made of letters and digits only")
        self._provider.acquire()
        with _SOCKET_DEFAULT:
            before = socket.getdefaulttimeout()
            socket.setdefaulttimeout(self._timeout_seconds)
            try:
                fred = _FastFred(api_key=self._key.get_secret_value())
                return getattr(fred, method)(series_id, *args)
            except Exception as error:
                fault = to_fetch_error(series_id, error, self._key)
            finally:
                socket.setdefaulttimeout(before)
        # Raised out here, it has no __context__: urllib's errors carry the URL, and it the key.
        raise fault


def to_fetch_error(series_id: str, error: Exception, key: SecretStr) -> FetchError:
    """The fault behind an exception of fredapi, which drops the status; urllib's still has it."""
    origin = error if isinstance(error, HTTPError) else error.__context__
    http = origin if isinstance(origin, HTTPError) else None
    status = http.code if http else None
    said = f"{type(error).__name__}: {error}".replace(key.get_secret_value(), "***")[:300]
    if "api_key" in said:
        return _bad_key(f"FRED answered: {said}")
    if "series does not exist" in said:
        return FetchError("not_found", "unknown_series", f"FRED does not know {series_id}: {said}")
    if http and status == 429:
        after = str(http.headers.get("Retry-After", ""))
        return FetchError(
            "throttled",
            "throttled",
            f"FRED answered 429 to {series_id}; lower fred_requests_per_second if it recurs.",
            is_retryable=True,
            retry_after_seconds=float(after) if after.isdigit() else 0.0,
        )
    if status == 400:
        return FetchError(
            "refused", "http_400", f"FRED refused the request for {series_id}: {said}"
        )
    reason = _cause(error, status)
    return FetchError(
        "outage",
        reason,
        f"FRED gave no usable answer for {series_id} ({reason}): {said}",
        is_retryable=True,
    )


def _cause(error: Exception, status: int | None) -> str:
    if status is not None:
        return f"http_{status}"
    root = error.reason if isinstance(error, URLError) else error
    if isinstance(root, TimeoutError):
        return "timeout"
    if isinstance(root, IncompleteRead):
        return "truncated"
    if isinstance(root, ConnectionRefusedError):
        return "connection_refused"
    if isinstance(root, ConnectionError):  # http.client's RemoteDisconnected is one
        return "connection_reset"
    if isinstance(root, OSError):
        return "connection_failed"
    # HTML that happens to be well-formed XML has no values: fredapi's float(None)
    return "not_xml" if isinstance(root, ParseError | TypeError) else "malformed"


def _bad_key(why: str) -> FetchError:
    detail = (
        f"FRED refuses the API key ({why}). Correct FRED_API_KEY, or unset it to use the keyless"
        " CSV, which has no vintages."
    )
    return FetchError("refused", "invalid_api_key", detail, is_fatal=True)


def _response_limit_reached(series_id: str, limit: str) -> FetchError:
    detail = (
        f"FRED's reply for {series_id} reached the limit of {limit} and may be cut off there;"
        " nothing of it is used. Ask for smaller windows of vintages."
    )
    return FetchError("refused", "response_limit_reached", detail)


def _malformed(series_id: str, why: str) -> FetchError:
    detail = f"FRED's reply for {series_id} is not what it should be: {why}."
    return FetchError("outage", "malformed", detail, is_retryable=True)

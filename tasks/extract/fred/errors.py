"""Map failed requests to FRED to fetch errors, without the API key."""

import socket
import ssl
from http.client import IncompleteRead
from urllib.error import HTTPError, URLError
from xml.etree.ElementTree import ParseError

from pydantic import SecretStr

from tasks.extract.provider.errors import FetchError, outage, throttled
from tasks.extract.provider.http import parse_retry_after


def to_fetch_error(series_id: str, error: Exception, key: SecretStr) -> FetchError:
    """Map an exception of fredapi, which drops the status that urllib's exception has."""
    origin = error if isinstance(error, HTTPError) else error.__context__
    http = origin if isinstance(origin, HTTPError) else None
    status = http.code if http else None
    message = f"{type(error).__name__}: {error}".replace(key.get_secret_value(), "***")[:300]
    if "api_key" in message:
        return invalid_api_key(f"FRED replied: {message}")
    if "series does not exist" in message:
        detail = f"FRED does not know {series_id}: {message}"
        return FetchError("not_found", "unknown_series", detail)
    if http and status == 429:
        return throttled(
            f"FRED returned 429 for {series_id}; lower fred_requests_per_second if it recurs.",
            retry_after_seconds=parse_retry_after(http.headers.get("Retry-After")),
        )
    if status == 400:
        detail = f"FRED refused the request for {series_id}: {message}"
        return FetchError("refused", "http_400", detail)
    reason = _error_reason(error, status)
    return outage(reason, f"FRED sent no usable reply for {series_id} ({reason}): {message}")


def invalid_api_key(cause: str) -> FetchError:
    """Return the error of an API key that FRED refuses; fatal for the run."""
    detail = (
        f"FRED refuses the API key ({cause}). Correct FRED_API_KEY, or unset it to use the keyless"
        " CSV, which has no vintages."
    )
    return FetchError("refused", "invalid_api_key", detail, is_fatal=True)


def response_limit_reached(series_id: str, limit: str) -> FetchError:
    """Return the error of a reply that may be truncated at an API limit."""
    detail = (
        f"FRED's reply for {series_id} reached the limit of {limit} and may be cut off there; it is"
        " not used. Request smaller windows of vintages."
    )
    return FetchError("refused", "response_limit_reached", detail)


def malformed(series_id: str, cause: str) -> FetchError:
    """Return the error of a reply without the expected content."""
    return outage("malformed", f"FRED's reply for {series_id} is malformed: {cause}.")


def _error_reason(error: Exception, status: int | None) -> str:
    if status is not None:
        return f"http_{status}"
    root = error.reason if isinstance(error, URLError) else error
    if isinstance(root, TimeoutError):
        return "timeout"
    if isinstance(root, IncompleteRead):
        return "truncated"
    if isinstance(root, ssl.SSLError):
        return "tls"
    if isinstance(root, socket.gaierror):
        return "dns"
    if isinstance(root, ConnectionRefusedError):
        return "connection_refused"
    if isinstance(root, ConnectionError):  # includes http.client.RemoteDisconnected
        return "connection_reset"
    if isinstance(root, OSError):
        return "connection_failed"
    # HTML that is also well-formed XML has no values: fredapi then calls float(None)
    return "not_xml" if isinstance(root, ParseError | TypeError) else "malformed"

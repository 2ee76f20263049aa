"""Download files over HTTPS with httpx, and map its errors to fetch errors."""

import socket

import httpx

from tasks.extract.provider.errors import FetchError, outage, throttled
from tasks.extract.provider.rate_limit import RateLimiter

# Both sites that this is for, iShares and FRED's graphs, reject clients that are no browser.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)


def download(client: httpx.Client, limiter: RateLimiter, url: str, resource: str) -> httpx.Response:
    """Download one file within the rate limit.

    Args:
        client: An open client with a timeout.
        limiter: The provider's rate limiter.
        url: The address; it must hold no secret, as error messages quote it.
        resource: The item, for error messages.

    Raises:
        FetchError: There is no 2xx reply.
    """
    limiter.acquire()
    try:
        response = client.get(url)
    except httpx.HTTPError as error:
        raise connection_error(url, resource, error) from error
    if response.status_code == 429:
        raise throttled(
            f"{resource}: {url} returned 429; lower the provider's requests_per_second if it"
            " recurs.",
            retry_after_seconds=parse_retry_after(response.headers.get("Retry-After")),
        )
    if not response.is_success:
        status = response.status_code
        raise outage(f"http_{status}", f"{resource}: {url} returned {status}.")
    return response


def connection_error(url: str, resource: str, error: httpx.HTTPError) -> FetchError:
    """Return the error of a request without a complete reply."""
    reason = error_reason(error)
    return outage(
        reason, f"{resource}: no reply from {url} ({reason}): {type(error).__name__}: {error}"
    )


def parse_retry_after(value: str | None) -> float:
    """Return the seconds of a Retry-After header; 0 if it is absent or a date."""
    return float(value) if value and value.isdigit() else 0.0


def error_reason(error: httpx.HTTPError) -> str:
    """Return the reason code of an httpx error."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ProxyError):
        return "proxy"
    if isinstance(error, httpx.DecodingError):
        return "truncated"
    if isinstance(error, httpx.RemoteProtocolError):
        # h11's messages if the body ends before its Content-Length
        is_short = "complete message body" in str(error) or "incomplete chunked" in str(error)
        return "truncated" if is_short else "connection_reset"
    if isinstance(error, httpx.ConnectError):
        if "SSL" in str(error):
            return "tls"
        return "dns" if _is_dns_error(error) else "connection_refused"
    return "connection_reset" if isinstance(error, httpx.NetworkError) else "connection_failed"


def _is_dns_error(error: BaseException | None) -> bool:
    """Return whether an error began with a host name that could not be resolved."""
    while error is not None and not isinstance(error, socket.gaierror):
        error = error.__cause__ or error.__context__
    return error is not None

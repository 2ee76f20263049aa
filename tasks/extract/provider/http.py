"""Plain HTTPS downloads with httpx, and what their failures mean."""

import httpx

from tasks.extract.provider.policy import FetchError, RateLimiter

# The files are meant for people's browsers; both sites turn bare clients away.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)


def download(client: httpx.Client, provider: RateLimiter, url: str, what: str) -> httpx.Response:
    """One file, when its turn comes.

    Args:
        client: An open client, with its timeout.
        provider: Whose turn to take.
        url: The address; it must hold no secret, as it is quoted in faults.
        what: The item in words, for faults.

    Raises:
        Fault: There is no 2xx reply.
    """
    provider.acquire()
    try:
        response = client.get(url)
    except httpx.HTTPError as error:
        reason = error_reason(error)
        raise FetchError(
            "outage",
            reason,
            f"{what}: no answer from {url} ({reason}): {type(error).__name__}: {error}",
            is_retryable=True,
        ) from error
    if response.status_code == 429:
        after = response.headers.get("Retry-After", "")
        raise FetchError(
            "throttled",
            "throttled",
            f"{what}: {url} answered 429; lower the provider's requests_per_second if it recurs.",
            is_retryable=True,
            retry_after_seconds=float(after) if after.isdigit() else 0.0,
        )
    if not response.is_success:
        reason = f"http_{response.status_code}"
        raise FetchError(
            "outage", reason, f"{what}: {url} answered {response.status_code}.", is_retryable=True
        )
    return response


def error_reason(error: httpx.HTTPError) -> str:
    """One machine word for why there was no reply."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ProxyError):
        return "proxy"
    if isinstance(error, httpx.RemoteProtocolError):
        # h11 says so when the body ends before its Content-Length
        is_short = "complete message body" in str(error) or "incomplete chunked" in str(error)
        return "truncated" if is_short else "connection_reset"
    if isinstance(error, httpx.ConnectError):
        return "tls" if "SSL" in str(error) else "connection_refused"
    return "connection_reset" if isinstance(error, httpx.NetworkError) else "connection_failed"

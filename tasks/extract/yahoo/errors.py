"""Map failed price requests to fetch errors."""

from curl_cffi.requests import exceptions as curl
from yfinance.exceptions import YFDataException, YFRateLimitError

from tasks.extract.provider.errors import FetchError, outage, throttled
from tasks.extract.yahoo.session import ChartReply

_TRANSPORT_REASONS = (
    # subclasses first: curl's connect timeout is also a connection error
    (curl.Timeout, "timeout"),
    (curl.ProxyError, "proxy"),
    (curl.SSLError, "tls"),
    (curl.DNSError, "dns"),
    (curl.IncompleteRead, "truncated"),
    (curl.ConnectionError, "connection_reset"),
    (curl.RequestException, "connection_failed"),
)


def to_fetch_error(
    ticker: str, error: Exception, reply: ChartReply | None, *, is_known_ticker: bool
) -> FetchError:
    """Map an exception of `yf.Ticker(t).history` to a fetch error.

    yfinance raises the same "possibly delisted" for an unknown symbol, an empty window, a broken
    body and an outage. The status and description of Yahoo's own reply distinguish them.

    Args:
        ticker: Yahoo's symbol.
        error: The exception.
        reply: The newest reply of the chart endpoint in the same attempt.
        is_known_ticker: Whether that reply described the ticker, though without prices.

    Returns:
        An error of status not_found (the caller decides on delisted), empty, throttled or outage.
    """
    if isinstance(error, YFRateLimitError) or (reply and reply.status == 429):
        return throttled(
            f"Yahoo returned 429 for {ticker} twice; lower yahoo_requests_per_second if it recurs."
        )
    description = reply.description if reply else None
    if reply and reply.status == 404 and description:
        detail = f"Yahoo does not know {ticker}: {description}"
        return FetchError("not_found", "unknown_symbol", detail)
    if reply and reply.status == 400 and (description or "").startswith("Data doesn't exist"):
        detail = f"Yahoo has no {ticker} in the window: {description}"
        return FetchError("empty", "no_data", detail)
    if reply and reply.status == 200 and is_known_ticker:
        detail = f"Yahoo knows {ticker} and sent no bar for the window."
        return FetchError("empty", "no_data", detail)
    reason = _error_reason(error, reply)
    cause = description or f"{type(error).__name__}: {error}"
    return outage(reason, f"Yahoo sent no usable reply for {ticker} ({reason}): {cause[:300]}")


def _error_reason(error: Exception, reply: ChartReply | None) -> str:
    if reply and reply.status >= 400:
        return f"http_{reply.status}"
    if isinstance(error, YFDataException):
        return "service_unavailable"  # "Will be right back", a page with status 200
    if (reply and reply.is_consent) or isinstance(error, curl.TooManyRedirects):
        return "consent_page"
    if reply and reply.is_html:
        return "html"
    for kind, reason in _TRANSPORT_REASONS:
        if isinstance(error, kind):
            return reason
    # orjson and the standard library name their decoding errors alike
    return "not_json" if type(error).__name__ == "JSONDecodeError" else "malformed"

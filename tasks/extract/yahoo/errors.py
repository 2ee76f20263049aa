"""What a failed price request means: an absence, a throttle or an outage, never guessed."""

from curl_cffi.requests import exceptions as curl
from yfinance.exceptions import YFDataException, YFRateLimitError

from tasks.extract.provider.policy import FetchError
from tasks.extract.yahoo.session import ChartReply

UNKNOWN_SYMBOL = "unknown_symbol"
NO_ROWS = "no_data"
_TRANSPORT = (
    # subclasses first: curl's connect timeout is a connection error, too
    (curl.Timeout, "timeout"),
    (curl.ProxyError, "proxy"),
    (curl.SSLError, "tls"),
    (curl.DNSError, "dns"),
    (curl.IncompleteRead, "truncated"),
    (curl.ConnectionError, "connection_reset"),
    (curl.RequestException, "connection_failed"),
)


def explain(
    ticker: str, error: Exception, reply: ChartReply | None, *, is_known_ticker: bool
) -> FetchError:
    """The fault behind an exception of `yf.Ticker(t).history`.

    yfinance raises the same "possibly delisted" for an unknown symbol, an empty window, a broken
    body and an outage. The status and the explanation of Yahoo's own reply tell them apart.

    Args:
        ticker: Yahoo's symbol.
        error: What yfinance raised.
        reply: The newest reply of the chart endpoint in the same attempt.
        is_known_ticker: Whether that reply described the ticker, though without prices.

    Returns:
        A `Fault`: not_found (whether it is a delisting is the caller's to say), empty,
        throttled, or outage.
    """
    if isinstance(error, YFRateLimitError) or (reply and reply.status == 429):
        return FetchError(
            "throttled",
            "throttled",
            f"Yahoo answered 429 to {ticker} twice; lower yahoo_requests_per_second if it recurs.",
            is_retryable=True,
        )
    if reply and reply.status == 404 and reply.explanation:
        return FetchError(
            "not_found", UNKNOWN_SYMBOL, f"Yahoo does not know {ticker}: {reply.explanation}"
        )
    if reply and reply.status == 400 and (reply.explanation or "").startswith("Data doesn't exist"):
        return FetchError(
            "empty", NO_ROWS, f"Yahoo has no {ticker} in the window: {reply.explanation}"
        )
    if reply and reply.status == 200 and is_known_ticker:
        return FetchError("empty", NO_ROWS, f"Yahoo knows {ticker} and sent no bar for the window.")
    reason = _cause(error, reply)
    said = (reply.explanation if reply else None) or f"{type(error).__name__}: {error}"
    return FetchError(
        "outage",
        reason,
        f"Yahoo gave no usable answer for {ticker} ({reason}): {said[:300]}",
        is_retryable=True,
    )


def _cause(error: Exception, reply: ChartReply | None) -> str:
    if reply and reply.status >= 400:
        return f"http_{reply.status}"
    if isinstance(error, YFDataException):
        return "service_unavailable"  # "Will be right back", on a page of status 200
    if reply and reply.is_html:
        return "html"
    for kind, reason in _TRANSPORT:
        if isinstance(error, kind):
            return reason
    # orjson's and the standard library's decoding errors are both ValueErrors of that name
    return "not_json" if type(error).__name__ == "JSONDecodeError" else "malformed"

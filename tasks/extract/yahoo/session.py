"""Give yfinance an HTTP session with a rate limit that stores the status of replies.

yfinance sends up to six requests for one history (cookie, crumb and data, and each of them once
more after an error) and drops the HTTP status if a body is not JSON. It accepts a
session as an argument, which then sends all of these requests.
"""

import math
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from curl_cffi import requests

from tasks.extract.provider.rate_limit import RateLimiter

_CONSENT = re.compile(r"https://(consent|guce)\.yahoo\.com/")


@dataclass(frozen=True)
class ChartReply:
    """Describe a reply of the chart endpoint.

    Attributes:
        status: The HTTP status.
        description: `chart.error.description` of the body; None if it has none.
        is_html: Whether the body is a page rather than data.
        is_consent: Whether the request ended on Yahoo's consent page.
        currency: The currency of the prices; None if it states none.
        foreign_currencies: The currencies of dividends by ex-date, if not USD.
    """

    status: int
    description: str | None
    is_html: bool
    is_consent: bool = False
    currency: str | None = None
    foreign_currencies: Mapping[date, str] = field(default_factory=dict)


class RateLimitedSession(requests.Session):  # type: ignore[type-arg]
    """Send requests like a browser, each within the rate limit."""

    def __init__(self, limiter: RateLimiter, timeout_seconds: float) -> None:
        """Open a session; no request takes longer than the timeout."""
        super().__init__(impersonate="chrome")
        self._limiter = limiter
        self._timeout_seconds = timeout_seconds
        self._thread_state = threading.local()
        self.crumb_status: int | None = None

    def reset(self) -> None:
        """Forget the last reply, before a new attempt of this thread."""
        self._thread_state.reply = None

    def last_chart_reply(self) -> ChartReply | None:
        """Return this thread's last chart reply of the attempt; None if there was none."""
        return getattr(self._thread_state, "reply", None)

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send one request within the rate limit."""
        is_chart = "/v8/finance/chart/" in url
        if is_chart:
            self._thread_state.reply = None
        # yfinance applies our timeout to the chart request only; cap its other requests, too
        kwargs["timeout"] = min(kwargs.get("timeout") or math.inf, self._timeout_seconds)
        self._limiter.acquire()
        response = super().request(method, url, *args, **kwargs)
        if url.endswith("/getcrumb"):
            self.crumb_status = response.status_code
        if is_chart:
            body = response.content
            self._thread_state.reply = ChartReply(
                status=response.status_code,
                description=_error_description(body) if response.status_code >= 400 else None,
                is_html=body.lstrip()[:1] == b"<",
                is_consent=bool(_CONSENT.match(response.url)),
                **_currencies(body),
            )
        return response


def _error_description(body: bytes) -> str | None:
    try:
        error = orjson.loads(body)["chart"]["error"]
        return str(error.get("description") or error["code"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _currencies(body: bytes) -> dict[str, Any]:
    """Return the currencies that a chart states for its prices and dividends."""
    try:
        chart = orjson.loads(body)["chart"]["result"][0]
        meta = chart["meta"]
        offset = timedelta(seconds=meta.get("gmtoffset") or 0)
        foreign = {
            (datetime.fromtimestamp(paid["date"], UTC) + offset).date(): str(paid["currency"])
            for paid in (chart.get("events") or {}).get("dividends", {}).values()
            if paid.get("currency") not in (None, "", "USD")
        }
        return {"currency": meta.get("currency") or None, "foreign_currencies": foreign}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return {}

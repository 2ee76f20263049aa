"""The HTTP session that yfinance is given: it keeps the provider's pace and remembers statuses.

yfinance sends up to six requests for one history (cookie, crumb, time zone, data, and each of
them once more after an error) and drops the HTTP status when a body is not JSON. A session of our
own, which yfinance accepts as an argument, sees every one of them.
"""

import json
import math
import threading
from dataclasses import dataclass
from typing import Any

from curl_cffi import requests

from tasks.extract.provider.policy import RateLimiter


@dataclass(frozen=True)
class ChartReply:
    """The newest reply of the chart endpoint to this thread.

    Attributes:
        status: The HTTP status.
        explanation: `chart.error.description` of the body; None where there is none.
        is_html: Whether the body is a page rather than data.
    """

    status: int
    explanation: str | None
    is_html: bool


class RateLimitedSession(requests.Session):  # type: ignore[type-arg]
    """A browser-like session that takes a turn before every request."""

    def __init__(self, provider: RateLimiter, timeout_seconds: float) -> None:
        """Open a session at one provider's pace; no request takes longer than the timeout."""
        super().__init__(impersonate="chrome")
        self._provider = provider
        self._timeout_seconds = timeout_seconds
        self._thread_state = threading.local()

    def reset(self) -> None:
        """Start a new attempt of this thread."""
        self._thread_state.reply = None

    def last_chart_reply(self) -> ChartReply | None:
        """What the chart endpoint said last to this thread; None when it has not answered."""
        return getattr(self._thread_state, "reply", None)

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send one request when its turn comes."""
        is_chart = "/v8/finance/chart/" in url
        if is_chart:
            self._thread_state.reply = None
        # yfinance passes our timeout on with the history only; what it asks before has its own
        kwargs["timeout"] = min(kwargs.get("timeout") or math.inf, self._timeout_seconds)
        self._provider.acquire()
        response = super().request(method, url, *args, **kwargs)
        if is_chart:
            body = response.text
            self._thread_state.reply = ChartReply(
                status=response.status_code,
                explanation=_explanation(body) if response.status_code >= 400 else None,
                is_html=body.lstrip()[:1] == "<",
            )
        return response


def _explanation(body: str) -> str | None:
    try:
        error = json.loads(body)["chart"]["error"]
        return str(error.get("description") or error["code"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

"""Scripted faults: kind, matching requests and number of uses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import orjson

from deployments.sandbox.providers.messages import HTML_TYPE, TEXT_TYPE, Reply, Request, html_reply
from deployments.sandbox.providers.sec.pages import maintenance_page, no_such_key, rate_page
from deployments.sandbox.providers.tiingo.routes import HOST as TIINGO
from deployments.sandbox.providers.tiingo.routes import hourly_limit_reply

KINDS = {
    "status": "the provider's error page: status, and optionally body, content_type and headers",
    "html_200": "status 200 with an HTML page; of the SEC the page of a blocked address",
    "truncate": "the true body cut at `bytes` (half of it by default), well framed",
    "hang": "the true reply after `seconds`",
    "reset": "the connection reset in the middle of the true reply",
    "empty": "status 200 without data: of a chart its meta alone, else an empty body",
    "null_rows": "a chart whose newest `rows` (all by default) are null",
    "currency": "a chart in another `currency`; with `rows`, only its newest dividends",
    "consent": "a redirect to Yahoo's consent page",
    "expired_certificate": "a certificate that expired in 2020; only `host` is compared",
    "skewed_date": "the true reply with a Date header `seconds` ahead of the clock",
}
BODIES = {
    403: html_reply(403, "Access Denied", "<p>You don't have permission to access this page.</p>"),
    429: Reply(429, b"Too Many Requests\r\n", TEXT_TYPE),
    500: html_reply(500, "Internal Server Error"),
    502: html_reply(502, "Bad Gateway"),
    503: Reply(503),
}
FRED_429 = (
    b'<?xml version="1.0" encoding="utf-8" ?>\n'
    b'<error code="429" message="Too Many Requests.  Exceeded Rate Limit"/>\n'
)


@dataclass
class Fault:
    """One scripted fault; applies to requests that match all its patterns."""

    kind: str
    host: str = ""
    path: str = ""
    query: str = ""
    count: int | None = 1  # None: until the faults are cleared
    status: int = 429
    body: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 60.0
    bytes: int | None = None
    rows: int | None = None
    currency: str = "CAD"

    def matches(self, request: Request) -> bool:
        """Return whether a request matches all patterns."""
        parts = ((self.host, request.host), (self.path, request.path), (self.query, request.query))
        return all(re.search(pattern, text) for pattern, text in parts)


def parse_fault(content: Mapping[str, Any]) -> Fault:
    """Parse and check a fault sent to the control interface.

    Args:
        content: The fields of Fault.

    Returns:
        The fault.

    Raises:
        ValueError: When a field or the kind is unknown, or a pattern no regular expression.
    """
    known = {item.name for item in fields(Fault)}
    if set(content) - known:
        raise ValueError(f"unknown {sorted(set(content) - known)}; a fault has {sorted(known)}")
    if content.get("kind") not in KINDS:
        raise ValueError(f"kind is {content.get('kind')!r}; the kinds are {KINDS}")
    fault = Fault(**content)
    try:
        for pattern in (fault.host, fault.path, fault.query):
            re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{error.pattern!r} is no regular expression: {error}") from error
    return fault


class Faults:
    """Pending faults in the order of their scripting."""

    def __init__(self) -> None:
        """Start without faults."""
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault after the pending ones."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Remove all pending faults."""
        self._waiting.clear()

    def take(self, request: Request, *, is_tunnel: bool = False) -> Fault | None:
        """Return the first matching fault and count one use of it.

        Args:
            request: The request.
            is_tunnel: Whether it opens a tunnel, before TLS, rather than asks for data.

        Returns:
            The fault, or None.
        """
        for fault in self._waiting:
            if (fault.kind == "expired_certificate") == is_tunnel and fault.matches(request):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._waiting.remove(fault)
                return fault
        return None


def apply_fault(fault: Fault, request: Request, reply: Reply) -> Reply:
    """Apply a fault to the reply; the connection applies hang and reset.

    Args:
        fault: The fault.
        request: The request.
        reply: The true reply.

    Returns:
        The reply to send.
    """
    match fault.kind:
        case "status":
            return _error_page(fault, request)
        case "html_200":
            if fault.body is None and _is_sec(request):
                return rate_page(200)
            return html_reply(200, "Will be right back" if fault.body is None else fault.body)
        case "truncate":
            cut = len(reply.body) // 2 if fault.bytes is None else fault.bytes
            return replace(reply, body=reply.body[:cut])
        case "empty" | "null_rows":
            return _without_data(fault, reply)
        case "currency":
            return _in_currency(fault, reply)
    return reply


def _is_sec(request: Request) -> bool:
    return request.host.endswith(".sec.gov")


def _usual_page(status: int, request: Request) -> Reply:
    """Return the provider's page for a status."""
    if _is_sec(request):
        if status in (403, 429):
            return rate_page(status)
        if status == 404:
            return no_such_key(request.path)
        if status == 503:
            return maintenance_page()
    if status == 429 and request.host == "api.stlouisfed.org":
        return Reply(429, FRED_429, "text/xml; charset=UTF-8")
    if status == 429 and request.host == TIINGO:
        return hourly_limit_reply(429)
    return BODIES.get(status, html_reply(status, "Error"))


def _error_page(fault: Fault, request: Request) -> Reply:
    usual = _usual_page(fault.status, request)
    body = usual.body if fault.body is None else fault.body.encode()
    content_type = fault.content_type
    if content_type is None:
        content_type = HTML_TYPE if body.lstrip().startswith(b"<html") else usual.content_type
    return Reply(fault.status, body, content_type, tuple(fault.headers.items()))


def _without_data(fault: Fault, reply: Reply) -> Reply:
    chart = orjson.loads(reply.body).get("chart", {}) if reply.body.startswith(b'{"chart"') else {}
    if not chart.get("result"):
        return replace(reply, status=200, body=b"") if fault.kind == "empty" else reply
    result = chart["result"][0]
    indicators = result["indicators"]
    if fault.kind == "empty":
        result.pop("timestamp", None)
        result.pop("events", None)
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    else:
        count = len(result["timestamp"])
        rows = count if fault.rows is None else min(fault.rows, count)
        for columns in (indicators["quote"][0], indicators["adjclose"][0]):
            for name, values in columns.items():
                columns[name] = values[: count - rows] + [None] * rows
    return replace(reply, body=orjson.dumps({"chart": chart}))


def _in_currency(fault: Fault, reply: Reply) -> Reply:
    body = orjson.loads(reply.body)
    chart = body["chart"]["result"][0]
    if fault.rows is None:
        chart["meta"]["currency"] = fault.currency
    else:
        dividends = chart.get("events", {}).get("dividends", {})
        for stamp in sorted(dividends, key=int)[-fault.rows :]:
            dividends[stamp]["currency"] = fault.currency
    return replace(reply, body=orjson.dumps(body))

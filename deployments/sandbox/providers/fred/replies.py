"""Formats of FRED's requests and replies: parameters, XML, JSON and errors."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from xml.sax.saxutils import quoteattr

from deployments.sandbox.providers.messages import Reply, Request, json_reply

XML_TYPE = "text/xml; charset=UTF-8"
FIRST_DAY = date(1776, 7, 4)
LAST_DAY = date(9999, 12, 31)
UNREGISTERED_KEY = "f" * 32
KEY_HELP = "Read https://fred.stlouisfed.org/docs/api/api_key.html for more information."
TEXT = "text"  # the entry of an item that XML writes as the element's text

Item = Mapping[str, Any]


class FredError(Exception):
    """Raised for a request that FRED rejects."""

    def __init__(self, status: int, message: str) -> None:
        """Store FRED's status and message.

        Args:
            status: The HTTP status.
            message: FRED's own words.
        """
        super().__init__(message)
        self.status = status
        self.message = message


def check_key(key: str | None) -> None:
    """Accept any well-formed key except the one that represents an unregistered key.

    Raises:
        FredError: When there is no key, or none that FRED would take.
    """
    if not key:
        raise FredError(400, f"Bad Request.  Variable api_key has not been set.  {KEY_HELP}")
    problem = None
    if not re.fullmatch("[0-9a-z]{32}", key):
        problem = "is not a 32 character alpha-numeric lower-case string"
    elif key == UNREGISTERED_KEY:
        problem = "is not registered"
    if problem:
        text = f"Bad Request.  The value for variable api_key {problem}.  {KEY_HELP}"
        raise FredError(400, text)


def choice(params: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    """Parse a parameter with a few choices, the first being the default.

    Raises:
        FredError: When the value is another one.
    """
    value = params.get(name, allowed[0])
    if value not in allowed:
        text = f"Bad Request.  The sandbox serves {name} {' or '.join(allowed)} only."
        raise FredError(400, text)
    return value


def as_day(name: str, text: str) -> date:
    """Parse a date.

    Raises:
        FredError: When the text is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FredError(400, f"Bad Request.  Variable {name} is not a date: YYYY-MM-DD.") from None


def day_of(params: Mapping[str, str], name: str, default: date) -> date:
    """Parse a date parameter.

    Raises:
        FredError: When its value is none.
    """
    return as_day(name, params[name]) if name in params else default


def number_text(value: float | None) -> str:
    """Format a value as FRED does: a dot if missing, no decimals if whole."""
    return "." if value is None else repr(value).removesuffix(".0")


def error_reply(request: Request, error: FredError) -> Reply:
    """Build FRED's reply to a rejected request."""
    if request.params.get("file_type") == "json":
        content = {"error_code": error.status, "error_message": error.message}
        return json_reply(error.status, content)
    body = f'<?xml version="1.0" encoding="utf-8" ?>\n{_element("error", _error(error))}\n'
    return Reply(error.status, body.encode(), XML_TYPE)


def page_reply(
    request: Request, names: tuple[str, str], head: Item, items: Sequence[Item], most: int
) -> Reply:
    """Build a page of items, from ``offset``, at most ``limit``, in ``sort_order``.

    Args:
        request: The request.
        names: Of the whole and of one item.
        head: What stands before the list.
        items: All of them, in ascending order.
        most: The highest limit allowed, which is also the default.

    Returns:
        The reply.

    Raises:
        FredError: When limit or offset is no number in its range.
    """
    limit = _count(request.params, "limit", 1, most, most)
    offset = _count(request.params, "offset", 0, 10**9, 0)
    order = choice(request.params, "sort_order", ("asc", "desc"))
    ordered = items if order == "asc" else items[::-1]
    noun = "observation_date" if names[1] == "observation" else names[1]
    head = {**head, "order_by": noun, "sort_order": order}
    head |= {"count": len(items), "offset": offset, "limit": limit}
    return list_reply(request, names, head, ordered[offset : offset + limit])


def list_reply(
    request: Request, names: tuple[str, str], head: Item, items: Sequence[Item]
) -> Reply:
    """Build a reply in the format requested by ``file_type``.

    Args:
        request: The request.
        names: Of the whole and of one item.
        head: What stands before the list.
        items: What is listed.

    Returns:
        The reply.
    """
    whole, one = names
    if choice(request.params, "file_type", ("xml", "json")) == "json":
        return json_reply(200, {**head, whole: [_json_item(item) for item in items]})
    lines = ['<?xml version="1.0" encoding="utf-8" ?>', f"<{whole}{_attributes(head)}>"]
    lines += [f"  {_element(one, item)}" for item in items]
    return Reply(200, "\n".join([*lines, f"</{whole}>\n"]).encode(), XML_TYPE)


def _count(params: Mapping[str, str], name: str, low: int, high: int, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise FredError(400, f"Bad Request.  Variable {name} is not between {low} and {high}.")
    return int(text)


def _json_item(item: Item) -> Any:
    if set(item) == {TEXT}:
        return item[TEXT]
    return {"date" if name == TEXT else name: value for name, value in item.items()}


def _element(name: str, item: Item) -> str:
    attributes = _attributes({key: value for key, value in item.items() if key != TEXT})
    if TEXT in item:
        return f"<{name}{attributes}>{item[TEXT]}</{name}>"
    return f"<{name}{attributes}/>"


def _attributes(item: Item) -> str:
    return "".join(f" {name}={quoteattr(_attribute(value))}" for name, value in item.items())


def _attribute(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _error(error: FredError) -> Item:
    return {"code": error.status, "message": error.message}

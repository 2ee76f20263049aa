"""Request and reply between the proxy and the mock providers."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import orjson

JSON_TYPE = "application/json;charset=utf-8"
HTML_TYPE = "text/html; charset=UTF-8"
TEXT_TYPE = "text/plain;charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One request to a mock provider: path decoded, header names in lower case."""

    method: str
    host: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def params(self) -> dict[str, str]:
        """Return the query parameters; the last of a repeated one counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """One complete reply, before any scripted fault is applied."""

    status: int
    body: bytes = b""
    content_type: str = TEXT_TYPE
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(status: int, content: Any, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Build a JSON reply; numpy arrays become lists and NaN becomes null.

    Args:
        status: The HTTP status.
        content: What orjson can write.
        headers: Further headers.

    Returns:
        The reply.
    """
    return Reply(
        status, orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), JSON_TYPE, headers
    )


def html_reply(
    status: int, title: str, text: str = "", headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Build an HTML page like those of the providers' front servers.

    Args:
        status: The HTTP status.
        title: The page's title and heading.
        text: HTML under the heading.
        headers: Further headers.

    Returns:
        The reply.
    """
    page = (
        f'<!DOCTYPE html>\n<html lang="en-us"><head><title>{title}</title></head>'
        f"<body><h1>{title}</h1>{text}</body></html>\n"
    )
    return Reply(status, page.encode(), HTML_TYPE, headers)

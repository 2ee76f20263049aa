"""Map replies of the SEC to fetch errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.extract.provider.errors import FetchError, outage
from tasks.http_client import Response

# Text of the SEC's block pages, some of which have status 200.
BLOCK_PAGE_MARKERS = (b"request rate threshold", b"undeclared automated tool", b"access denied")


class SecParseError(ValueError):
    """Report a reply that parses but does not have the expected structure."""


@contextmanager
def parse_errors_to_fetch_errors(resource: str, url: str) -> Iterator[None]:
    """Raise a parse error as the retryable error of a malformed reply."""
    try:
        yield
    except SecParseError as error:
        detail = f"{resource}: the reply of {url} is malformed: {error}."
        raise outage("malformed", detail) from error


def is_html(body: bytes) -> bool:
    """Return whether a body is a page rather than data."""
    return body[:4096].lower().lstrip().startswith((b"<!doctype", b"<html"))


def is_missing_file(url: str, body: bytes) -> bool:
    """Return whether a body is the store's error for a file that does not exist.

    The store behind /Archives/ replies AccessDenied for missing files.
    """
    head = body[:4096].lower()
    return (
        b"<error>" in head
        and not is_html(body)
        and (
            b"<code>nosuchkey<" in head or (b"<code>accessdenied<" in head and "/Archives/" in url)
        )
    )


def is_block(status: int, body: bytes) -> bool:
    """Return whether a reply rejects the client, by its status or its page."""
    if status in (403, 429):
        return True
    return is_html(body) and any(marker in body[:20_000].lower() for marker in BLOCK_PAGE_MARKERS)


def is_undeclared(body: bytes) -> bool:
    """Return whether a block page says that the client's user agent names no contact."""
    return b"undeclared" in body[:20_000].lower()


def no_such_file(url: str, resource: str) -> FetchError:
    """Return the error of a file that the SEC does not have."""
    return FetchError("not_found", "no_such_key", f"{resource}: the SEC has no {url}.")


def unusable_reply(response: Response, body: bytes, resource: str) -> FetchError | None:
    """Return the error of a reply that failed or is a page; None for data."""
    status = response.status_code
    if response.is_success and not is_html(body):
        return None
    reason = "html" if response.is_success else f"http_{status}"
    content = "a page" if is_html(body) else "no data"
    return outage(reason, f"{resource}: {response.url} returned {status} with {content}.")

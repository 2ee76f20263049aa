"""Requests to the SEC: declared, at its pace, and what its refusals mean."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from tasks.extract.provider.http import error_reason
from tasks.extract.provider.policy import FetchError, RateLimiter, RequestPolicy
from tasks.extract.provider.rate_limit import PostgresRateLimiter
from warehouse.settings import Settings

DATA = "https://data.sec.gov"
WWW = "https://www.sec.gov"

MISSING_USER_AGENT_MESSAGE = (
    "The SEC was not asked for anything: it wants to know who asks. Set ROTATION_SEC_USER_AGENT to"
    ' a name and an e-mail address, as in "Sample Company contact@example.com", without commas or'
    " brackets, in the environment or in .env; see https://www.sec.gov/os/accessing-edgar-data."
)
# Text of the SEC's block pages, which have come with status 200, too.
BLOCK_PAGE_MARKERS = (b"request rate threshold", b"undeclared automated tool", b"access denied")


class SecClient:
    """The SEC's two hosts at one pace; any thread may ask."""

    def __init__(self, settings: Settings, pace: RateLimiter) -> None:
        """Open a client; nothing is sent."""
        assert settings.sec_user_agent is not None
        self.pace = pace
        self._pause_seconds = settings.sec_pause_seconds
        self._lock = threading.Lock()
        self._blocks = 0
        self.http = httpx.Client(
            timeout=settings.sec_timeout_seconds,
            headers={
                "User-Agent": settings.sec_user_agent.get_secret_value(),
                "Accept-Encoding": "gzip, deflate",
            },
        )

    def json(self, url: str, what: str) -> Any:
        """The content of a JSON file.

        Raises:
            Fault: There is no usable reply.
        """
        body = self.get(url, what)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            reason = "truncated_json" if body.lstrip()[:1] in (b"{", b"[") else "not_json"
            raise FetchError(
                "outage",
                reason,
                f"{what}: what {url} sent can't be read as JSON ({reason}): {error}",
                is_retryable=True,
            ) from error

    def get(self, url: str, what: str) -> bytes:
        """The body of a reply that is what was asked for, not a page in its place.

        Raises:
            Fault: There is no such reply: not_found where the SEC says that there is no such
                file, throttled where it blocks us, an outage otherwise.
        """
        self.pace.acquire()
        blocks = self._blocks
        try:
            response = self.http.get(url)
        except httpx.HTTPError as error:
            raise connection_error(url, what, error) from error
        self.raise_for_block(response, response.content, what, blocks)
        return response.content

    def raise_for_block(
        self, response: httpx.Response, body: bytes, what: str, blocks: int
    ) -> None:
        """Refuse a reply that is none.

        Args:
            response: The reply.
            body: Its first bytes at least.
            what: The item in words, for faults.
            blocks: What `blocks` was when the request was sent.

        Raises:
            Fault: As `get` has it.
        """
        url, status = str(response.url), response.status_code
        head = body[:4096].lower()
        is_page = head.lstrip().startswith((b"<!doctype", b"<html"))
        is_store = b"<error>" in head and not is_page
        if is_store and (
            b"<code>nosuchkey<" in head or (b"<code>accessdenied<" in head and "/Archives/" in url)
        ):
            # the store behind the archives denies access to what is not there
            raise FetchError("not_found", "no_such_key", f"{what}: the SEC has no {url}.")
        is_blocked = is_page and any(words in body[:20_000].lower() for words in BLOCK_PAGE_MARKERS)
        if status in (403, 429) or is_blocked:
            raise self._blocked(url, what, status, b"undeclared" in body[:20_000].lower(), blocks)
        if not response.is_success or is_page:
            reason = f"http_{status}" if not response.is_success else "html"
            raise FetchError(
                "outage",
                reason,
                f"{what}: {url} answered {status} with {'a page' if is_page else 'no data'}.",
                is_retryable=True,
            )

    @property
    def block_count(self) -> int:
        """How often the SEC has blocked us in this run."""
        return self._blocks

    def _blocked(
        self, url: str, what: str, status: int, is_undeclared: bool, blocks: int
    ) -> FetchError:
        with self._lock:
            # requests that were under way when the first was refused are of the same block
            self._blocks = max(self._blocks, blocks + 1)
            recurs = self._blocks > 1
        self.pace.pause(self._pause_seconds)
        then = (
            "It did so again after a pause: this run asks no more."
            if recurs
            else f"No request goes to the SEC for {self._pause_seconds:.0f} seconds."
        )
        hint = (
            "It takes ROTATION_SEC_USER_AGENT for undeclared: a name and an e-mail address."
            if is_undeclared
            else "Lower sec_requests_per_second if it recurs, on all machines together."
        )
        return FetchError(
            "throttled",
            "throttled",
            f"{what}: {url} answered {status} with a block. {then} {hint}",
            is_retryable=not recurs,
            retry_after_seconds=self._pause_seconds,
        )


def connection_error(url: str, what: str, error: httpx.HTTPError) -> FetchError:
    """The fault of a request that got no reply, or half of one."""
    reason = "truncated" if isinstance(error, httpx.DecodingError) else error_reason(error)
    return FetchError(
        "outage",
        reason,
        f"{what}: no answer from {url} ({reason}): {type(error).__name__}: {error}",
        is_retryable=True,
    )


@dataclass(frozen=True)
class SecSession:
    """One run's way to the SEC.

    Attributes:
        client: Sends the requests.
        dealings: Repeats them, pauses, and gives up.
        settings: The `sec_` settings and `home`.
    """

    client: SecClient
    dealings: RequestPolicy
    settings: Settings


@contextmanager
def open_sec_session(settings: Settings) -> Iterator[SecSession]:
    """Opens the one way to the SEC that a run has; threads that wait are woken when it fails."""
    with PostgresRateLimiter("sec", settings.sec_requests_per_second, settings) as pace:
        client = SecClient(settings, pace)
        dealings = RequestPolicy(
            pace, attempts=settings.sec_attempts, backoff_seconds=settings.sec_backoff_seconds
        )
        with client.http:
            yield SecSession(client, dealings, settings)

"""Send declared requests to the SEC within its rate limit; pause after a block."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from tasks.extract.provider.errors import FetchError, outage, throttled
from tasks.extract.provider.http import connection_error
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.provider.rate_limit import PostgresRateLimiter, RateLimiter
from tasks.extract.sec.errors import (
    is_block,
    is_missing_file,
    is_undeclared,
    no_such_file,
    unusable_reply,
)
from tasks.http_client import HttpError, Response, open_client
from warehouse.settings import Settings

DATA = "https://data.sec.gov"
WWW = "https://www.sec.gov"

MISSING_USER_AGENT_MESSAGE = (
    "SEC requests are disabled: the SEC requires a contact. Set ROTATION_SEC_USER_AGENT to a name"
    ' and an e-mail address, as in "Sample Company contact@example.com", without commas or'
    " brackets, in the environment or in .env; see https://www.sec.gov/os/accessing-edgar-data."
)


class SecClient:
    """Send requests to the SEC's two hosts within one rate limit, from any thread."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        """Open a client; no request is sent."""
        assert settings.sec_user_agent is not None
        self.limiter = limiter
        self._pause_seconds = settings.sec_pause_seconds
        self._lock = threading.Lock()
        self._blocks = 0
        self.http = open_client(
            settings.sec_timeout_seconds,
            headers={
                "User-Agent": settings.sec_user_agent.get_secret_value(),
                "Accept-Encoding": "gzip, deflate",
            },
        )

    def json(self, url: str, resource: str) -> Any:
        """Return the content of a JSON file.

        Raises:
            FetchError: There is no usable reply.
        """
        body = self.get(url, resource)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            reason = "truncated_json" if body.lstrip()[:1] in (b"{", b"[") else "not_json"
            detail = f"{resource}: the reply of {url} is no JSON ({reason}): {error}"
            raise outage(reason, detail) from error

    def get(self, url: str, resource: str) -> bytes:
        """Return the body of a reply.

        Raises:
            FetchError: There is no usable reply: not_found if the SEC has no such file, throttled
                if it blocks the client, an outage otherwise.
        """
        self.limiter.acquire()
        blocks = self._blocks
        try:
            response = self.http.get(url)
        except HttpError as error:
            raise connection_error(url, resource, error) from error
        self.raise_for_block(response, response.content, resource, blocks)
        return response.content

    def raise_for_block(self, response: Response, body: bytes, resource: str, blocks: int) -> None:
        """Raise the error of a reply that is no data.

        Args:
            response: The reply.
            body: Its first bytes at least.
            resource: The item, for error messages.
            blocks: The value of `block_count` when the request was sent.

        Raises:
            FetchError: See `get`.
        """
        url = str(response.url)
        if is_missing_file(url, body):
            raise no_such_file(url, resource)
        if is_block(response.status_code, body):
            raise self._block_error(url, resource, response.status_code, body, blocks)
        if error := unusable_reply(response, body, resource):
            raise error

    @property
    def block_count(self) -> int:
        """Return how often the SEC has blocked this run."""
        return self._blocks

    def _block_error(
        self, url: str, resource: str, status: int, body: bytes, blocks: int
    ) -> FetchError:
        with self._lock:
            # requests already sent at the time of the first block belong to the same block
            self._blocks = max(self._blocks, blocks + 1)
            recurs = self._blocks > 1
        self.limiter.pause(self._pause_seconds)
        consequence = (
            "It is the second block, after a pause: this run sends no more requests."
            if recurs
            else f"Requests to the SEC are paused for {self._pause_seconds:.0f} seconds."
        )
        hint = (
            "The SEC rejects ROTATION_SEC_USER_AGENT: set it to a name and an e-mail address."
            if is_undeclared(body)
            else "Lower sec_requests_per_second if it recurs, on all machines together."
        )
        return throttled(
            f"{resource}: {url} returned {status} with a block. {consequence} {hint}",
            retry_after_seconds=self._pause_seconds,
            is_retryable=not recurs,
        )


@dataclass(frozen=True)
class SecSession:
    """Hold the client, request policy and settings of one run.

    Attributes:
        client: Sends the requests.
        policy: Repeats and skips them.
        settings: The `sec_` settings and `home`.
    """

    client: SecClient
    policy: RequestPolicy
    settings: Settings


@contextmanager
def open_sec_session(settings: Settings) -> Iterator[SecSession]:
    """Open the client and request policy of one run.

    Example:
        with open_sec_session(Settings()) as sec:
            tickers = extract_company_tickers.fn(datetime.now(UTC), sec)
            facts = extract_companies.fn([CompanyRequest(320193)], datetime.now(UTC), sec)
        facts.fetches[["dataset", "item", "status", "reason"]]
    """
    with closing(PostgresRateLimiter("sec", settings.sec_requests_per_second, settings)) as limiter:
        client = SecClient(settings, limiter)
        policy = RequestPolicy(
            limiter, attempts=settings.sec_attempts, backoff_seconds=settings.sec_backoff_seconds
        )
        with client.http:
            yield SecSession(client, policy, settings)

"""Apply one request policy to all providers: rate limit, retry with backoff, circuit breaker.

- Each HTTP request waits for the provider's rate limit, in every thread and batch.
- If the provider throttles one request, all requests of this process pause.
- If it still throttles after the last attempt, or several items in a row end as an outage, the
  circuit breaker opens: the rest of the run is skipped, since more requests prolong a block and
  delay the other providers.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.rate_limit import RateLimiter

T = TypeVar("T")
Item = TypeVar("Item")

# Items in a row that end as an outage, each after all its attempts. One or two may be problems of
# the items; five mean that the provider or the connection is down.
CIRCUIT_BREAKER_THRESHOLD = 5


@dataclass(frozen=True)
class CallResult(Generic[T]):
    """Hold the value or last error of a call, and its number of attempts."""

    value: T | None
    error: FetchError | None
    attempts: int


class RequestPolicy:
    """Repeat, pause and skip the requests of one run to one provider, from any thread.

    Example:
        policy = RequestPolicy(get_rate_limiter("yahoo", 2.0), attempts=3, backoff_seconds=5.0)
        result = policy.call(lambda: fetch_rows(policy.limiter))
        if result.error is None:
            rows = result.value
    """

    def __init__(self, limiter: RateLimiter, *, attempts: int, backoff_seconds: float) -> None:
        """Start with a closed circuit; `attempts` and `backoff_seconds` come from the settings."""
        self.limiter = limiter
        self._attempts = attempts
        self._backoff_seconds = backoff_seconds
        self._lock = threading.Lock()
        self._outages = 0
        self._circuit_error: FetchError | None = None
        self._circuit_open = threading.Event()

    def call(self, fn: Callable[[], T]) -> CallResult[T]:
        """Call a function until it returns, fails for good, or no attempt is left.

        Args:
            fn: Acquires each request from the limiter, sends it, and raises `FetchError` if there
                are no rows. Any other exception is a defect and passes through.
        """
        error: FetchError | None = None
        for attempt in range(1, self._attempts + 1):
            while (pause := self.limiter.remaining_pause()) and not self._circuit_open.is_set():
                self._circuit_open.wait(pause)
            if self._circuit_error is not None:
                return CallResult(None, error or self._circuit_error, attempt - 1)
            try:
                value = fn()
            except FetchError as raised:
                error = raised
            else:
                self._record_result(None)
                return CallResult(value, None, attempt)
            if not error.is_retryable:
                break
            # Doubled each time: blocks of Yahoo and FRED last from seconds to some minutes.
            wait = max(self._backoff_seconds * 2 ** (attempt - 1), error.retry_after_seconds)
            if error.status == "throttled":
                self.limiter.pause(wait)
            elif attempt < self._attempts:
                self._circuit_open.wait(wait)
        self._record_result(error)
        return CallResult(None, error, attempt)

    def map_concurrently(
        self, fn: Callable[[Item], T], items: Iterable[Item], *, threads: int, name: str
    ) -> list[T]:
        """Apply a function to all items in threads, and return the results in order.

        If this thread is interrupted, waiting threads are cancelled, and a thread that waits for
        a reply is abandoned: neither may delay the end of a cancelled run.
        """
        pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        try:
            results = list(pool.map(fn, items))
        except BaseException:
            self.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        return results

    def cancel(self) -> None:
        """Open the circuit and wake all waiting threads, since the run was cancelled."""
        if self._circuit_error is None:
            self._circuit_error = FetchError(
                "outage", "cancelled", "Skipped: the run was cancelled."
            )
        self._circuit_open.set()

    def _record_result(self, error: FetchError | None) -> None:
        """Count outages in a row, and open the circuit if the run must stop requesting."""
        with self._lock:
            is_outage = error is not None and error.status == "outage"
            self._outages = self._outages + 1 if is_outage else 0
            if error is None or self._circuit_error is not None:
                return
            if (
                error.is_fatal
                or error.status == "throttled"
                or self._outages >= CIRCUIT_BREAKER_THRESHOLD
            ):
                self._circuit_error = FetchError(
                    error.status,
                    error.reason,
                    f"Skipped: circuit breaker open after: {error.detail}",
                )
                self._circuit_open.set()

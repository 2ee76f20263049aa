"""How every provider is asked: at its pace, again after a failure, not at all when it says stop.

Three promises, kept in one place for all extractors:

- each HTTP request takes a turn at the provider's rate, whichever thread or batch sends it;
- when a provider throttles one of us, everyone in this process pauses;
- when it still throttles after the last attempt, or is down for several items in a row, the rest
  of the run is not asked: more requests prolong a block and delay the other providers.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

from pyrate_limiter import Limiter, Rate, StateBucket, TokenBucket

from tasks.extract.provider.fetch_log import Status
from warehouse.base_error import RotationError

T = TypeVar("T")

# Items in a row that ended as an outage, each after all its attempts, with no answer in between.
# One or two are an item's own trouble; five mean the provider or the line is down.
CIRCUIT_BREAKER_THRESHOLD = 5


class FetchError(RotationError):
    """Why one attempt brought no rows.

    Attributes:
        status: The ledger's status, should this have been the last attempt.
        reason: The ledger's machine word.
        is_retryable: Whether asking again may help.
        retry_after_seconds: How long the provider asked us to wait; 0 where it did not say.
        is_fatal: Whether the same answer awaits every other item (a bad key).
    """

    def __init__(
        self,
        status: Status,
        reason: str,
        detail: str,
        *,
        is_retryable: bool = False,
        retry_after_seconds: float = 0.0,
        is_fatal: bool = False,
    ) -> None:
        """Keep the fault's facts; `detail` is a sentence for people and must hold no secret."""
        super().__init__(detail)
        self.status: Status = status
        self.reason = reason
        self.detail = detail
        self.is_retryable = is_retryable
        self.retry_after_seconds = retry_after_seconds
        self.is_fatal = is_fatal


@dataclass(frozen=True)
class CallResult(Generic[T]):
    """What came of asking: a value, or the last fault; and how often the provider was asked."""

    value: T | None
    fault: FetchError | None
    attempts: int


class RateLimiter:
    """The pace of one provider, shared by all threads and runs of this process.

    That is enough where one run alone asks the provider, on whatever machine: see `record.run`.
    """

    def __init__(self, requests_per_second: float) -> None:
        """Start with a full turn and no pause."""
        # Burst 1: FRED refuses two requests in the same instant although it allows 120 a minute.
        rate = Rate(1, max(1, round(1000 / requests_per_second)), burst=1)
        self._limiter = Limiter(StateBucket([rate], algorithm=TokenBucket()), buffer_ms=0)
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def acquire(self) -> None:
        """Wait until one more request may be sent."""
        self._limiter.try_acquire("request")

    def pause(self, seconds: float) -> None:
        """Let nobody start another attempt for so many seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def remaining_pause(self) -> float:
        """Seconds until attempts may start again; 0 when they may."""
        with self._lock:
            return max(0.0, self._paused_until - time.monotonic())


@cache
def get_rate_limiter(name: str, requests_per_second: float) -> RateLimiter:
    """The one provider of this name and rate in this process."""
    return RateLimiter(requests_per_second)


class RequestPolicy:
    """One run's dealings with one provider, from however many threads."""

    def __init__(self, provider: RateLimiter, *, attempts: int, backoff_seconds: float) -> None:
        """Begin; `attempts` and `backoff_seconds` come from the settings."""
        self._provider = provider
        self._attempts = attempts
        self._backoff_seconds = backoff_seconds
        self._lock = threading.Lock()
        self._outages = 0
        self._circuit_error: FetchError | None = None
        self._circuit_open = threading.Event()

    def call(self, fn: Callable[[], T]) -> CallResult[T]:
        """Ask until there is an answer, a final refusal, or no attempt left.

        Args:
            fn: Sends the request, taking a turn for each, and raises `Fault` when it
                brings no rows. Any other exception is a defect and passes through.
        """
        fault: FetchError | None = None
        for attempt in range(1, self._attempts + 1):
            while (pause := self._provider.remaining_pause()) and not self._circuit_open.is_set():
                self._circuit_open.wait(pause)
            if self._circuit_error is not None:
                return CallResult(None, fault or self._circuit_error, attempt - 1)
            try:
                value = fn()
            except FetchError as caught:
                fault = caught
            else:
                self._record_result(None)
                return CallResult(value, None, attempt)
            if not fault.is_retryable:
                break
            # Doubling, as Yahoo's and FRED's blocks last from seconds to some minutes.
            wait = max(self._backoff_seconds * 2 ** (attempt - 1), fault.retry_after_seconds)
            if fault.status == "throttled":
                self._provider.pause(wait)
            elif attempt < self._attempts:
                self._circuit_open.wait(wait)
        self._record_result(fault)
        return CallResult(None, fault, attempt)

    def cancel(self) -> None:
        """Wake and end all that wait, when the run is abandoned."""
        if self._circuit_error is None:
            self._circuit_error = FetchError(
                "outage", "cancelled", "The run was cancelled before its turn."
            )
        self._circuit_open.set()

    def _record_result(self, fault: FetchError | None) -> None:
        with self._lock:
            is_outage = fault is not None and fault.status == "outage"
            self._outages = self._outages + 1 if is_outage else 0
            if fault is None or self._circuit_error is not None:
                return
            if (
                fault.is_fatal
                or fault.status == "throttled"
                or self._outages >= CIRCUIT_BREAKER_THRESHOLD
            ):
                self._circuit_error = FetchError(
                    fault.status,
                    fault.reason,
                    f"Not asked: an earlier item of this run ended so: {fault.detail}",
                )
                self._circuit_open.set()

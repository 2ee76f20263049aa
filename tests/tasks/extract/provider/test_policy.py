"""Test the request policy: attempts, pauses, circuit breaker and rate limit."""

import threading
import time
from collections.abc import Callable

import pytest

from tasks.extract.provider.errors import FetchError, outage, throttled
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.provider.rate_limit import RateLimiter


def new_policy(attempts: int = 3, backoff: float = 0.0) -> RequestPolicy:
    """Return a policy with a rate limiter of its own."""
    return RequestPolicy(RateLimiter(1000.0), attempts=attempts, backoff_seconds=backoff)


def failing(*errors: FetchError | None) -> Callable[[], str]:
    """Return a request that raises these errors one by one, then succeeds."""
    remaining = list(errors)

    def request() -> str:
        error = remaining.pop(0) if remaining else None
        if error:
            raise error
        return "rows"

    return request


def timeout() -> FetchError:
    return outage("timeout", "no reply")


def test_retry_succeeds_after_temporary_errors() -> None:
    result = new_policy().call(failing(timeout(), throttled("429")))
    assert (result.value, result.error, result.attempts) == ("rows", None, 3)


def test_permanent_error_is_not_retried() -> None:
    result = new_policy().call(failing(FetchError("not_found", "unknown_symbol", "404")))
    assert result.error is not None
    assert (result.error.status, result.attempts) == ("not_found", 1)


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(KeyError):
        new_policy().call(lambda: {}["no such key"])


def test_throttling_after_all_attempts_opens_the_circuit() -> None:
    policy = new_policy(attempts=2)
    assert policy.call(failing(throttled("429"), throttled("429"))).attempts == 2
    result = policy.call(failing())
    assert result.error is not None
    assert (result.error.status, result.attempts) == ("throttled", 0)
    assert result.error.detail.startswith("Skipped: circuit breaker open after: ")


def test_fatal_error_opens_the_circuit() -> None:
    policy = new_policy()
    policy.call(failing(FetchError("refused", "invalid_api_key", "400", is_fatal=True)))
    result = policy.call(failing())
    assert result.error is not None
    assert (result.error.reason, result.attempts) == ("invalid_api_key", 0)


def test_five_outages_in_a_row_open_the_circuit() -> None:
    policy = new_policy(attempts=1)
    for error in (timeout(), timeout(), timeout(), timeout(), None, timeout(), timeout()):
        policy.call(failing(error))
    assert policy.call(failing()).value == "rows"
    for _ in range(5):
        policy.call(failing(outage("reset", "no reply")))
    result = policy.call(failing())
    assert result.error is not None
    assert (result.error.status, result.error.reason, result.attempts) == ("outage", "reset", 0)


def test_all_policies_of_a_limiter_pause_when_one_is_throttled() -> None:
    limiter = RateLimiter(1000)
    first = RequestPolicy(limiter, attempts=2, backoff_seconds=0.4)
    second = RequestPolicy(limiter, attempts=2, backoff_seconds=0.0)
    started = time.monotonic()
    thread = threading.Thread(target=first.call, args=(failing(throttled("429")),))
    thread.start()
    while not limiter.remaining_pause() and time.monotonic() - started < 0.4:
        time.sleep(0.01)
    second.call(failing())
    assert time.monotonic() - started >= 0.4
    thread.join()


def test_retry_after_is_respected() -> None:
    started = time.monotonic()
    new_policy(attempts=2).call(failing(throttled("429", retry_after_seconds=0.3)))
    assert time.monotonic() - started > 0.25


def test_cancel_wakes_waiting_threads() -> None:
    policy = new_policy(attempts=2, backoff=3600.0)
    thread = threading.Thread(target=policy.call, args=(failing(timeout()),), daemon=True)
    thread.start()
    time.sleep(0.05)
    policy.cancel()
    thread.join(timeout=120)
    assert not thread.is_alive()


def test_threads_share_one_rate_limit() -> None:
    limiter = RateLimiter(20)
    threads = [threading.Thread(target=limiter.acquire) for _ in range(6)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # the first request does not wait
    assert time.monotonic() - started > 5 * 0.04

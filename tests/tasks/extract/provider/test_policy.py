"""The one retry loop: attempts, pauses, and when a batch is given up."""

import threading
import time
from collections.abc import Callable

import pytest

from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.provider.rate_limit import RateLimiter


def batch(attempts: int = 3, backoff: float = 0.0, rate: float = 1000.0) -> RequestPolicy:
    """A batch with a provider of its own."""
    return RequestPolicy(RateLimiter(rate), attempts=attempts, backoff_seconds=backoff)


def failing(*faults: FetchError | None) -> Callable[[], str]:
    """A question that raises these faults in turn, then answers."""
    left = list(faults)

    def question() -> str:
        fault = left.pop(0) if left else None
        if fault:
            raise fault
        return "rows"

    return question


def outage(reason: str = "timeout") -> FetchError:
    return FetchError("outage", reason, "no answer", is_retryable=True)


def throttle(seconds: float = 0.0) -> FetchError:
    return FetchError(
        "throttled", "throttled", "429", is_retryable=True, retry_after_seconds=seconds
    )


def test_an_outage_that_ends_in_time_is_an_answer() -> None:
    answer = batch().call(failing(outage(), throttle()))
    assert (answer.value, answer.error, answer.attempts) == ("rows", None, 3)


def test_a_final_answer_is_not_asked_twice() -> None:
    answer = batch().call(failing(FetchError("not_found", "unknown_symbol", "404")))
    assert answer.error is not None
    assert (answer.error.status, answer.attempts) == ("not_found", 1)


def test_a_defect_passes_through() -> None:
    with pytest.raises(KeyError):
        batch().call(lambda: {}["no such key"])


def test_throttling_after_all_attempts_ends_the_batch() -> None:
    polite = batch(attempts=2)
    assert polite.call(failing(throttle(), throttle())).attempts == 2
    answer = polite.call(failing())
    assert answer.error is not None
    assert (answer.error.status, answer.attempts) == ("throttled", 0)
    assert answer.error.detail.startswith("Skipped: circuit breaker open after: ")


def test_a_bad_key_ends_the_batch_at_once() -> None:
    polite = batch()
    polite.call(failing(FetchError("refused", "invalid_api_key", "400", is_fatal=True)))
    answer = polite.call(failing())
    assert answer.error is not None
    assert (answer.error.reason, answer.attempts) == ("invalid_api_key", 0)


def test_five_outages_in_a_row_end_the_batch_and_an_answer_between_does_not() -> None:
    polite = batch(attempts=1)
    for fault in (outage(), outage(), outage(), outage(), None, outage(), outage()):
        polite.call(failing(fault))
    assert polite.call(failing()).value == "rows"
    for _ in range(5):
        polite.call(failing(outage("reset")))
    answer = polite.call(failing())
    assert answer.error is not None
    assert (answer.error.status, answer.error.reason, answer.attempts) == ("outage", "reset", 0)


def test_everyone_pauses_when_one_is_throttled() -> None:
    provider = RateLimiter(1000)
    first = RequestPolicy(provider, attempts=2, backoff_seconds=0.4)
    second = RequestPolicy(provider, attempts=2, backoff_seconds=0.0)
    begun = time.monotonic()
    thread = threading.Thread(target=first.call, args=(failing(throttle()),))
    thread.start()
    while not provider.remaining_pause() and time.monotonic() - begun < 0.4:
        time.sleep(0.01)
    second.call(failing())
    assert time.monotonic() - begun >= 0.4
    thread.join()


def test_the_provider_says_how_long() -> None:
    begun = time.monotonic()
    batch(attempts=2).call(failing(throttle(seconds=0.3)))
    assert time.monotonic() - begun > 0.25


def test_a_closed_batch_wakes_those_that_wait() -> None:
    polite = batch(attempts=2, backoff=3600.0)
    thread = threading.Thread(target=polite.call, args=(failing(outage()),), daemon=True)
    thread.start()
    time.sleep(0.05)
    polite.cancel()
    thread.join(timeout=120)
    assert not thread.is_alive()


def test_threads_share_one_pace() -> None:
    provider = RateLimiter(20)
    threads = [threading.Thread(target=provider.acquire) for _ in range(6)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # the first need not wait
    assert time.monotonic() - begun > 5 * 0.04

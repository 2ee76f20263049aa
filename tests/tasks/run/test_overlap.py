"""Batches extracted while the ones before are stored: order, distance and errors."""

import threading
from contextvars import ContextVar

import pytest

from tasks.run.overlap import extract_ahead

WAIT_SECONDS = 30
flow_run = ContextVar("flow_run", default="none")


def test_a_batch_is_extracted_while_the_one_before_is_stored():
    second_extracted, stored = threading.Event(), []

    def extract(batch: int) -> str:
        # the batch before the last is stored: never more than one ahead
        assert stored == [f"reply {n}" for n in range(batch - 1)]
        if batch == 1:
            second_extracted.set()
        return f"reply {batch}"

    def store(batch: int, reply: str) -> None:
        assert second_extracted.wait(WAIT_SECONDS)
        stored.append(reply)

    extract_ahead(range(5), extract, store, ahead=True)
    assert stored == [f"reply {n}" for n in range(5)]


def test_a_source_that_reads_what_was_stored_is_not_extracted_ahead():
    events = []
    extract_ahead(
        range(3),
        lambda batch: events.append(("extract", batch)),
        lambda batch, _: events.append(("store", batch)),
        ahead=False,
    )
    assert events == [(name, batch) for batch in range(3) for name in ("extract", "store")]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_an_error_of_the_extraction_is_raised_after_the_store(error: BaseException):
    stored, failed = [], threading.Event()

    def extract(batch: int) -> int:
        if batch == 1:
            failed.set()
            raise error
        return batch

    def store(batch: int, reply: int) -> None:
        assert failed.wait(WAIT_SECONDS)
        stored.append(reply)

    with pytest.raises(type(error)):
        extract_ahead(range(3), extract, store, ahead=True)
    assert stored == [0]


def test_an_error_of_the_store_ends_the_extraction():
    extracted = []

    def store(batch: int, _: None) -> None:
        raise ValueError(f"batch {batch}")

    with pytest.raises(ValueError, match="batch 0"):
        extract_ahead(range(5), extracted.append, store, ahead=True)
    assert extracted == [0, 1]


def test_an_error_of_the_last_store_is_raised():
    def store(batch: int, _: int) -> None:
        raise ValueError("last")

    with pytest.raises(ValueError, match="last"):
        extract_ahead([1], lambda batch: batch, store, ahead=True)


def test_the_store_sees_the_context_of_the_caller():
    seen = []
    token = flow_run.set("daily")
    try:
        extract_ahead([1], lambda _: None, lambda *_: seen.append(flow_run.get()), ahead=True)
    finally:
        flow_run.reset(token)
    assert seen == ["daily"]


def test_no_batch_stores_nothing():
    stored = []
    extract_ahead([], lambda batch: batch, lambda *each: stored.append(each), ahead=True)
    assert stored == []

"""Extract one batch while the one before is stored."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Q = TypeVar("Q")
R = TypeVar("R")


def extract_ahead(
    batches: Iterable[Q], extract: Callable[[Q], R], store: Callable[[Q, R], None], *, ahead: bool
) -> None:
    """Extract and store batches in order, the extraction at most one batch ahead.

    The calling thread extracts, because a signal interrupts it: a cancelled run abandons its
    requests. An error of either function ends both, after the batch in the other thread is stored
    or has failed.

    Args:
        batches: The requests of each batch.
        extract: Returns the reply to a batch.
        store: Stores a reply, in a thread of its own.
        ahead: Whether a batch may be extracted before the one before it is stored.
    """
    # its end waits for the thread
    with ThreadPoolExecutor(1, thread_name_prefix="store") as pool:
        storing: Future[None] | None = None
        for batch in batches:
            if storing is not None and not ahead:
                storing.result()
            reply = extract(batch)
            if storing is not None:
                storing.result()
            # in a copy of this context, so that tasks belong to the flow run
            storing = pool.submit(copy_context().run, store, batch, reply)
        if storing is not None:
            storing.result()

"""Plan of a run: its requests, and batches of them with the stored rows they need."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")
B = TypeVar("B")


@dataclass(frozen=True)
class Plan(Generic[R, B]):
    """Requests of a run, and the way to make batches of them.

    Attributes:
        requests: All requests, in order.
        batch_size: Number of requests in a batch.
        make_batch: Reads the stored rows that some requests need, and returns their batch.
        message: Why there is nothing to request; empty if there is.
    """

    requests: Sequence[R]
    batch_size: int
    make_batch: Callable[[Sequence[R]], B]
    message: str = ""

    def batches(self) -> Iterator[B]:
        """Yield the batches, each read only when it is requested.

        All stored closes of 2,500 tickers would be millions of rows in memory. And a batch must
        see the tickers that the batch before it has renamed.
        """
        for requests in batched(self.requests, self.batch_size):
            yield self.make_batch(requests)


def batched(requests: Sequence[R], size: int) -> Iterator[Sequence[R]]:
    """Yield the requests in batches of a size."""
    for first in range(0, len(requests), size):
        yield requests[first : first + size]

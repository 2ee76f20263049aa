"""Plan of a run: its requests, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Plan(Generic[R]):
    """Requests of a run.

    Attributes:
        requests: All requests, in order.
        batch_size: Number of requests in a batch.
        message: Why there is nothing to request; empty if there is.
    """

    requests: Sequence[R]
    batch_size: int
    message: str = ""

    def batches(self) -> Iterator[Sequence[R]]:
        """Yield the requests in batches."""
        return batched(self.requests, self.batch_size)


def batched(requests: Sequence[R], size: int) -> Iterator[Sequence[R]]:
    """Yield the requests in batches of a size."""
    for first in range(0, len(requests), size):
        yield requests[first : first + size]

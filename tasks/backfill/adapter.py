"""The interface of a dataset to its backfill."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tasks.backfill.plan import BackfillPlan, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.run.context import RunContext

# ingests one chunk of work items in a run of its own
IngestChunk = Callable[[Sequence[WorkItem], RunContext], None]


@dataclass(frozen=True)
class BackfillAdapter:
    """Functions that plan and ingest the backfill of one dataset.

    Attributes:
        provider: The provider; its runs are serialized by a run lock.
        plan: Finds the gaps and the work items.
        open_ingest: Opens the provider's session for all work items; yields the function that
            ingests a chunk.
        chunk_size: Number of work items in a chunk.
    """

    provider: str
    plan: Callable[[ResolvedRequest], BackfillPlan]
    open_ingest: Callable[
        [ResolvedRequest, Sequence[WorkItem]], AbstractContextManager[IngestChunk]
    ]
    chunk_size: Callable[[ResolvedRequest], int]

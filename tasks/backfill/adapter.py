"""What a backfill needs to know of a dataset."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tasks.backfill.plan import BackfillPlan, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.run.context import RunContext

# Loads one chunk's needs in a run of its own.
IngestChunk = Callable[[Sequence[WorkItem], RunContext], None]


@dataclass(frozen=True)
class BackfillAdapter:
    """What a backfill needs to know of a dataset.

    Attributes:
        provider: Who is asked; the runs of one provider take turns.
        plan: Finds what is missing and what to ask for.
        open_ingest: Begins the dealings of a backfill with the provider, for all of its needs, and
            ends them; what it opens loads a chunk.
        chunk_size: How many needs make a chunk.
    """

    provider: str
    plan: Callable[[ResolvedRequest], BackfillPlan]
    open_ingest: Callable[
        [ResolvedRequest, Sequence[WorkItem]], AbstractContextManager[IngestChunk]
    ]
    chunk_size: Callable[[ResolvedRequest], int]

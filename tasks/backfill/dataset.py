"""What a backfill needs to know of a dataset."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tasks.backfill.request import Scope
from tasks.backfill.survey import Need, Survey
from tasks.record import Run

# Loads one chunk's needs in a run of its own.
Bring = Callable[[Sequence[Need], Run], None]


@dataclass(frozen=True)
class Dataset:
    """What a backfill needs to know of a dataset.

    Attributes:
        provider: Who is asked; the runs of one provider take turns.
        survey: Finds what is missing and what to ask for.
        open: Begins the dealings of a backfill with the provider, for all of its needs, and ends
            them; what it opens loads a chunk.
        chunk: How many needs make a chunk.
    """

    provider: str
    survey: Callable[[Scope], Survey]
    open: Callable[[Scope, Sequence[Need]], AbstractContextManager[Bring]]
    chunk: Callable[[Scope], int]

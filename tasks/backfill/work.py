"""Works a backfill's needs off, chunk by chunk, and says how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.backfill import show
from tasks.backfill.dataset import Dataset
from tasks.backfill.request import Scope
from tasks.backfill.survey import Need
from tasks.plan import in_batches
from tasks.record import ForeignOrigin, Run, run
from warehouse.trouble import WarehouseTrouble


@dataclass
class Outcome:
    """What came of the chunks.

    Attributes:
        total: All that was loaded, and what brought nothing.
        chunks: How many there were.
        failures: The chunks that ended with an error, one sentence each.
    """

    total: Run
    chunks: int
    failures: list[str] = field(default_factory=list)


def work_off(name: str, dataset: Dataset, needs: Sequence[Need], scope: Scope) -> Outcome:
    """Extracts, validates and loads all needs, a chunk at a time.

    Each chunk is a run of its own in `audit.run`. It takes its turn at the provider, so that a
    scheduled run can go between two of them, and it is loaded in one transaction per batch: what
    is done stays done, whatever becomes of the rest. A chunk that fails leaves the others to go
    on, unless it would befall them, too.

    Raises:
        ForeignOrigin: when the warehouse holds facts of another origin.
        WarehouseTrouble: when its server is gone or full.
    """
    chunks = list(in_batches(needs, dataset.chunk(scope)))
    outcome = Outcome(Run(0, scope.settings), len(chunks))
    progress = show.Progress(name, len(needs))
    with dataset.open(scope, needs) as bring:
        for number, chunk in enumerate(chunks, start=1):
            this_run = None
            try:
                # not each shown: dozens would hide the plan and the result
                with run("backfill", scope.settings, dataset.provider, is_shown=False) as this_run:
                    bring(chunk, this_run)
            except (ForeignOrigin, WarehouseTrouble):
                raise
            except Exception as error:
                which = chunk[0].item + (f" to {chunk[-1].item}" if len(chunk) > 1 else "")
                # the class alone: a message may quote what a provider sent
                failure = (
                    f"chunk {number} of {len(chunks)} ({which}) failed: {type(error).__name__}"
                )
                outcome.failures.append(failure)
                get_run_logger().error(failure, exc_info=error)
            if this_run is not None:
                outcome.total.add(this_run)
            progress.advance(len(chunk), outcome.total)
    return outcome


def conclude(outcome: Outcome, dataset: Dataset, scope: Scope, plan: str, derived: State) -> State:
    """Shows what came of a backfill and what is missing still, and says how it ends.

    Args:
        outcome: What came of the chunks.
        dataset: The dataset.
        scope: What was asked for.
        plan: What was planned, in a line: it says why nothing was to do.
        derived: How the derived tables ended.

    Returns:
        Completed; under the name Degraded where something could not be had for now; or Failed,
        where every chunk failed or the derived tables did not follow.
    """
    gaps = dataset.survey(scope).gaps
    still = show.show_result(scope, outcome.total, outcome.failures, gaps)
    if not outcome.chunks:
        outcome.total.note = plan
    said = "\n".join([outcome.total.summary(), *outcome.failures, still])
    if derived.is_failed():
        return Failed(message=f"{said}\nThe derived tables did not follow: {derived.message}")
    if outcome.chunks and len(outcome.failures) == outcome.chunks:
        return Failed(message=said)
    if outcome.failures or outcome.total.gaps():
        return Completed(name="Degraded", message=said)
    return Completed(message=said)
